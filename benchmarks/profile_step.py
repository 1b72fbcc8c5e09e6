"""Where a step's time goes: ``python benchmarks/profile_step.py generator=unet [batch=4] ...``.

Prints the operators that take most, on CPU and GPU, and how much of the wall time is spent outside
them: Python, Lightning and waiting. Arguments are Hydra overrides, and batch=, size=, steps=,
device=, top= and trace=FILE (for chrome://tracing or Perfetto) of this script. It is not called
profile.py, a name that would hide the module of the standard library that torch imports.
"""

import sys
import time
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

OWN = {"batch": "1", "size": "256", "steps": "5", "warmup": "3", "top": "20", "trace": "",
       "device": "auto"}  # fmt: skip


class Profiled(Callback):
    """Profiles some steps after a warm-up, then ends the run."""

    def __init__(self, cell: Cell, steps: int):
        self.cell, self.steps, self.batches = cell, steps, 0
        activities = [ProfilerActivity.CPU]
        if cell.device == "cuda":
            activities.append(ProfilerActivity.CUDA)
        self.profile = profile(activities=activities)
        self.wall = self.since = 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.batches += 1
        first = self.cell.warmup * self.cell.batches_a_step
        if self.batches == first:
            wait_for(self.cell.device)
            self.profile.start()
            self.since = time.perf_counter()
        if self.batches == first + self.steps * self.cell.batches_a_step:
            wait_for(self.cell.device)
            self.wall = time.perf_counter() - self.since
            self.profile.stop()
            trainer.should_stop = True


def shares(events: list[Any], wall: float) -> dict[str, float]:
    """Seconds inside operators on the main thread, and on the device; overlaps count once.

    Args:
        events: Of the profiler.
        wall: Seconds of the profiled stretch.

    Returns:
        ``wall``, ``operators`` (CPU, all threads merged), ``outside`` (no operator on the CPU:
        Python, Lightning, waiting) and ``device`` (kernels), in seconds.
    """
    spans: dict[str, list[tuple[float, float]]] = {"cpu": [], "device": []}
    for event in events:
        kind = "cpu" if event.device_type == DeviceType.CPU else "device"
        python = kind == "cpu" and not event.name.startswith(("aten::", "autograd::"))
        if not python:
            spans[kind].append((event.time_range.start, event.time_range.end))
    busy = {kind: union(found) / 1e6 for kind, found in spans.items()}
    return {
        "wall": wall, "operators": busy["cpu"], "outside": max(wall - busy["cpu"], 0.0),
        "device": busy["device"],
    }  # fmt: skip


def union(spans: list[tuple[float, float]]) -> float:
    """Length that intervals cover together."""
    covered, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        covered += max(stop - max(start, end), 0.0)
        end = max(end, stop)
    return covered


def main(arguments: list[str]) -> None:
    """Profiles and prints."""
    own = OWN | {k: v for k, _, v in (a.partition("=") for a in arguments) if k in OWN}
    options = [a for a in arguments if a.partition("=")[0] not in OWN]
    named = dict(option.split("=", 1) for option in options if "=" in option)
    device = own["device"]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    taken = ("generator", "gan_loss", "model.n_critic", "generator.base_channels")
    cell = Cell(
        named.get("generator", "unet"), named.get("gan_loss", "vanilla"), int(own["batch"]),
        int(own["size"]), device, int(named.get("generator.base_channels", 64)),
        int(named.get("model.n_critic", 5)), warmup=int(own["warmup"]),
        options=tuple(o for o in options if o.split("=")[0] not in taken),
    )  # fmt: skip
    cfg = composed(cell)
    steps = int(own["steps"])
    watch = Profiled(cell, steps)
    fit(cfg, [random_batch(cfg, cell.batch, cell.size, device)] * 2, watch)
    order = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    print(watch.profile.key_averages().table(sort_by=order, row_limit=int(own["top"])))
    found = shares(list(watch.profile.events()), watch.wall)
    print(f"{steps} steps of {cell.generator}, {cell.objective}, batch {cell.batch}, on {device}:")
    for name, seconds in found.items():
        print(f"  {name:10} {1e3 * seconds / steps:9.2f} ms a step {seconds / found['wall']:6.1%}")
    print("The profiler itself slows small operators down; `make bench` measures without it.")
    if own["trace"]:
        watch.profile.export_chrome_trace(own["trace"])


if __name__ == "__main__":
    main(sys.argv[1:])
