"""Measures speed and memory and writes the numbers and their tables: ``make bench``.

``python benchmarks/run.py [--quick] [--only training,data] [--out DIR]``
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.processes import ROOT, call, guarded, make_importable

SECTIONS = ("training", "memory", "startup", "waiting", "data", "evaluation", "translating")


def names(text: str) -> list[str]:
    """Words with commas between them."""
    return [name for name in text.split(",") if name]


def parse(words: list[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny networks: does it all run?")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--only", type=names, default=SECTIONS, help=",".join(SECTIONS))
    parser.add_argument("--generators", type=names, help="unet,resnet9")
    parser.add_argument("--objectives", type=names, help="vanilla,wgan-gp")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--name", help="of the files; default: that of the machine")
    options = parser.parse_args(words)
    unknown = sorted(set(options.only) - set(SECTIONS))
    if unknown:
        parser.error(f"--only {unknown[0]}: expected some of {', '.join(SECTIONS)}")
    return options


def measurements(plan: Any, keep: Callable[[dict], None]) -> dict[str, Callable[[], dict]]:
    """What measures each section.

    Args:
        plan: Of the machine.
        keep: Is handed the section training after each of its cells.
    """
    from benchmarks import data, evaluation, memory, startup, training, translating, waiting

    return {
        "training": lambda: training.measure(plan, keep),
        "memory": lambda: memory.measure(plan),
        "startup": lambda: startup.measure(plan),
        "waiting": lambda: waiting.measure(plan),
        "data": lambda: call(data.measure, plan.quick),
        "evaluation": lambda: call(evaluation.measure, plan.quick),
        "translating": lambda: translating.measure(plan),
    }


def main(words: list[str]) -> None:
    """Runs the sections one after the other; what is done is on disk at once."""
    options = parse(words)
    import torch

    from benchmarks.machine import describe_machine, short_name
    from benchmarks.plan import cpu_plan, gpu_plan, quick_plan
    from benchmarks.report import save

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    plan = gpu_plan() if device == "cuda" else cpu_plan()
    plan = quick_plan(device) if options.quick else plan
    groups = tuple(
        group
        for group in plan.groups
        if group.generator in (options.generators or [group.generator])
        and group.objective in (options.objectives or [group.objective])
    )
    plan = replace(plan, groups=groups)
    machine = describe_machine(device)
    name = options.name or short_name(machine) + ("-quick" if options.quick else "")
    command = " ".join(["python benchmarks/run.py", *words])
    results: dict[str, Any] = {"machine": machine, "command": command, "seconds": {}}

    def keep(training: dict[str, Any]) -> None:
        save(results | {"training": training}, options.out, name)

    with TemporaryDirectory() as compiled:  # what was compiled in an earlier run is not reused
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = compiled
        sections = measurements(plan, keep)
        for section in (s for s in SECTIONS if s in options.only):
            print(f"{section} ...", flush=True)
            started = time.perf_counter()
            results[section] = guarded(sections[section])
            results["seconds"][section] = time.perf_counter() - started
            if "error" in results[section]:
                print(f"  failed: {results[section]['error']}", flush=True)
            save(results, options.out, name)
    print("\n" + (options.out / f"{name}.md").read_text())
    print(f"{sum(results['seconds'].values()):.0f} s. Files: {options.out / name}.{{json,md}}")


if __name__ == "__main__":
    make_importable()
    main(sys.argv[1:])
