"""How long a command takes to answer, once the files it reads are in the system's cache."""

import os
import subprocess
import sys
import time
from statistics import median
from typing import Any

from benchmarks.fresh_process import ROOT

TRAIN = str(ROOT / "src" / "train.py")
COMMANDS = {  # words after python, and the exit code
    "import torch": (["-c", "import torch"], 0),
    "import what training needs": (["-c", "import torch, lightning.pytorch, hydra"], 0),
    "python src/train.py --cfg job": ([TRAIN, "--cfg", "job"], 0),
    "python src/train.py generator=unett": ([TRAIN, "generator=unett"], 1),
    "python src/train.py generator.base_chanels=8": ([TRAIN, "generator.base_chanels=8"], 1),
}
TARGET = 2.0  # seconds, of the last three


def measure(quick: bool) -> dict[str, Any]:
    """Median seconds from starting the interpreter to its end; the first run only warms up."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    rows = {}
    for name, (words, expected) in COMMANDS.items():
        seconds = []
        for _ in range(2 if quick or "import" in name else 4):
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True,
                text=True, timeout=120,
            )  # fmt: skip
            seconds.append(time.perf_counter() - started)
        rows[name] = {"seconds": median(seconds[1:])}
        if done.returncode != expected:
            rows[name]["error"] = f"exit code {done.returncode}: {done.stderr.strip()[-150:]}"
    return {"rows": rows, "target_s": TARGET}
