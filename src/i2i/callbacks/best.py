"""best.ckpt: the checkpoint of the best validation."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from i2i.callbacks.scoring import judged_by

NOTHING = "val/none"  # what a run watches that has no scores


class Best(ModelCheckpoint):
    """Saves where a score of the validation is better than ever before.

    Which score, and whether more of it is better, is known once the data and the networks of the
    metrics are: see ``i2i.scores.MAIN``. Where nothing is scored, nothing is saved.
    """

    def __init__(
        self,
        monitor: str | None = None,  # e.g. val/fid; None: the main score of the system and the data
        mode: str | None = None,  # min or max; None: as the score asks
        **saving: Any,  # see ModelCheckpoint
    ):
        super().__init__(monitor=NOTHING, mode=mode or "max", **saving)
        self.asked, self.asked_mode = monitor, mode

    @property
    def state_key(self) -> str:
        """Its name in checkpoints, whichever score it watches."""
        return type(self).__name__

    def state_dict(self) -> dict[str, Any]:
        """As a run that begins has it: a name, also where nothing is scored."""
        return super().state_dict() | {"monitor": self.monitor or NOTHING}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict.get("monitor") == self.monitor:  # else the best is that of another score
            super().load_state_dict(state_dict)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # Before a checkpoint brings the best score so far, which it keeps under this name.
        self.monitor, more = judged_by(trainer, pl_module, self.asked, "callbacks.best.monitor")
        self.mode = self.asked_mode or ("max" if more else "min")
        super().setup(trainer, pl_module, stage)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.monitor is not None:
            super().on_validation_end(trainer, pl_module)
