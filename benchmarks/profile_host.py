"""Where reading a pair, and scoring one, spends its time, beside what was there before.

``python benchmarks/profile_host.py data|evaluation [out=FILE.md]``: the functions that take most by
themselves, in CPU time of this process on one thread, a pair. Python's profiler slows down small
functions that are called often; `make bench` measures without it.
"""

import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(root), str(root / "src")]

import torch

from benchmarks import data, evaluation
from benchmarks.machine import describe_machine
from i2i.data.collate import settle_worker
from i2i.run_folder import write_text

TOP = 10  # functions
PAIRS = {"data": 128, "evaluation": evaluation.BATCH}
Row = tuple[str, float, float]  # function, calls a pair, ms a pair


def profiled(run: Callable[[], Any], pairs: int) -> tuple[float, list[Row]]:
    """Milliseconds a pair of a whole run, and the functions that take most by themselves."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(run)
    stats = pstats.Stats(profile)
    found = sorted(stats.stats.items(), key=lambda item: -item[1][2])
    rows = [(where(*key), calls / pairs, 1e3 * own / pairs) for key, (_, calls, own, _, _) in found]
    rest = rows[TOP:]
    others = (f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))
    return 1e3 * stats.total_tt / pairs, [*rows[:TOP], others]


def where(file: str, line: int, name: str) -> str:
    """A function's name with its file; built-in ones have none."""
    return name.strip("{}<>") if file == "~" else f"{Path(file).name}: {name.strip('<>')}"


def reading(folder: Path) -> dict[str, Callable[[], Any]]:
    """One after the other in this process, pictures in the system's cache."""
    data.draw_set(folder / "train", PAIRS["data"], (256, 512))
    settle_worker()
    theirs = data.Reference(folder / "train")
    ours = data.datamodule(folder).train_dataloader()
    keys = [key for batch in ours.batch_sampler for key in batch]
    sets = {
        "before: Pillow and torchvision": (theirs, range(PAIRS["data"])),
        "after: ours": (ours.dataset, keys),
    }
    for dataset, chosen in sets.values():
        dataset[chosen[0]]  # what is made once
    return {
        name: lambda pair=pair: [ours.collate_fn([pair[0][key]]) for key in pair[1]]
        for name, pair in sets.items()
    }


def scoring(folder: Path) -> dict[str, Callable[[], Any]]:
    """Torchmetrics' objects, and one pass whose real side is computed, then read."""
    extractor = evaluation.random_inception(folder, "cpu")
    target = evaluation.photographs(PAIRS["evaluation"], 0)
    output = (evaluation.photographs(PAIRS["evaluation"], 1) + target) / 2
    images = (extractor, output, target)
    return {
        "before: separate torchmetrics objects": lambda: evaluation.run_torchmetrics(*images),
        "after: one pass, first run": lambda: evaluation.run_ours(*images, f"{folder}/cache"),
        "after: one pass, real side on disk": lambda: evaluation.run_ours(
            *images, f"{folder}/cache"
        ),
    }


def page(what: str) -> str:
    """The profiles of one subject as Markdown."""
    machine = describe_machine("cpu")
    lines = [
        f"# `python benchmarks/profile_host.py {what}`", "",
        f"{machine['date']}. {machine['cpu']}, one thread; torch {machine['versions']['torch']}, "
        f"commit {machine['versions']['commit']}. CPU time, {PAIRS[what]} pairs.",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        runs = (reading if what == "data" else scoring)(Path(folder))
        found = {name: profiled(run, PAIRS[what]) for name, run in runs.items()}
    for name, (whole, rows) in found.items():
        lines += [
            "", f"## {name}: {whole:.2f} ms a pair", "",
            "| function, without those it calls | calls a pair | ms a pair | share |",
            "|---|---:|---:|---:|",
        ]  # fmt: skip
        lines += [f"| {f} | {calls:.1f} | {ms:.3f} | {ms / whole:.1%} |" for f, calls, ms in rows]
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> None:
    """Prints, and writes where asked."""
    subjects = [word for word in words if word in PAIRS]
    files = [word.removeprefix("out=") for word in words if word.startswith("out=")]
    if len(subjects) != 1 or len(subjects) + len(files) != len(words):
        sys.exit(f"{' '.join(words)}: expected data or evaluation, and out=FILE.md at most")
    torch.set_num_threads(1)
    text = page(subjects[0])
    print(text)
    for file in files:
        write_text(Path(file), text)


if __name__ == "__main__":
    main(sys.argv[1:])
