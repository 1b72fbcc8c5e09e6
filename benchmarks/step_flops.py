"""Floating-point operations of a training step, counted without computing one."""

from dataclasses import replace
from typing import Any

import torch
from hydra.utils import instantiate
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.bare_loop import BareLoop
from benchmarks.cell import Cell, composed


class FlopCount(TorchDispatchMode):
    """Adds up what torch.utils.flop_counter's formulas say of each operator.

    FlopCounterMode itself cannot run the gradient penalty: its account by modules hooks into
    backward passes, and torch.autograd.grad refuses these hooks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def step_flops(cell: Cell) -> dict[str, Any]:
    """Counts the convolutions and products of a generator update and its critic updates.

    Both passes, the penalty's second backward included; a multiplication and an addition are two.
    Networks and images stand on PyTorch's meta device, which has shapes and no numbers.

    Args:
        cell: Its batch does not matter: the count is an image's.

    Returns:
        {"flops_an_image": of a step, over its batches}.
    """
    cell = replace(cell, batch=1, device="cpu")
    cfg = composed(cell)
    networks = [instantiate(cfg[name]).to("meta") for name in ("generator", "discriminator")]
    loop = BareLoop(*networks, cell.objective, {}, {}, n_critic=cell.batches_a_step)
    channels = {"input": cfg.dataset.input_channels, "target": cfg.dataset.target_channels}
    batch = {k: torch.empty(1, c, cell.size, cell.size, device="meta") for k, c in channels.items()}
    with FlopCount() as count:
        for _ in range(cell.batches_a_step):
            loop.on_batch(batch)
    return {"flops_an_image": count.total / cell.batches_a_step}
