"""Memory of one training step on large pictures: plain, in parts, and with checkpointing.

On a CPU the resident set says as much of malloc as of the step: what it keeps, and when it gives
freed memory back, differ from run to run by more than checkpointing saves. Bytes that tensors hold,
as the profiler has them from PyTorch's allocator, are the same in every run.
"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.profiler import ProfilerActivity, profile

from benchmarks.cell import Cell, composed, fit, random_batch
from benchmarks.plan import Plan
from benchmarks.processes import MIB, call, peak_mib


class LargeSteps(Callback):
    """Ends the run after some steps, the first of which is small; notes seconds of the last."""

    def __init__(self, cell: Cell, steps: int):
        self.cell, self.steps, self.since, self.seconds = cell, steps, 0.0, 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        now = self.cell.now()
        if trainer.global_step == 1 and self.cell.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.seconds, self.since = now - self.since, now
        trainer.should_stop = trainer.global_step == self.steps


def peak_tensor_mib(profiled: profile) -> float:
    """The most that tensors on the CPU held at one time, in MiB.

    Args:
        profiled: With ``profile_memory``, ended, and begun before there was a tensor.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, "trace.json")
        profiled.export_chrome_trace(str(file))
        events = json.loads(file.read_text())["traceEvents"]
    return max(e["args"]["Total Allocated"] for e in events if e["name"] == "[memory]") / MIB


def measure_large_step(cell: Cell) -> dict[str, Any]:
    """Peak memory of a process that takes such steps; on a GPU the seconds of the second, too.

    A small batch goes first, after which Adam's moments stand, as in any later step. The first
    large step on a GPU also chooses its kernels; on a CPU there is one, for the time.

    Returns:
        ``tensors_mib``, and ``step_s`` on a GPU.
    """
    cfg = composed(cell)
    on_gpu = cell.device == "cuda"
    shapes = [(1, min(cell.size, 256)), *[(cell.batch, cell.size)] * (2 if on_gpu else 1)]
    steps = LargeSteps(cell, len(shapes))
    profiled = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
    if not on_gpu:
        profiled.start()  # before there is a tensor
    fit(cfg, [random_batch(cfg, *shape, cell.device) for shape in shapes], steps)
    if on_gpu:
        return {"tensors_mib": peak_mib(cell.device), "step_s": steps.seconds}
    profiled.stop()
    return {"tensors_mib": peak_tensor_mib(profiled)}


def measure(plan: Plan) -> dict[str, Any]:
    """Three ways, for the U-Net in float32; half as wide on a CPU, for the time."""
    cell = plan.large
    small_network = ("generator.n_downs=6",) if cell.size < 256 else ()
    eager = ("speed=eager", "trainer.precision=32-true", *small_network)
    rows = []
    for option in ("", f"model.accumulate={plan.parts}", "speed.checkpoint_activations=true"):
        options = (*eager, option) if option else eager
        found = call(measure_large_step, replace(cell, options=options))
        rows.append({"step": option or "plain"} | found)
    note = f"U-Net, base_channels {cell.base_channels}, batch {cell.batch}, {cell.size} pixels."
    return {"note": note, "rows": rows}
