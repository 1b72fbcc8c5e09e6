"""How far a run is: a bar in a terminal, lines anywhere else."""

import math
import sys
import time
from datetime import timedelta
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar

from i2i.messages import say
from i2i.training.logged_steps import is_logged


class Progress(TQDMProgressBar):
    """Lightning's bar; where nobody watches, a line at some of the logged steps.

    A bar that is written to a file becomes a line of many thousand characters per epoch.

    Args:
        refresh_rate: Steps between two pictures of the bar.
        seconds: At least so many lie between two lines. The first and the last step have one, too.
    """

    def __init__(self, refresh_rate: int = 10, seconds: float = 60.0):
        super().__init__(refresh_rate=refresh_rate)
        self.seconds = seconds
        self.began = self.said = 0.0
        self.first_step = self.step = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if not _is_watched():
            self.disable()

    def on_train_start(self, trainer: Trainer, *args: Any) -> None:
        super().on_train_start(trainer, *args)
        self.began, self.said = time.monotonic(), -math.inf
        self.first_step = self.step = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        step, now = trainer.global_step, time.monotonic()
        first, last = step == self.first_step + 1, step == pl_module.total_steps
        logged = is_logged(trainer)
        if _is_watched() or step == self.step or not (first or last or logged):
            return  # several batches may be one step
        if last or now - self.said >= self.seconds:
            self.step, self.said = step, now
            say(self.line(trainer, pl_module, now, losses=logged))

    def line(self, trainer: Trainer, pl_module: LightningModule, now: float, losses: bool) -> str:
        """Step, epoch, rate, time to the end, and the losses that the bar would show."""
        step, total = trainer.global_step, pl_module.total_steps
        text = f"Step {step:,} of {total:,}, epoch {trainer.current_epoch + 1}"
        if (done := step - self.first_step) > 1:  # the first one takes longer
            per_step = (now - self.began) / done
            left = timedelta(seconds=round(per_step * (total - step)))
            text += f", {1 / per_step:.3g} steps/s, {left} left"
        if losses:
            shown = trainer.progress_bar_metrics.items()
            text += ": " + " ".join(f"{k.removeprefix('train/')} {float(v):.3g}" for k, v in shown)
        return text


def _is_watched() -> bool:
    """Whether a terminal shows what is printed, where a bar can be drawn again in its place."""
    return sys.stdout.isatty()
