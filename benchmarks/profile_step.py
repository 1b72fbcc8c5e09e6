"""Where a step's time goes: ``python benchmarks/profile_step.py generator=unet [batch=4] ...``.

Prints the operators that take most, on CPU and GPU, and how much of the wall time is spent outside
them: Python, Lightning and waiting. Arguments are Hydra overrides, and batch=, size=, steps=,
warmup=, device=, top=, trace=FILE (for chrome://tracing or Perfetto) and out=FILE (.md or .json,
the table to keep) of this script. It is not called profile.py, a name that would hide the module of
the standard library that torch imports.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(root), str(root / "src")]

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.cell import Cell, composed, fit, random_batch, wait_for
from benchmarks.machine import describe_machine
from i2i.run_folder import write_json, write_text

OWN = {"batch": "1", "size": "256", "steps": "5", "warmup": "3", "top": "20", "trace": "",
       "device": "auto", "out": ""}  # fmt: skip


class Profiled(Callback):
    """Times some steps after a warm-up, then profiles as many, then ends the run."""

    def __init__(self, cell: Cell, steps: int):
        self.cell, self.steps, self.batches = cell, steps, 0
        activities = [ProfilerActivity.CPU]
        if cell.device == "cuda":
            activities.append(ProfilerActivity.CUDA)
        self.profile = profile(activities=activities)
        self.wall = self.plain = self.since = 0.0  # seconds; of all steps
        self.cpu = self.cpu_since = 0.0  # seconds of all threads, without the profiler

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.batches += 1
        step, rest = divmod(self.batches, self.cell.batches_a_step)
        if rest:
            return
        first = self.cell.warmup
        if step not in (first, first + self.steps, first + 2 * self.steps):
            return
        wait_for(self.cell.device)
        seconds = time.perf_counter() - self.since
        if step == first + self.steps:
            self.plain, self.cpu = seconds, time.process_time() - self.cpu_since
            self.profile.start()
        elif step > first:
            self.wall = seconds
            self.profile.stop()
            trainer.should_stop = True
        self.since, self.cpu_since = time.perf_counter(), time.process_time()


def shares(events: list[Any], wall: float) -> dict[str, float]:
    """Seconds inside operators and on the device; what overlaps, threads included, counts once.

    Args:
        events: Of the profiler.
        wall: Seconds of the profiled stretch.

    Returns:
        ``wall``, ``operators`` (one runs on some thread of the CPU), ``outside`` (none does:
        Python, Lightning, waiting) and ``device`` (kernels and copies), in seconds.
    """
    spans: dict[str, list[tuple[float, float]]] = {"cpu": [], "device": []}
    for event in events:
        kind = "cpu" if event.device_type == DeviceType.CPU else "device"
        operator = event.name.startswith(("aten::", "autograd::"))
        if operator if kind == "cpu" else is_kernel(event):
            spans[kind].append((event.time_range.start, event.time_range.end))
    busy = {kind: union(found) / 1e6 for kind, found in spans.items()}
    return {
        "wall": wall, "operators": busy["cpu"], "outside": max(wall - busy["cpu"], 0.0),
        "device": busy["device"],
    }  # fmt: skip


def is_kernel(event: Any) -> bool:
    """Whether a device did this: a kernel or a copy, not the span of an annotation over some."""
    return event.device_type != DeviceType.CPU and not event.is_user_annotation


def union(spans: list[tuple[float, float]]) -> float:
    """Length that intervals cover together."""
    covered, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        covered += max(stop - max(start, end), 0.0)
        end = max(end, stop)
    return covered


def operators(averages: list[Any], steps: int, top: int, device: str) -> list[dict[str, Any]]:
    """The operators, on a GPU the kernels, that take most by themselves.

    Args:
        averages: The profiler's ``key_averages()``. On a GPU an operator has the time of its
            kernels, which have rows of their own: these alone are kept.
        steps: Profiled ones.
        top: Rows, at most; the rest is one more.
        device: cpu or cuda.

    Returns:
        ``name``, ``calls`` and ``ms``, both a step, and ``share`` of the own time of all.
    """
    key = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    if device == "cuda":
        averages = [average for average in averages if is_kernel(average)]
    ordered = sorted(averages, key=lambda a: -getattr(a, key))
    whole = sum(getattr(a, key) for a in ordered) or 1.0
    rows = [(a.key, a.count, getattr(a, key)) for a in ordered[:top]]
    rest = ordered[top:]
    if rest:
        others = sum(a.count for a in rest), sum(getattr(a, key) for a in rest)
        rows.append((f"{len(rest)} others", *others))
    return [
        {"name": n, "calls": c / steps, "ms": t / 1e3 / steps, "share": t / whole}
        for n, c, t in rows
    ]


def account(watch: Profiled, cell: Cell, words: list[str], top: int) -> dict[str, Any]:
    """Everything a kept profile says."""
    machine = describe_machine(cell.device)
    found = shares(list(watch.profile.events()), watch.wall)
    return {
        "command": " ".join(["python benchmarks/profile_step.py", *words]),
        "machine": {k: machine[k] for k in ("date", "cpu", "cores", "threads", "gpu", "versions")},
        "step_ms_without_profiler": 1e3 * watch.plain / watch.steps,
        "cpu_ms_without_profiler": 1e3 * watch.cpu / watch.steps,
        "a_step_ms": {name: 1e3 * seconds / watch.steps for name, seconds in found.items()},
        "operators": operators(watch.profile.key_averages(), watch.steps, top, cell.device),
    }


def page(profiled: Mapping[str, Any]) -> str:
    """A kept profile as Markdown."""
    machine, times = profiled["machine"], profiled["a_step_ms"]
    versions = machine["versions"]
    device = machine["gpu"]["name"] if machine["gpu"] else f"{machine['cores']} core(s)"
    lines = [
        f"# `{profiled['command']}`", "",
        f"{machine['date']}. {machine['cpu']}, {device}, {machine['threads']} threads; torch "
        f"{versions.get('torch')}, commit {versions.get('commit')}.", "",
        f"{profiled['step_ms_without_profiler']:.1f} ms a step without the profiler (CPU time "
        f"{profiled['cpu_ms_without_profiler']:.1f}), {times['wall']:.1f} with it: "
        f"{times['operators']:.1f} inside operators, "
        f"{times['outside']:.1f} outside ({times['outside'] / times['wall']:.1%}), "
        f"{times['device']:.1f} of kernels on a GPU.", "",
        "| operator without those it calls, or kernel | calls a step | ms a step | share |",
        "|---|---:|---:|---:|",
    ]  # fmt: skip
    for row in profiled["operators"]:
        numbers = f"{row['calls']:.0f} | {row['ms']:.2f} | {row['share']:.1%}"
        lines.append(f"| {row['name']} | {numbers} |")
    return "\n".join(lines) + "\n"


def read_words(words: list[str]) -> tuple[dict[str, str], Cell]:
    """This script's own options, and the cell that the others make."""
    own = OWN | {k: v for k, _, v in (a.partition("=") for a in words) if k in OWN}
    options = [a for a in words if a.partition("=")[0] not in OWN]
    named = dict(option.split("=", 1) for option in options if "=" in option)
    if own["device"] == "auto":
        own["device"] = "cuda" if torch.cuda.is_available() else "cpu"
    taken = ("generator", "gan_loss", "model.n_critic", "generator.base_channels")
    cell = Cell(
        named.get("generator", "unet"), named.get("gan_loss", "vanilla"), int(own["batch"]),
        int(own["size"]), own["device"], int(named.get("generator.base_channels", 64)),
        int(named.get("model.n_critic", 5)), warmup=int(own["warmup"]),
        options=tuple(o for o in options if o.split("=")[0] not in taken),
    )  # fmt: skip
    return own, cell


def main(words: list[str]) -> None:
    """Profiles, prints, and writes what is to be kept."""
    own, cell = read_words(words)
    if own["out"] and Path(own["out"]).suffix not in (".md", ".json"):
        sys.exit(f"out={own['out']}: expected a name that ends in .md or .json")
    cfg = composed(cell)
    watch = Profiled(cell, int(own["steps"]))
    fit(cfg, [random_batch(cfg, cell.batch, cell.size, cell.device)] * 2, watch)
    kept = [word for word in words if not word.startswith(("out=", "trace="))]
    profiled = account(watch, cell, kept, int(own["top"]))
    print(page(profiled))
    print("The profiler itself slows small operators down; `make bench` measures without it.")
    if own["out"].endswith(".json"):
        write_json(Path(own["out"]), profiled)
    elif own["out"]:
        write_text(Path(own["out"]), page(profiled))
    if own["trace"]:
        watch.profile.export_chrome_trace(own["trace"])


if __name__ == "__main__":
    main(sys.argv[1:])
