"""The share of training time in which the step loop waits for images from files."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmarks.cell import Cell, composed, fit, wait_for
from benchmarks.data import datamodule, link_set
from benchmarks.fresh_process import call
from benchmarks.plan import Plan

N_DRAWN = 64  # pictures; the set is links to them, so that an epoch outlasts the measurement
WARMUP = 4  # steps, in which the workers fill their queue


class Timed:
    """A loader that notes how long each of its batches was waited for, the device being idle."""

    def __init__(self, loader: Iterable[Any], device: str):
        self.loader, self.device = loader, device
        self.waits: list[float] = []  # seconds

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.loader)
        while True:
            wait_for(self.device)  # a GPU that still computes would not be waiting
            asked = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            self.waits.append(time.perf_counter() - asked)
            yield batch


class Clock(Callback):
    """Times some steps after the warm-up, then ends the run."""

    def __init__(self, timed: list[Timed], steps: int):
        self.timed, self.steps, self.since, self.wall = timed, steps, 0.0, 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        wait_for(self.timed[0].device)
        if trainer.global_step == WARMUP:
            self.since = time.perf_counter()
        if trainer.global_step == WARMUP + self.steps:
            self.wall = time.perf_counter() - self.since
            trainer.should_stop = True


def measure_waiting(cell: Cell, workers: int, steps: int) -> dict[str, Any]:
    """Trains from JPEGs of 256 x 512 with workers; the share of time spent waiting for them.

    On a GPU each step is waited for before the next batch is asked for: the share is then an upper
    bound of the time in which it has nothing to do for want of data.
    """
    with tempfile.TemporaryDirectory() as name:
        count = cell.batch * (steps + WARMUP + 2 * workers + 8)
        link_set(Path(name) / "train", count, min(N_DRAWN, count), (256, 512))
        data = datamodule(
            Path(name), num_workers=workers, batch_size=cell.batch, image_size=cell.size
        )
        loader, timed = data.train_dataloader, []

        def timed_loader() -> Timed:
            timed.append(Timed(loader(), cell.device))
            return timed[0]

        data.train_dataloader = timed_loader
        clock = Clock(timed, steps)
        fit(composed(cell), data, clock)
    waited = sum(timed[0].waits[WARMUP : WARMUP + steps])
    return {
        "workers": workers, "batch": cell.batch, "size": cell.size, "steps": steps,
        "step_s": clock.wall / steps, "images_per_s": cell.batch * steps / clock.wall,
        "waited_share": waited / clock.wall,
    }  # fmt: skip


def measure(plan: Plan) -> dict[str, Any]:
    """The U-Net, whose steps are the shortest, under the device's default settings."""
    batch, size, workers, steps = (plan.wait[k] for k in ("batch", "size", "workers", "steps"))
    cell = Cell("unet", "vanilla", batch, size, plan.device, plan.base_channels)
    name = f"{workers} workers, batch {batch}, {size} pixels, from JPEGs"
    return {"rows": {name: call(measure_waiting, cell, workers, steps)}}
