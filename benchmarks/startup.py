"""How long a command takes to answer, once the files it reads are in the system's cache."""

import os
import sys
import time
from statistics import median
from typing import Any

from benchmarks.fresh_process import ROOT, last_error, run_command

TRAIN = str(ROOT / "src" / "train.py")
COMMANDS = {  # words after python, and the exit code
    "import torch": (["-c", "import torch"], 0),
    "import what training needs": (["-c", "import torch, lightning.pytorch, hydra"], 0),
    "python src/train.py --cfg job": ([TRAIN, "--cfg", "job"], 0),
    "python src/train.py generator=unett": ([TRAIN, "generator=unett"], 1),
    "python src/train.py generator.base_chanels=8": ([TRAIN, "generator.base_chanels=8"], 1),
}
TARGET = 2.0  # seconds, of the last three
LIMIT = 120.0  # seconds a command


def measure(quick: bool) -> dict[str, Any]:
    """Median seconds from starting the interpreter to its end; the first run only warms up."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    rows = {}
    for name, (words, expected) in COMMANDS.items():
        seconds = []
        # The benchmark itself has read the files of an import; the rest once to warm up.
        for _ in range(1 if "import" in name else 2 if quick else 4):
            started = time.perf_counter()
            done = run_command([sys.executable, *words], LIMIT, environment)
            seconds.append(time.perf_counter() - started)
            if done.returncode != expected:
                break
        rows[name] = {"seconds": median(seconds[1:] or seconds)}
        if done.returncode != expected:
            rows[name]["error"] = f"exit code {done.returncode}: {last_error(done)}"
    return {"rows": rows, "target_s": TARGET}
