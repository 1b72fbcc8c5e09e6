"""Pictures of the validation split beside their scores, as training goes on."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer

from i2i.callbacks.kept_pictures import KeptPictures
from i2i.callbacks.scoring import Scoring
from i2i.comparison.run_test import Tested, find_pictures
from i2i.metrics.result import EvaluationResult
from i2i.metrics.shown import Shown


class ValPictures(KeptPictures):
    """Sends a table of validation images with every score to W&B, at some of the validations.

    It is called val/pictures, and val/ROUTE/pictures in a system of several routes. The folder has
    the pictures of the last one.
    """

    setting = "callbacks.val_pictures"

    def __init__(
        self,
        folder: str,
        every_n_validations: int = 0,  # 0: never
        n_images: int = 20,  # of all routes together
        side: int = 256,  # pixels; larger pictures are shrunk
    ):
        super().__init__(folder, n_images, side)
        self.require(every_n_validations=(every_n_validations, 0))
        self.every_n_validations = every_n_validations
        self.validations = 0  # of this run so far, also before it was resumed

    def state_dict(self) -> dict[str, Any]:
        """How many validations there were, where they are counted at all."""
        return {"validations": self.validations} if self.every_n_validations else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes the larger count: a test loads a checkpoint too, which may be an earlier one."""
        self.validations = max(self.validations, state_dict["validations"])

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.places = {}
        if not self.every_n_validations or not self.n_images or trainer.sanity_checking:
            return
        self.validations += 1
        if self.validations % self.every_n_validations == 0:
            self.begin(trainer, pl_module, "val", trainer.limit_val_batches)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: dict[str, Shown], *_: Any
    ) -> None:
        if self.places:
            self.keep(outputs)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.places:
            return
        trainer.strategy.barrier()  # every process has written
        if not trainer.is_global_zero:
            return
        scoring = next(c for c in trainer.callbacks if isinstance(c, Scoring))
        tested = {
            name: tested_of(result, find_pictures(self.folder / name))
            for route, result in scoring.results["val"].items()
            for name in [route if len(self.places) > 1 else ""]
        }
        for logger in trainer.loggers:
            if hasattr(logger, "log_tables"):
                logger.log_tables("val", tested, self.label_maps, trainer.global_step)


def tested_of(result: EvaluationResult, pictures: dict[int, dict[str, Any]]) -> Tested:
    """The names and scores of a pass beside its pictures."""
    tested = Tested(pictures=pictures)
    for row in result.per_image:
        tested.names[row["index"]] = row["name"]
        for name, value in row.items():
            if name not in ("name", "index"):
                tested.scores.setdefault(name, {})[row["index"]] = float(value)
    return tested
