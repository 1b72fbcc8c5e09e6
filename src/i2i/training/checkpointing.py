"""Activation checkpointing: memory for time, with the same gradients."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.utils.checkpoint import checkpoint

from i2i.errors import setting_error


def stages(network: nn.Module) -> Iterator[nn.Module]:
    """The blocks of a network: modules made of several layers that stand in a list or sequence.

    What is inside a block is kept or computed again as a whole. Single layers are no blocks: there
    is nothing in them to be saved.
    """
    for child in network.children():
        if not isinstance(child, nn.ModuleList | nn.Sequential):
            continue
        for module in child.children():
            if isinstance(module, nn.ModuleList | nn.Sequential):
                continue
            if any(True for _ in module.children()) and any(True for _ in module.parameters()):
                yield module
        yield from stages(child)


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """What ``stages`` finds.

    Raises:
        SettingError: It finds none.
    """
    blocks = list(stages(network))
    if not blocks:
        raise setting_error(
            "speed.checkpoint_activations=true",
            f"{type(network).__name__}, which has no blocks in an nn.ModuleList or nn.Sequential",
            "a generator made of blocks", "Leave the option out, or use model.accumulate.",
        )  # fmt: skip
    return blocks


def checkpoint_stages(network: nn.Module) -> None:
    """Makes each block of a network keep its input alone while gradients are recorded.

    Changes how the network computes, in place; names, weights and results stay.

    Raises:
        SettingError: The network has no such block.
    """
    for block in blocks_of(network):
        if "forward" in vars(block):
            continue  # done before, for an earlier fit
        block.forward = partial(_forward, block, block.forward)


def _forward(block: nn.Module, forward: Any, *inputs: Any) -> Any:
    if not (torch.is_grad_enabled() and block.training):
        return forward(*inputs)
    return checkpoint(
        forward, *inputs, use_reentrant=False,
        context_fn=lambda: (nullcontext(), _without_side_effects(block)),
    )  # fmt: skip


@contextmanager
def _without_side_effects(block: nn.Module) -> Iterator[None]:
    """A second forward that moves no running statistic and takes no step of power iteration."""
    norms = [m for m in block.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    spectral = [m for m in block.modules() if isinstance(m, _SpectralNorm) and m.training]
    statistics = [dict(norm._buffers) for norm in norms]
    for norm in norms:
        for name, value in norm._buffers.items():
            norm._buffers[name] = value.clone()  # moved in the original's place
    for norm in spectral:
        norm.training = False
    try:
        yield
    finally:
        for norm, buffers in zip(norms, statistics, strict=True):
            norm._buffers.update(buffers)
        for norm in spectral:
            norm.training = True
