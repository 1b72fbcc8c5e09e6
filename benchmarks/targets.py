"""What the measurements were to reach."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.plan import BF16, EAGER

EAGER_LEAST = 0.97  # of the bare loop's speed: what Lightning may cost
BF16_LEAST = 1.5  # times the bare loop, on a CPU at batch 4
GPU_LEAST = {1: 3.0, 16: 4.0, 64: 4.0}  # times the bare loop, by batch
RATE_LEAST = 0.35  # of the bfloat16 matrix rate, in the best row
STARTUP_MOST = 2.0  # seconds
DATA_LEAST = 3.0  # times the images/s per core of a Pillow + torchvision loader
FIRST_BATCH = 3.0  # seconds, of 100,000 files
WAITED_MOST = 0.01  # of the time on a GPU, with 8 workers at batch 16: "never", but for the clock
EVALUATION_LEAST = 2.0  # times the images/s of separate torchmetrics objects
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Target:
    """One bound, and the value that was measured."""

    name: str
    found: float
    bound: float
    at_most: bool = False  # else at least

    @property
    def reached(self) -> bool:
        """Whether the value is on the right side of the bound, or on it."""
        return self.found <= self.bound if self.at_most else self.found >= self.bound


def targets(results: Mapping[str, Any]) -> list[Target]:
    """The targets that these results say something about."""
    rows = {
        section: [row for row in results.get(section, {}).get("rows", []) if "error" not in row]
        for section in ("training", "startup", "waiting", "data", "evaluation")
    }
    # Networks of one channel show Lightning's cost in milliseconds; their ratio means nothing.
    trained = [r for r in rows["training"] if "speed_ratio" in r and r["base_channels"] > 1]
    on_gpu = results["machine"]["device"] == "cuda"
    return [*of_training(trained, on_gpu), *of_the_rest(rows, on_gpu)]


def of_training(rows: Rows, on_gpu: bool) -> Iterator[Target]:
    """The eager loop costs next to nothing, and the fast ways are fast."""
    eager = [row["speed_ratio"] for row in rows if row["variant"] == EAGER]
    if eager:
        yield Target("Lightning eager, worst row", min(eager), EAGER_LEAST)
        yield Target("Lightning eager, mean over rows", sum(eager) / len(eager), EAGER_LEAST)
    if on_gpu:
        yield from of_a_gpu(rows)
    for row in [] if on_gpu else rows:
        if row["batch"] == 4 and row["variant"] == BF16:
            name = f"{row['generator']}, {row['objective']}, batch 4: bf16 + channels-last"
            yield Target(name, row["speed_ratio"], BF16_LEAST)


def of_a_gpu(rows: Rows) -> Iterator[Target]:
    """The fastest variant of each cell, and the share of what the card can do."""
    best: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["speed_ratio"]):
        best[row["generator"], row["objective"], row["batch"]] = row
    for (generator, objective, batch), row in best.items():
        if batch in GPU_LEAST:
            name = f"{generator}, {objective}, batch {batch}: {row['variant'].removeprefix('+ ')}"
            yield Target(name, row["speed_ratio"], GPU_LEAST[batch])
    shares = [row["rate_share"] for row in rows if "rate_share" in row]
    if shares:
        yield Target("share of the bf16 matrix rate, best row", max(shares), RATE_LEAST)


def of_the_rest(rows: Mapping[str, Rows], on_gpu: bool) -> Iterator[Target]:
    """A command answers at once, loading costs little, and one pass scores everything."""
    for row in rows["startup"]:
        if "train.py" in row["command"]:
            name = f"seconds of `{row['command']}`"
            yield Target(name, row["seconds"], STARTUP_MOST, at_most=True)
    for row in rows["data"]:
        if row["what"] == "ours":
            yield Target("data: times a Pillow + torchvision loader", row["ratio"], DATA_LEAST)
        if "first batch" in row["what"]:
            yield Target(f"seconds: {row['what']}", row["seconds"], FIRST_BATCH, at_most=True)
    for row in rows["waiting"] if on_gpu else []:  # a CPU loads and computes: no target there
        yield Target("share of time waited", row["waited_share"], WAITED_MOST, at_most=True)
    for row in rows["evaluation"]:
        if row["what"] == "one pass, first run":
            name = "evaluation: times separate torchmetrics objects"
            yield Target(name, row["ratio"], EVALUATION_LEAST)
