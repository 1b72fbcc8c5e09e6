"""How fast a run is."""

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Throughput(Callback):
    """Logs ``train/images_per_second`` (all processes) and ``train/images_seen``.

    Time spent outside training steps (validation, checkpoints) is left out.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self.images = 0
        self.step = -1

    def restart(self, *_: Any) -> None:
        """Begins a new stretch; called wherever something else than training took time."""
        self.since = None

    on_train_epoch_start = on_validation_start = on_validation_end = restart

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if self.since is None:  # the first batch of a stretch only starts the clock
            self.since, self.images = time.perf_counter(), pl_module.images_seen
            return
        step = trainer.global_step
        if step in (0, self.step) or step % trainer.log_every_n_steps:
            return
        seconds = time.perf_counter() - self.since
        rate = (pl_module.images_seen - self.images) / max(seconds, 1e-9)
        pl_module.write(
            {
                "train/images_per_second": rate,
                "train/images_seen": pl_module.images_seen,
                "train/epoch": trainer.current_epoch,
            }
        )
        self.step = step
        self.restart()
