"""Data parallel training: each player averages the gradients of its own backward pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn

# Gradients in one message, 8 MiB of float32. A player has to have several messages: the only one of
# a player would leave when its backward pass is over.
MESSAGE = 2**21


class PlayersDDP(DDPStrategy):
    """DDP without torch's wrapper around the model.

    The wrapper expects one forward and one backward a step that reach every parameter. A step of a
    GAN has a backward for each player, and several forwards of D in one of them; with
    ``find_unused_parameters`` the wrapper walks each graph to find the other players' weights.
    Here the processes start from the same weights and buffers, and the model averages a player's
    gradients itself before that player's step (``averaged_gradients``), as the released code of
    StyleGAN2-ADA and StyleGAN3 does.
    """

    def configure_ddp(self) -> None:
        """Gives every process the weights and buffers of process 0."""
        model = self.lightning_module
        with torch.no_grad():
            for tensor in (*model.parameters(), *model.buffers()):
                dist.broadcast(tensor, src=0)


@contextmanager
def averaged_gradients(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Replaces each gradient by its mean over all processes, while a backward pass runs inside.

    A message is sent as soon as its gradients are complete, so that most of them travel while the
    pass goes on. Every process then holds the same bits: each sum is made once and sent to all. To
    be entered by all processes, around the last backward pass before a step, with the same
    parameters having gradients. A gradient penalty's inner pass touches no ``.grad``, and so starts
    no message.

    Args:
        parameters: Of one player. Those without a gradient are left out.
    """
    sums = _Sums(parameters)
    hooks = [p.register_post_accumulate_grad_hook(sums.completed) for p in parameters]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    sums.finish()


class _Sums:
    """The messages of one backward pass, the last layers' first: their gradients come first.

    They leave in that order in every process, whatever the order of their completion; another order
    in another process would add up numbers that do not belong together.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]):
        self.groups = messages(list(reversed(parameters)))
        self.group_of = {p: i for i, group in enumerate(self.groups) for p in group}
        self.missing = [len(group) for group in self.groups]
        self.sent: list[tuple[list[Tensor], Tensor, Any]] = []

    def completed(self, parameter: nn.Parameter) -> None:
        """Notes a gradient, and sends what stands complete in front."""
        self.missing[self.group_of[parameter]] -= 1
        while len(self.sent) < len(self.groups) and self.missing[len(self.sent)] == 0:
            self.send()

    @torch.no_grad()
    def send(self) -> None:
        """Starts the next message."""
        group = [p.grad for p in self.groups[len(self.sent)] if p.grad is not None]
        flat, work = torch.empty(0), None
        if group:
            flat = torch.cat([gradient.reshape(-1) for gradient in group])
            work = dist.all_reduce(flat, async_op=True)
        self.sent.append((group, flat, work))

    @torch.no_grad()
    def finish(self) -> None:
        """Sends the messages with gradients that this pass did not reach, and takes in all sums."""
        while len(self.sent) < len(self.groups):
            self.send()
        for group, flat, work in self.sent:
            if work is None:
                continue
            work.wait()
            flat /= dist.get_world_size()
            pieces = flat.split([gradient.numel() for gradient in group])
            views = [piece.view(g.shape) for piece, g in zip(pieces, group, strict=True)]
            torch._foreach_copy_(group, views)


def messages(gradients: Sequence[Tensor]) -> list[list[Tensor]]:
    """Groups gradients, or weights, of one type into messages of at least ``MESSAGE`` numbers.

    The last one of a type may be smaller. The gradients of norms and biases travel with those of a
    convolution: on their own they would take as long to arrive.
    """
    groups: list[list[Tensor]] = []
    size = 0
    for gradient in gradients:
        if not groups or size >= MESSAGE or gradient.dtype != groups[-1][0].dtype:
            groups.append([])
            size = 0
        groups[-1].append(gradient)
        size += gradient.numel()
    return groups
