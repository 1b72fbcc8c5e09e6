"""What the measurements were to reach."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.plan import BARE, EAGER

EAGER_LEAST = 0.97  # of the bare loop's speed: what Lightning may cost
BF16_LEAST = 1.5  # times the bare loop, on a CPU at batch 4
GPU_LEAST = {1: 3.0, 16: 4.0}  # times the bare loop, at that batch and above
DATA_LEAST = 3.0  # times the images/s a core of a Pillow + torchvision loader
FIRST_BATCH = 3.0  # seconds, of 100,000 files
WAITED_MOST = 0.01  # of the time, with 8 workers at batch 16: "never", but for the clock
EVALUATION_LEAST = 2.0  # times the images/s of separate torchmetrics objects
RATE_LEAST = 0.35  # of the bfloat16 matrix rate, in the best row


@dataclass(frozen=True)
class Target:
    """One bound, and the value that was measured."""

    name: str
    found: float
    bound: str
    reached: bool


def at_least(name: str, found: float, bound: float) -> Target:
    """A bound from below."""
    return Target(name, found, f"at least {bound}", found >= bound)


def targets(results: Mapping[str, Any]) -> list[Target]:
    """The targets that these results say something about."""
    rows = [r for r in (results.get("training") or {}).get("rows", []) if "speed_ratio" in r]
    rows = [r for r in rows if r["variant"] != BARE]
    on_gpu = results["machine"]["device"] == "cuda"
    return [
        *of_lightning(rows), *(of_a_gpu(rows) if on_gpu else of_a_cpu(rows)),
        *of_startup(results), *of_data(results), *of_waiting(results), *of_evaluation(results),
    ]  # fmt: skip


def of_lightning(rows: list[dict[str, Any]]) -> Iterator[Target]:
    """The eager loop costs next to nothing."""
    eager = [row["speed_ratio"] for row in rows if row["variant"] == EAGER]
    if eager:
        yield at_least("Lightning eager, worst row, as measured", min(eager), EAGER_LEAST)
        mean = sum(eager) / len(eager)
        yield at_least("Lightning eager, mean over rows, as measured", mean, EAGER_LEAST)
    costs = [row["by_overhead"] for row in rows if "by_overhead" in row]
    if costs:
        name = "Lightning eager, worst row, 1 - overhead / bare step"
        yield at_least(name, min(costs), EAGER_LEAST)


def of_a_cpu(rows: list[dict[str, Any]]) -> Iterator[Target]:
    """bfloat16 with channels-last."""
    for row in rows:
        if row["batch"] == 4 and row["variant"] == "+ bf16":
            name = f"{row['generator']}, {row['objective']}, batch 4: bf16 + channels-last"
            yield at_least(name, row["speed_ratio"], BF16_LEAST)


def of_a_gpu(rows: list[dict[str, Any]]) -> Iterator[Target]:
    """The fastest variant of each cell, and the share of what the card can do."""
    best: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in rows:
        cell = (row["generator"], row["objective"], row["batch"])
        if row["speed_ratio"] > best.get(cell, {"speed_ratio": 0.0})["speed_ratio"]:
            best[cell] = row
    for (generator, objective, batch), row in best.items():
        bound = GPU_LEAST[16] if batch >= 16 else GPU_LEAST.get(batch)
        if bound:
            name = f"{generator}, {objective}, batch {batch}: {row['variant'].removeprefix('+ ')}"
            yield at_least(name, row["speed_ratio"], bound)
    shares = [row["rate_share"] for row in rows if "rate_share" in row]
    if shares:
        yield at_least("share of the bf16 matrix rate, best row", max(shares), RATE_LEAST)


def of_startup(results: Mapping[str, Any]) -> Iterator[Target]:
    """A command answers at once."""
    startup = results.get("startup") or {}
    for name, row in (startup.get("rows") or {}).items():
        if "train.py" in name and "error" not in row:
            limit = startup["target_s"]
            bound = f"at most {limit}"
            yield Target(f"seconds of `{name}`", row["seconds"], bound, row["seconds"] <= limit)


def of_data(results: Mapping[str, Any]) -> Iterator[Target]:
    """Loading costs little, however many files there are."""
    for row in (results.get("data") or {}).get("rows", []):
        if row["what"] == "one core: ours":
            yield at_least("data: times a Pillow + torchvision loader", row["ratio"], DATA_LEAST)
        if "first batch" in row["what"] and row["unit"] == "s":
            reached = row["value"] <= FIRST_BATCH
            yield Target(f"data: {row['what']}", row["value"], f"at most {FIRST_BATCH} s", reached)


def of_waiting(results: Mapping[str, Any]) -> Iterator[Target]:
    """A GPU never waits for files; on a CPU, which loads and computes, the number stands alone."""
    if results["machine"]["device"] != "cuda":
        return
    for name, row in ((results.get("waiting") or {}).get("rows") or {}).items():
        if "error" not in row:
            share = row["waited_share"]
            reached = share <= WAITED_MOST
            yield Target(f"waiting: {name}", share, f"at most {WAITED_MOST}", reached)


def of_evaluation(results: Mapping[str, Any]) -> Iterator[Target]:
    """One pass scores everything."""
    row = ((results.get("evaluation") or {}).get("rows") or {}).get("one pass, first run")
    if row and "error" not in row:
        name = "evaluation: times separate torchmetrics objects"
        yield at_least(name, row["ratio"], EVALUATION_LEAST)
