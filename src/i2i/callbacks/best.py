"""best.ckpt: the checkpoint of the best validation."""

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from i2i.callbacks.scoring import judged_by


class Best(ModelCheckpoint):
    """Saves where a score of the validation is better than ever before.

    Which score, and whether more of it is better, is known once the data and the networks of the
    metrics are: see ``i2i.callbacks.scoring.MAIN``. Where nothing is scored, nothing is saved.
    """

    def __init__(
        self,
        dirpath: str,
        filename: str = "best",
        monitor: str | None = None,  # e.g. val/fid; None: the main score of the system and the data
        mode: str | None = None,  # min or max; None: as the score asks
        enable_version_counter: bool = False,
        save_on_train_epoch_end: bool = False,  # where it was scored: last.ckpt then knows of it
    ):
        super().__init__(
            dirpath, filename, monitor="val/none", mode=mode or "max",
            enable_version_counter=enable_version_counter,
            save_on_train_epoch_end=save_on_train_epoch_end,
        )  # fmt: skip
        self.asked, self.asked_mode = monitor, mode

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # Before a checkpoint brings the best score so far, which it keeps under this name.
        self.monitor, more = judged_by(trainer, pl_module, self.asked, "callbacks.best.monitor")
        self.mode = self.asked_mode or ("max" if more else "min")
        super().setup(trainer, pl_module, stage)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.monitor is not None:
            super().on_validation_end(trainer, pl_module)
