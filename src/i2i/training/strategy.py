"""Data parallel training of two players: each averages its gradients when it takes a step."""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn

MESSAGE = 2**24  # gradients in one message; 64 MiB of float32


class TwoPlayerDDP(DDPStrategy):
    """DDP without torch's wrapper around the model.

    The wrapper expects one forward and one backward a step that reach every parameter. A step of a
    GAN has two backwards, each of one player, and several forwards of D in one of them; with
    ``find_unused_parameters`` the wrapper walks each graph to find the other player's weights.
    Here the processes start from the same weights and buffers, and the model averages a player's
    gradients itself before that player's step (``average_gradients``), as the released code of
    StyleGAN2-ADA and StyleGAN3 does.
    """

    def configure_ddp(self) -> None:
        """Gives every process the weights and buffers of process 0."""
        model = self.lightning_module
        with torch.no_grad():
            for tensor in (*model.parameters(), *model.buffers()):
                dist.broadcast(tensor, src=0)


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replaces each gradient by its mean over all processes.

    Every process then holds the same bits: each sum is made once and sent to all. To be called by
    all processes, with the same parameters having gradients.

    Args:
        parameters: Of one player. Those without a gradient are left out.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    for part in messages(gradients):
        flat = torch.cat([gradient.reshape(-1) for gradient in part])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        pieces = flat.split([gradient.numel() for gradient in part])
        views = [piece.view(g.shape) for piece, g in zip(pieces, part, strict=True)]
        torch._foreach_copy_(part, views)


def messages(gradients: Sequence[Tensor]) -> list[list[Tensor]]:
    """Groups gradients of one type into messages of about ``MESSAGE`` numbers."""
    groups: list[list[Tensor]] = []
    size = 0
    for gradient in gradients:
        if not groups or size + gradient.numel() > MESSAGE or gradient.dtype != groups[-1][0].dtype:
            groups.append([])
            size = 0
        groups[-1].append(gradient)
        size += gradient.numel()
    return groups
