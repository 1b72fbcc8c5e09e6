"""What a run logged on its way, and what it cost, from its metrics.csv."""

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text

MOST_BYTES = 256_000_000  # of a metrics.csv; a million rows of thirty numbers are less
MOST_CURVES = 500  # of a run
RATE, SEEN = "train/images_per_second", "train/images_seen"

Curve = tuple[list[int], list[float]]  # steps, and a value at each


@dataclass
class Log:
    """What a metrics.csv holds.

    Attributes:
        curves: By name, in the order of the columns.
        step: The last one that anything was logged at; None where nothing was.
        notes: What could not be read.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    step: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float | None:
        """Images a second of training steps, all processes together; None where none was logged."""
        _, rates = self.curves.get(RATE, ((), ()))
        _, seen = self.curves.get(SEEN, ((), ()))
        seconds = self.seconds
        return seen[-1] / seconds if rates and seen and seconds else None

    @property
    def seconds(self) -> float | None:
        """Seconds in training steps: images seen over images a second, of each stretch logged.

        Validation, testing and saving are not in it, nor are the steps after the last row with a
        rate. None where no rate was logged.
        """
        steps, rates = self.curves.get(RATE, ((), ()))
        seen = dict(zip(*self.curves.get(SEEN, ((), ())), strict=True))
        spent, before = 0.0, 0.0
        for step, rate in zip(steps, rates, strict=True):
            if step in seen and rate > 0:
                spent, before = spent + (seen[step] - before) / rate, seen[step]
        return spent if spent > 0 and math.isfinite(spent) else None


def read_log(folder: Path) -> Log:
    """Reads a run's metrics.csv; what is missing or damaged becomes a note.

    Args:
        folder: Of the run.
    """
    file = folder / "metrics.csv"
    if not os.path.lexists(file):
        return Log(notes=["no metrics.csv: no learning curves (logger=csv writes them)"])
    try:
        lines = read_text(file, MOST_BYTES).splitlines(keepends=True)
        rows = csv.reader(line for line in lines if line.endswith("\n"))  # the last may be cut off
        head = next(rows, [])
        if head[:1] != ["step"] or len(head) > MOST_CURVES:
            raise Unreadable(f"{len(head)} columns that do not begin with 'step'")
        return _read_rows(head, list(rows))
    except (Unreadable, csv.Error) as error:
        return Log(notes=[f"metrics.csv cannot be read ({error})"])


def _read_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Log:
    log, left_out = Log(), 0
    for row in rows:
        if not row or not row[0].isdecimal() or len(row[0]) > 15 or len(row) > len(head):
            left_out += 1
            continue
        log.step = int(row[0])
        for name, text in zip(head[1:], row[1:], strict=False):
            if text == "":
                continue
            try:
                value = float(text)
            except ValueError:
                left_out += 1
                continue
            steps, values = log.curves.setdefault(name, ([], []))
            steps.append(log.step)
            values.append(value)
    if left_out:
        log.notes.append(f"{left_out} damaged rows or values of metrics.csv are left out")
    return log


def thinned(curve: Curve, most: int) -> Curve:
    """Every n-th point of a curve and its last one, so many at most."""
    steps, values = curve
    stride = -(-len(steps) // max(most - 1, 1))
    kept = sorted({*range(0, len(steps), stride), len(steps) - 1})
    return [steps[i] for i in kept], [values[i] for i in kept]
