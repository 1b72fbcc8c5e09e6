"""Activation checkpointing: memory for time, with the same gradients.

A network is cut into pieces. While gradients are recorded, a piece keeps what goes into it, and
computes the rest again in the backward pass (Chen et al. 2016, "Training deep nets with sublinear
memory cost").
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import activation
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.utils.checkpoint import checkpoint

from i2i.errors import setting_error

Piece = list[nn.Module]  # modules that follow each other


LISTS = (nn.ModuleList, nn.ModuleDict)


def learns(module: nn.Module) -> bool:
    """Whether it has weights."""
    return any(True for _ in module.parameters())


def layered(module: nn.Module) -> bool:
    """Whether it is made of layers; one whose weight is parametrized is a layer still."""
    return any(name != "parametrizations" for name, _ in module.named_children())


def parts_of(network: nn.Module) -> Iterator[nn.Module]:
    """What a network calls one after another: its ``nn.Sequential``s and the blocks in its lists.

    A block is kept or computed again as a whole, unless it has lists of its own. Single layers are
    no blocks: there is nothing in them to be saved.
    """
    in_list = isinstance(network, LISTS)
    for name, child in network.named_children():
        if name == "parametrizations" or not learns(child):
            continue
        has_lists = any(isinstance(module, LISTS) for module in (child, *child.children()))
        block = in_list and layered(child) and not has_lists
        if isinstance(child, nn.Sequential) or block:
            yield child
        else:
            yield from parts_of(child)


def begins_in_place(piece: Piece) -> bool:
    """Whether its last module overwrites what goes into the piece.

    Such a piece is not computed again: its input is gone. That costs no memory, as it keeps only
    what the next piece keeps too.
    """
    return getattr(piece[-1], "inplace", False) and not any(map(learns, piece))


def pieces_of(chain: nn.Sequential) -> list[Piece]:
    """Cuts a chain behind each activation that follows weights, and around what is no layer.

    What works in place at the beginning of a piece, behind a block say, is a piece of its own.

    A piece of convolution, norm and activation keeps one tensor instead of two or three.
    """
    pieces: list[Piece] = [[]]
    for module in chain:
        if layered(module):
            pieces += [[module], []]
            continue
        pieces[-1].append(module)
        named = type(module).__module__ == activation.__name__
        if (named and any(map(learns, pieces[-1]))) or begins_in_place(pieces[-1]):
            pieces.append([])
    return [piece for piece in pieces if piece]


def require_pieces(network: nn.Module) -> None:
    """Refuses a generator with nothing to compute again.

    Raises:
        SettingError: There is no such part.
    """
    if next(parts_of(network), None) is None:
        raise setting_error(
            "speed.checkpoint_activations=true",
            f"{type(network).__name__}, which has no blocks in an nn.ModuleList or nn.Sequential",
            "a generator made of blocks", "Leave the option out, or use model.accumulate.",
        )  # fmt: skip


def checkpointed(network: nn.Module) -> Callable[..., Any]:
    """A network's forward pass that keeps the inputs of its pieces alone.

    The network itself stays as it is, and so does what it returns. Called directly, as a gradient
    penalty does, it keeps everything: a second backward pass needs what the first one had.
    """
    forwards = {part: _forward_of(part) for part in parts_of(network)}

    def forward(*inputs: Any, **options: Any) -> Any:
        for module, own in forwards.items():
            vars(module)["forward"] = own
        try:
            return network(*inputs, **options)
        finally:
            for module in forwards:
                del vars(module)["forward"]

    return forward


def _forward_of(part: nn.Module) -> Callable[..., Any]:
    if type(part) is nn.Sequential:
        return partial(_call_chain, pieces_of(part))
    return partial(_call, [part], part.forward)


def _call_chain(pieces: list[Piece], input: Tensor) -> Tensor:  # nn.Sequential's name for it
    x = input
    for piece in pieces:
        forward = partial(_one_after_another, piece)
        x = forward(x) if begins_in_place(piece) else _call(piece, forward, x)
    return x


def _one_after_another(piece: Piece, x: Tensor) -> Tensor:
    for module in piece:
        x = module(x)
    return x


def _call(piece: Piece, forward: Callable[..., Any], /, *inputs: Any, **options: Any) -> Any:
    if not (torch.is_grad_enabled() and any(module.training for module in piece)):
        return forward(*inputs, **options)

    def positional(*values: Any) -> Any:  # torch keeps the noise of these values' devices alone
        named = dict(zip(options, values[len(inputs) :], strict=True))
        return forward(*values[: len(inputs)], **named)

    modules = [module for top in piece for module in top.modules()]
    norms = [m for m in modules if isinstance(m, _BatchNorm) and m.track_running_stats]
    spectral = [m for m in modules if isinstance(m, _SpectralNorm) and m.training]
    vectors: list[dict[str, Tensor]] = []  # of the power iteration, as this pass left them
    output = checkpoint(
        positional, *inputs, *options.values(), use_reentrant=False,
        context_fn=lambda: (nullcontext(), _without_side_effects(norms, spectral, vectors)),
    )  # fmt: skip
    vectors += [{name: v.clone() for name, v in norm._buffers.items()} for norm in spectral]
    return output


@contextmanager
def _without_side_effects(
    norms: list[nn.Module], spectral: list[nn.Module], vectors: list[dict[str, Tensor]]
) -> Iterator[None]:
    """A second forward that moves no running statistic and takes no step of power iteration.

    Args:
        norms: Batch norms that would move their running statistics.
        spectral: Spectral norms that would take a step.
        vectors: Their vectors of the first forward: another pass of D may have moved them since.
    """
    moved = [dict(module._buffers) for module in (*norms, *spectral)]
    for norm in norms:
        for name, value in norm._buffers.items():
            norm._buffers[name] = value.clone()  # moved in the original's place
    for norm, earlier in zip(spectral, vectors, strict=True):
        norm._buffers.update(earlier)
        norm.training = False
    try:
        yield
    finally:
        for module, buffers in zip((*norms, *spectral), moved, strict=True):
            module._buffers.update(buffers)
        for norm in spectral:
            norm.training = True
