"""How long a command takes to answer, once the files it reads are in the system's cache."""

import sys
import time
from statistics import median
from typing import Any

from benchmarks.plan import Plan
from benchmarks.processes import ROOT, guarded, run_command

TRAIN = str(ROOT / "src" / "train.py")
COMMANDS = {  # words after python, and the exit code
    "import torch": (["-c", "import torch"], 0),
    "import what training needs": (["-c", "import torch, lightning.pytorch, hydra"], 0),
    "python src/train.py --cfg job": ([TRAIN, "--cfg", "job"], 0),
    "python src/train.py generator=unett": ([TRAIN, "generator=unett"], 1),
    "python src/train.py generator.base_chanels=8": ([TRAIN, "generator.base_chanels=8"], 1),
}
LIMIT = 120.0  # seconds per command


def measure_command(words: list[str], expected: int, runs: int) -> dict[str, Any]:
    """Median seconds from starting the interpreter to its end; the first run only warms up."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        done = run_command([sys.executable, *words], LIMIT)
        seconds.append(time.perf_counter() - started)
        if done.returncode != expected:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[-150:]}")
    return {"seconds": median(seconds[1:] or seconds)}


def measure(plan: Plan) -> dict[str, Any]:
    """Imports, and the answers to a right and to two wrong command lines."""
    rows = []
    for name, (words, expected) in COMMANDS.items():
        # The benchmark itself has read the files of an import.
        runs = 1 if "import" in name else 2 if plan.quick else 4
        rows.append({"command": name} | guarded(measure_command, words, expected, runs))
    return {"rows": rows}
