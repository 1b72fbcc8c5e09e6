"""Measures everything and writes the table, the numbers and the plot: ``make bench``.

``python benchmarks/run.py [--quick] [--gpu-full] [--only training,data] [--out DIR]``
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.fresh_process import ROOT, call, make_importable

SECTIONS = (
    "matrix", "training", "agreement", "memory", "parallel", "startup", "data", "evaluation",
    "large_pictures",
)  # fmt: skip


def parse(words: list[str]) -> argparse.Namespace:
    """Reads the command line."""

    def names(text: str) -> list[str]:
        return [name for name in text.split(",") if name]

    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny networks: does it all run?")
    parser.add_argument("--gpu-full", action="store_true", help="torch.compile in every cell")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--only", type=names, default=list(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--generators", type=names, help="unet,resnet9")
    parser.add_argument("--objectives", type=names, help="vanilla,wgan-gp")
    parser.add_argument("--batches", type=names, help="1,4")
    parser.add_argument("--size", type=int, help="pixels, for all generators")
    parser.add_argument("--n-critic", type=int, help="critic updates a step of WGAN-GP")
    parser.add_argument("--seconds", type=float, help="measured a cell, at least")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--name", help="of the files; default: that of the machine")
    parser.add_argument("--add", action="store_true", help="keep what NAME.json has beside this")
    options = parser.parse_args(words)
    unknown = sorted(set(options.only) - set(SECTIONS))
    if unknown:
        parser.error(f"--only {unknown[0]}: expected some of {', '.join(SECTIONS)}")
    return options


def make_plan(options: argparse.Namespace, device: str) -> Any:
    """The machine's plan, narrowed by the options."""
    from benchmarks.plan import cpu_plan, gpu_plan, quick_plan

    plan = quick_plan(device) if options.quick else None
    plan = plan or (gpu_plan(options.gpu_full) if device == "cuda" else cpu_plan())
    sizes = {g: s for g, s in plan.sizes.items() if g in (options.generators or plan.sizes)}
    if options.size:
        sizes = dict.fromkeys(sizes, options.size)
    return replace(
        plan, sizes=sizes, objectives=tuple(options.objectives or plan.objectives),
        batches=tuple(int(b) for b in options.batches or plan.batches),
        n_critic=options.n_critic or plan.n_critic, seconds=options.seconds or plan.seconds,
    )  # fmt: skip


def measure_training(plan: Any) -> dict[str, Any]:
    """Every cell in a process of its own; prints each as it comes."""
    from benchmarks.plan import BARE
    from benchmarks.step_flops import step_flops
    from benchmarks.training import measure_bare, measure_lightning

    rows, flops = [], {}
    for variant, cell in plan.cells():
        work = f"{cell.generator}/{cell.objective}"
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
    from benchmarks import agreement, large_step, parallel, startup
    from benchmarks.machine import matrix_rates

    side = 256 if options.quick else 0
    found: dict[str, Callable[[], dict]] = {
        "matrix": lambda: call(matrix_rates, plan.device, side),
        "training": lambda: measure_training(plan),
        "agreement": lambda: agreement.measure(plan, options.quick),
        "memory": lambda: large_step.measure(plan),
        "parallel": lambda: parallel.measure(options.quick),
        "startup": lambda: startup.measure(options.quick),
    }
    for section in ("data", "evaluation", "large_pictures"):
        if (ROOT / "benchmarks" / f"{section}.py").exists():
            found[section] = lambda section=section: call(measure_other, section, options.quick)
    return {name: measure for name, measure in found.items() if name in options.only}


def merged(earlier: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """Earlier sections and rows that were not measured again, with the new ones."""
    from benchmarks.report import row_key

    both = earlier | results
    both["seconds"] = earlier.get("seconds", {}) | results["seconds"]
    if "training" in earlier and "training" in results:
        new = {row_key(row) for row in results["training"]["rows"]}
        kept = [row for row in earlier["training"]["rows"] if row_key(row) not in new]
        flops = earlier["training"]["flops_an_image"] | results["training"]["flops_an_image"]
        rows = sorted([*kept, *results["training"]["rows"]], key=lambda r: row_key(r)[:-1])
        both["training"] = {"rows": rows, "flops_an_image": flops}
    return both


def save(results: dict[str, Any], folder: Path, name: str) -> None:
    """Writes NAME.json, NAME.md and NAME.png."""
    from benchmarks.plot import draw
    from benchmarks.report import markdown, with_ratios
    from i2i.run_folder import write_json, write_text

    if results.get("training"):
        training = results["training"]
        on_gpu = results["machine"]["device"] == "cuda"
        rate = results.get("matrix", {}).get("bfloat16") if on_gpu else None
        with_ratios(training["rows"], training["flops_an_image"], rate)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", results)
    write_text(folder / f"{name}.md", markdown(results))
    if results.get("training"):
        draw(results, folder / f"{name}.png")


def main(words: list[str]) -> None:
    """Runs the sections one after the other; what is done is on disk at once."""
    options = parse(words)
    import torch

    from benchmarks.machine import describe_machine, short_name

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    machine = describe_machine(device)
    name = options.name or short_name(machine) + ("-quick" if options.quick else "")
    file = options.out / f"{name}.json"
    earlier = json.loads(file.read_text()) if options.add and file.exists() else {}
    command = " ".join(["python benchmarks/run.py", *words])
    results: dict[str, Any] = {"machine": machine, "command": command, "seconds": {}}
    for section, measure in measurements(options, make_plan(options, device)).items():
        print(f"{section} ...", flush=True)
        started = time.perf_counter()
        results[section] = measure()
        results["seconds"][section] = time.perf_counter() - started
        save(merged(earlier, results), options.out, name)
    print("\n" + (options.out / f"{name}.md").read_text())
    print(f"{sum(results['seconds'].values()):.0f} s. Files: {options.out / name}.{{json,md,png}}")


if __name__ == "__main__":
    make_importable()
    main(sys.argv[1:])
