"""Where a step's time goes: ``python benchmarks/profile_step.py generator=unet [batch=4] ...``.

Prints the operators, on a GPU the kernels, that take most. Arguments are Hydra overrides, and
batch=, size=, steps=, warmup=, device=, top= and trace=FILE (for chrome://tracing or Perfetto) of
this script. It is not called profile.py, a name that would hide the module of the standard library
that torch imports.
"""

import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(root), str(root / "src")]

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.profiler import ProfilerActivity, profile

from benchmarks.cell import Cell, composed, fit, random_batch

OWN = {"batch": "1", "size": "256", "steps": "5", "warmup": "3", "top": "20", "trace": "",
       "device": "cuda" if torch.cuda.is_available() else "cpu"}  # fmt: skip
PRESETS = {"generator": "unet", "gan_loss": "vanilla", "model.n_critic": "5"}


class Profiled(Callback):
    """Times some steps after a warm-up, then profiles as many, then ends the run."""

    def __init__(self, cell: Cell, steps: int):
        self.cell, self.steps, self.plain_ms, self.since = cell, steps, 0.0, 0.0
        on_gpu = [ProfilerActivity.CUDA] if cell.device == "cuda" else []
        self.profile = profile(activities=[ProfilerActivity.CPU, *on_gpu])
        self.seen = 0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step == self.seen:
            return  # a critic's turn
        self.seen, now = trainer.global_step, self.cell.now()
        if self.seen == self.cell.warmup:
            self.since = now
        elif self.seen == self.cell.warmup + self.steps:
            self.plain_ms = 1e3 * (now - self.since) / self.steps
            self.profile.start()
        elif self.seen == self.cell.warmup + 2 * self.steps:
            self.profile.stop()
            trainer.should_stop = True


def main(words: list[str]) -> None:
    """Profiles and prints."""
    given = OWN | PRESETS | dict(word.split("=", 1) for word in words)
    own = {name: given.pop(name) for name in OWN}
    steps = int(own["steps"])
    cell = Cell(
        given.pop("generator"), given.pop("gan_loss"), int(own["batch"]), int(own["size"]),
        own["device"], n_critic=int(given.pop("model.n_critic")), warmup=int(own["warmup"]),
        options=tuple(f"{name}={value}" for name, value in given.items()),
    )  # fmt: skip
    cfg = composed(cell)
    watch = Profiled(cell, steps)
    fit(cfg, [random_batch(cfg, cell.batch, cell.size, cell.device)] * 2, watch)
    key = "self_device_time_total" if cell.device == "cuda" else "self_cpu_time_total"
    averages = watch.profile.key_averages()
    print(averages.table(sort_by=key, row_limit=int(own["top"]), max_name_column_width=60))
    print(f"{watch.plain_ms:.1f} ms per step without the profiler; the table is of {steps} steps.")
    if own["trace"]:
        watch.profile.export_chrome_trace(own["trace"])


if __name__ == "__main__":
    main(sys.argv[1:])
