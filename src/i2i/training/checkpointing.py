"""Activation checkpointing: memory for time, with the same gradients.

A network names its blocks in ``checkpointed``, a tuple of classes. While gradients are recorded, a
block keeps what goes into it and computes the rest again in the backward pass (Chen et al. 2016,
"Training deep nets with sublinear memory cost").
"""

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    CheckpointWrapper,
    apply_activation_checkpointing,
    checkpoint_wrapper,
)
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from i2i.errors import setting_error


def require_blocks(network: nn.Module) -> None:
    """Refuses a network with nothing to compute again.

    Raises:
        SettingError: It has none of the blocks that its ``checkpointed`` names.
    """
    named = getattr(network, "checkpointed", ())
    if not any(isinstance(module, named) for module in network.modules()):
        raise setting_error(
            "speed.checkpoint_activations=true",
            f"{type(network).__name__}, which names no blocks that could be computed again",
            "a network with a class attribute `checkpointed`, the classes of its blocks",
            "Leave the option out, or use model.accumulate.",
        )  # fmt: skip


def checkpoint_blocks(network: nn.Module) -> None:
    """Wraps the blocks that a network names; the names in its state dict stay as they are."""
    require_blocks(network)
    if not any(isinstance(module, CheckpointWrapper) for module in network.modules()):
        apply_activation_checkpointing(
            network,
            checkpoint_wrapper_fn=partial(checkpoint_wrapper, checkpoint_fn=_recomputed),
            check_fn=lambda module: isinstance(module, network.checkpointed),
        )


def _recomputed(block: nn.Module, *inputs: Any) -> Any:
    """The block's output. What computes it again starts from the buffers that this pass found.

    Else batch norm would move its running statistics twice, and spectral norm take a second step
    of its power iteration, and from vectors that another pass may have moved since. Weights that
    are frozen in this pass are so in the other one, by when they may learn again.
    """
    if not torch.is_grad_enabled():
        return block(*inputs)
    found = {name: buffer.clone() for name, buffer in block.named_buffers()}
    still = {name: p.detach() for name, p in block.named_parameters() if not p.requires_grad}
    passes = 0

    def forward(*inputs: Any) -> Any:
        nonlocal passes
        passes += 1
        if passes == 1:
            return block(*inputs)
        buffers = {name: buffer.clone() for name, buffer in found.items()}
        return functional_call(block, still | buffers, inputs)

    return checkpoint(forward, *inputs, use_reentrant=False)
