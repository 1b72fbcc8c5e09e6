"""A stopwatch for training under Lightning that takes turns with the bare loop.

A machine that is shared, or grows warm, changes its speed within seconds. Two loops that take turns
in one process meet the same machine: each block is compared with its neighbours in time alone.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmarks.cell import Cell, wait_for
from benchmarks.fresh_process import peak_mib

BLOCK_SECONDS = 0.1  # steps are timed in blocks of about that long where the cell does not say
Run = Callable[[int], float]  # runs some steps and gives the seconds a step took


def steps_a_block(cell: Cell, step_seconds: float) -> int:
    """Steps that take about BLOCK_SECONDS, or what the cell says."""
    return cell.block or max(1, round(BLOCK_SECONDS / max(step_seconds, 1e-6)))


def warm_up(cell: Cell, run: Run) -> float:
    """Runs the warm-up steps but the first, at least one; returns the seconds of the last."""
    started, steps = time.perf_counter(), 1
    while True:
        seconds, steps = run(1), steps + 1
        if cell.is_warm(steps, time.perf_counter() - started):
            return seconds


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The lower and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0]
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return lower, upper


def compare(ours: Sequence[float], bare: Sequence[float]) -> dict[str, Any]:
    """What two loops that took turns say of each other.

    Each block is paired with the one before and the one after it. Of the ratios the median is
    taken and not the ratio of the sums: a machine's disturbances are few, long and one-sided.

    Args:
        ours: Seconds a step of our blocks, in the order they were run in: ours, bare, ours, bare.
        bare: As many of the bare loop's.

    Returns:
        Medians and quartiles over neighbouring pairs: ``ratio_in_turns`` (above 1: ours is faster),
        ``ratio_quartiles``, ``overhead_s`` (seconds a step that ours takes more) and
        ``overhead_quartiles_s``; ``pairs``, their number.
    """
    pairs = [*zip(ours, bare, strict=True), *zip(ours[1:], bare, strict=False)]
    ratios, more = [b / o for o, b in pairs], [o - b for o, b in pairs]
    return {
        "ratio_in_turns": median(ratios), "ratio_quartiles": spread(ratios),
        "overhead_s": median(more), "overhead_quartiles_s": spread(more), "pairs": len(pairs),
    }  # fmt: skip


class Stopwatch(Callback):
    """Times blocks of steps, in turns with the bare loop where there is one, then ends the run.

    The clock runs from the end of one block's last batch to the end of the next one's: Lightning's
    own work between two batches is inside.
    """

    def __init__(
        self,
        cell: Cell,
        started: float,  # of time.perf_counter(): where the set-up began
        make_bare: Callable[[LightningModule], Run] | None = None,  # of the module that trains
    ):
        self.cell, self.started, self.make_bare = cell, started, make_bare
        self.batches = self.steps_left = self.steps = 0
        self.blocks: list[float] = []
        self.bare_blocks: list[float] = []
        self.bare: Run | None = None
        self.set_up = self.peak = self.since = self.warm_since = 0.0
        self.terms: dict[str, float] = {}

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.batches += 1
        if self.batches % self.cell.batches_a_step:
            return
        step = self.batches // self.cell.batches_a_step
        if step == 1:
            wait_for(self.cell.device)
            self.warm_since = time.perf_counter()
            self.set_up = self.warm_since - self.started
            self.terms = {k: v.item() for k, v in trainer.callback_metrics.items()}
        if self.steps == 0:
            wait_for(self.cell.device)
            if self.cell.is_warm(step, time.perf_counter() - self.warm_since):
                self.begin(1)
            return
        self.steps_left -= 1
        if self.steps_left == 0:
            self.end_block(trainer, pl_module)

    def end_block(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Notes a block, runs one of the bare loop, and begins the next."""
        seconds = (self.cell.now() - self.since) / self.steps
        steps = steps_a_block(self.cell, seconds)
        if not self.blocks and steps > 2 * self.steps:  # it only told how long a block should be
            self.begin(steps)
            return
        self.blocks.append(seconds)
        self.peak = self.peak or peak_mib(self.cell.device)  # the bare loop is not built yet
        if self.make_bare:
            if self.bare is None:
                self.bare = self.make_bare(pl_module)
                self.bare(1)
                if self.cell.warmup > 1:
                    warm_up(self.cell, self.bare)
            self.bare_blocks.append(self.bare(self.steps))
        enough = sum(self.blocks) * self.steps >= self.cell.seconds
        if enough and len(self.blocks) >= self.cell.least:
            trainer.should_stop = True
        self.begin(self.steps)

    def begin(self, steps: int) -> None:
        """Starts the clock."""
        self.steps = self.steps_left = steps
        self.since = self.cell.now()
