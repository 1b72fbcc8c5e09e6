"""The share of training time in which the step loop waits for images from files."""

import tempfile
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmarks.cell import Cell, composed, fit
from benchmarks.data import datamodule, link_set
from benchmarks.plan import Plan
from benchmarks.processes import call

N_DRAWN = 64  # pictures; the set is links to them, so that an epoch outlasts the measurement
WARMUP = 4  # steps, in which the workers fill their queue


class Clock(Callback):
    """Adds up the time between steps, in which the next batch is waited for, then ends the run.

    The device is idle then: a GPU that still computes would not be waiting. The sum is an upper
    bound, with Lightning's own work between two steps in it.
    """

    def __init__(self, cell: Cell, steps: int):
        self.cell, self.steps = cell, steps
        self.began = self.ended = self.waited = self.wall = 0.0

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step >= WARMUP:
            self.waited += self.cell.now() - self.ended

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.ended = self.cell.now()
        if trainer.global_step == WARMUP:
            self.began = self.ended
        if trainer.global_step == WARMUP + self.steps:
            self.wall = self.ended - self.began
            trainer.should_stop = True


def measure_waiting(cell: Cell, workers: int, steps: int) -> dict[str, Any]:
    """Trains from JPEGs of 256 x 512 with workers; the share of time spent waiting for them."""
    with tempfile.TemporaryDirectory() as name:
        count = cell.batch * (steps + WARMUP + 2 * workers + 8)
        link_set(Path(name) / "train", count, min(N_DRAWN, count), (256, 512))
        data = datamodule(
            Path(name), num_workers=workers, batch_size=cell.batch, image_size=cell.size
        )
        clock = Clock(cell, steps)
        fit(composed(cell), data, clock)
    return {
        "workers": workers, "batch": cell.batch, "size": cell.size, "steps": steps,
        "step_s": clock.wall / steps, "waited_share": clock.waited / clock.wall,
    }  # fmt: skip


def measure(plan: Plan) -> dict[str, Any]:
    """The U-Net, whose steps are the shortest, under the device's default settings."""
    return {"rows": [call(measure_waiting, plan.waiting, plan.workers, plan.waiting_steps)]}
