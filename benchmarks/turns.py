"""A stopwatch for training under Lightning that takes turns with the bare loop.

A machine that is shared, or grows warm, changes its speed within seconds. Two loops that take turns
in one process meet the same machine: each block is compared with its neighbours in time alone.
"""

from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmarks.cell import Cell
from benchmarks.processes import peak_mib

Run = Callable[[int], float]  # runs some steps and gives the seconds that a step took


def compare(ours: Sequence[float], bare: Sequence[float]) -> dict[str, Any]:
    """What two loops that took turns say of each other.

    Each block is paired with the one before and the one after it. Of the ratios the median is
    taken and not the ratio of the sums: a machine's disturbances are few, long and one-sided.

    Args:
        ours: Seconds per step of our blocks, in the order they were run in: ours, bare, ours, bare.
        bare: As many of the bare loop's.

    Returns:
        Over neighbouring pairs: the median ``ratio_in_turns`` (above 1: ours is faster) with
        ``ratio_quartiles``, the median ``overhead_s`` (seconds that our step takes more), and
        ``pairs``, their number.
    """
    pairs = [*zip(ours, bare, strict=True), *zip(ours[1:], bare, strict=False)]
    ratios = [b / o for o, b in pairs]
    lower, middle, upper = quantiles(ratios * 2 if len(pairs) == 1 else ratios, method="inclusive")
    return {
        "ratio_in_turns": middle, "ratio_quartiles": (lower, upper),
        "overhead_s": median(o - b for o, b in pairs), "pairs": len(pairs),
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
        self.blocks: list[float] = []
        self.bare_blocks: list[float] = []
        self.bare: Run | None = None
        self.batches, self.set_up, self.peak, self.since = 0, 0.0, 0.0, 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.batches += 1
        step, rest = divmod(self.batches, self.cell.batches_a_step)
        if rest:
            return
        if step == 1:
            self.set_up = self.cell.now() - self.started
        blocks, rest = divmod(step - self.cell.warmup, self.cell.block)
        if rest or blocks < 0:
            return
        if blocks > 0:
            self.end_block(trainer, pl_module)
        self.since = self.cell.now()

    def end_block(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Notes a block, and runs one of the bare loop."""
        cell = self.cell
        self.blocks.append((cell.now() - self.since) / cell.block)
        self.peak = self.peak or peak_mib(cell.device)  # the bare loop is not built yet
        if self.make_bare:
            if self.bare is None:
                self.bare = self.make_bare(pl_module)
                self.bare(cell.warmup)
            self.bare_blocks.append(self.bare(cell.block))
        enough = sum(self.blocks) * cell.block >= cell.seconds
        trainer.should_stop = enough and len(self.blocks) >= cell.least
