"""Memory of one training step on large pictures: plain, in parts, and with checkpointing."""

import time
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from benchmarks.cell import Cell, composed, fit, random_batch, wait_for
from benchmarks.fresh_process import call, peak_mib
from benchmarks.plan import Plan


class OneLargeStep(Callback):
    """Notes time and peak memory of the second batch, then ends the run."""

    def __init__(self, device: str):
        self.device, self.since, self.seconds = device, 0.0, 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        wait_for(self.device)
        if trainer.global_step == 1:
            if self.device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            self.since = time.perf_counter()
            return
        self.seconds = time.perf_counter() - self.since
        trainer.should_stop = True


def measure_large_step(cell: Cell) -> dict[str, Any]:
    """Peak memory of a process that takes one such step, and the seconds it took.

    A small batch goes first, after which Adam's moments stand, as in any later step.
    """
    cfg = composed(cell)
    clock = OneLargeStep(cell.device)
    shapes = ((1, min(cell.size, 256)), (cell.batch, cell.size))
    batches = [random_batch(cfg, batch, size, cell.device) for batch, size in shapes]
    fit(cfg, batches, clock)
    return {"step_s": clock.seconds, "peak_mib": peak_mib(cell.device)}


def measure(plan: Plan) -> dict[str, Any]:
    """Three ways, for the U-Net in float32; half as wide on a CPU, for the time."""
    batch, size, parts, width = (plan.large[k] for k in ("batch", "size", "accumulate",
                                                         "base_channels"))  # fmt: skip
    cell = Cell("unet", "vanilla", batch, size, plan.device, width)
    small_network = ("generator.n_downs=6",) if size < 256 else ()
    eager = ("speed=eager", "trainer.precision=32-true", *small_network)
    cells = {"plain": replace(cell, options=eager)}
    for option in (f"model.accumulate={parts}", "speed.checkpoint_activations=true"):
        cells[option] = replace(cell, options=(*eager, option))
    rows = {name: call(measure_large_step, each) for name, each in cells.items()}
    return {
        "generator": "unet", "base_channels": width, "batch": batch, "size": size, "rows": rows
    }  # fmt: skip
