"""Measures everything and writes the table, the numbers and the plot: ``make bench``.

``python benchmarks/run.py [--quick] [--gpu-full] [--only training,data] [--out DIR]``
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.fresh_process import ROOT, call, make_importable

SECTIONS = (
    "matrix", "overhead", "training", "agreement", "memory", "parallel", "startup", "waiting",
    "data", "evaluation", "large_pictures",
)  # fmt: skip
ON_CPU_ONLY = ("parallel", "large_pictures")  # beside a GPU only where --only names them
OBJECTIVES = ("vanilla", "wgan-gp")


def parse(words: list[str]) -> argparse.Namespace:
    """Reads the command line."""

    def names(text: str) -> list[str]:
        return [name for name in text.split(",") if name]

    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny networks: does it all run?")
    parser.add_argument("--gpu-full", action="store_true", help="torch.compile in every cell")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--only", type=names, help=", ".join(SECTIONS))
    parser.add_argument("--generators", type=names, help="unet,resnet9")
    parser.add_argument("--objectives", type=names, help="vanilla,wgan-gp")
    parser.add_argument("--batches", type=names, help="1,4")
    parser.add_argument("--size", type=int, help="pixels, for all generators")
    parser.add_argument("--n-critic", type=int, help="critic updates a step of WGAN-GP")
    parser.add_argument("--seconds", type=float, help="measured a cell, at least")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--name", help="of the files; default: that of the machine")
    parser.add_argument(
        "--add",
        action="store_true",
        help="keep what NAME.json has beside this, each with its date, commit and command",
    )
    options = parser.parse_args(words)
    for name, choices in (("only", SECTIONS), ("objectives", OBJECTIVES)):
        unknown = sorted(set(getattr(options, name) or ()) - set(choices))
        if unknown:
            parser.error(f"--{name} {unknown[0]}: expected some of {', '.join(choices)}")
    return options


def make_plan(options: argparse.Namespace, device: str) -> Any:
    """The machine's plan, narrowed by the options; those of the plan's groups where there are none.

    Objectives and batches take the place of every group's own.
    """
    from benchmarks.plan import cpu_plan, gpu_plan, quick_plan

    plan = quick_plan(device) if options.quick else None
    plan = plan or (gpu_plan(options.gpu_full) if device == "cuda" else cpu_plan())
    batches = tuple(int(b) for b in options.batches or ())
    groups = []
    for group in plan.groups:
        objectives = tuple(o for o in group.objectives if o in (options.objectives or OBJECTIVES))
        if objectives and group.generator in (options.generators or [group.generator]):
            group = replace(group, size=options.size or group.size, objectives=objectives)
            groups.append(replace(group, batches=batches or group.batches))
    return replace(
        plan, groups=tuple(groups), n_critic=options.n_critic or plan.n_critic,
        seconds=options.seconds or plan.seconds,
    )  # fmt: skip


def measure_training(plan: Any) -> dict[str, Any]:
    """Every cell in a process of its own; prints each as it comes."""
    from benchmarks.plan import BARE
    from benchmarks.report import work_key
    from benchmarks.step_flops import step_flops
    from benchmarks.training import measure_bare, measure_lightning

    rows, flops = [], {}
    for variant, cell in plan.cells():
        work = work_key(asdict(cell))
        if work not in flops:
            flops[work] = call(step_flops, cell).get("flops_an_image")
        found = call(measure_bare if variant == BARE else measure_lightning, cell)
        rows.append(asdict(cell) | {"variant": variant, "n_critic": cell.batches_a_step} | found)
        speed = found.get("error") or f"{1e3 * found['step_s']:.1f} ms a step"
        print(f"  {work}, batch {cell.batch}, {variant}: {speed}", flush=True)
    return {"rows": rows, "flops_an_image": flops}


def measure_other(section: str, quick: bool) -> dict[str, Any]:
    """The ``measure`` of a module of this folder."""
    return importlib.import_module(f"benchmarks.{section}").measure(quick)


def measurements(options: argparse.Namespace, plan: Any) -> dict[str, Callable[[], dict]]:
    """What measures each section."""
    from benchmarks import agreement, large_step, overhead, parallel, startup, waiting
    from benchmarks.machine import matrix_rates

    side = 256 if options.quick else 0
    found: dict[str, Callable[[], dict]] = {
        "matrix": lambda: call(matrix_rates, plan.device, side),
        "overhead": lambda: overhead.measure(plan),
        "training": lambda: measure_training(plan),
        "agreement": lambda: agreement.measure(plan, options.quick),
        "memory": lambda: large_step.measure(plan),
        "parallel": lambda: parallel.measure(options.quick),
        "startup": lambda: startup.measure(options.quick),
        "waiting": lambda: waiting.measure(plan),
    }
    for section in ("data", "evaluation", "large_pictures"):
        found[section] = lambda section=section: call(measure_other, section, options.quick)
    usual = [n for n in SECTIONS if plan.device == "cpu" or n not in ON_CPU_ONLY]
    return {name: found[name] for name in SECTIONS if name in (options.only or usual)}


def guarded(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a section gives; an error in its place must not lose the others."""
    try:
        return measure()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}


def main(words: list[str]) -> None:
    """Runs the sections one after the other; what is done is on disk at once."""
    options = parse(words)
    import torch

    from benchmarks.keeping import merged, read, save, unlike
    from benchmarks.machine import describe_machine, short_name

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    machine = describe_machine(device)
    name = options.name or short_name(machine) + ("-quick" if options.quick else "")
    earlier = read(options.out / f"{name}.json") if options.add else {}
    if options.add and not earlier:
        sys.exit(
            f"--add: {options.out} has no {name}.json to add to; leave --add out of the first "
            "command, or name its file with --name and --out"
        )
    difference = unlike(earlier, machine) if earlier else None
    if difference:
        sys.exit(f"--add: {name}.json was measured elsewhere ({difference}); give another --name")
    command = " ".join(["python benchmarks/run.py", *words])
    results: dict[str, Any] = {"machine": machine, "command": command, "seconds": {}}
    with TemporaryDirectory() as compiled:  # what was compiled in an earlier run is not reused
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = compiled
        for section, measure in measurements(options, make_plan(options, device)).items():
            print(f"{section} ...", flush=True)
            started = time.perf_counter()
            results[section] = guarded(measure)
            results["seconds"][section] = time.perf_counter() - started
            if "error" in results[section]:
                print(f"  failed: {results[section]['error']}", flush=True)
            save(merged(earlier, results), options.out, name)
    print("\n" + (options.out / f"{name}.md").read_text())
    print(f"{sum(results['seconds'].values()):.0f} s. Files: {options.out / name}.{{json,md,png}}")


if __name__ == "__main__":
    make_importable()
    main(sys.argv[1:])
