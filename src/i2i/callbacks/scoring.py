"""Scores the model's images on the validation and test splits."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from i2i.metrics.evaluator import EvaluationResult
from i2i.metrics.scorer import Scorer


class Scoring(Callback):
    """Feeds an evaluator and logs what it computes as ``val/NAME`` and ``test/NAME``.

    Attributes:
        results: The last result of each split.
        values: Its values, also those of an earlier stretch of the run.
    """

    def __init__(
        self,
        scorer: Scorer,
        required: bool = False,  # whether missing Inception or LPIPS weights stop the run
        test_split: str = "test",  # what the trainer goes through as its test split
    ):
        self.scorer, self.evaluator = scorer, scorer.evaluator
        self.required, self.test_split = required, test_split
        self.results: dict[str, EvaluationResult] = {}
        self.values: dict[str, dict[str, float]] = {}

    def state_dict(self) -> dict[str, Any]:
        """The values: a run that goes on after its last validation makes no others."""
        return {"values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Those that this stretch has not; testing, too, loads a checkpoint, and an earlier one."""
        self.values = state_dict["values"] | self.values

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # The module itself is moved to its device later.
        device = trainer.strategy.root_device
        self.evaluator.prepare(device, required=self.required)
        if self.scorer.segmenter is not None:
            self.scorer.segmenter.to(device)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.evaluator.start("val")

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.evaluator.start(self.test_split)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Tensor, batch: Any, *_: Any
    ) -> None:
        self.scorer.update(batch["index"], batch["name"], batch["input"], batch["target"], outputs)

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.finish("val", pl_module)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.finish("test", pl_module)

    def finish(self, split: str, pl_module: LightningModule) -> None:
        """Computes, and hands the values to checkpointing and to the loggers."""
        result = self.results[split] = self.evaluator.compute()
        result.values = pl_module.finite.scores(split, result.values)
        self.values[split] = {name: float(value) for name, value in result.values.items()}
        values = {f"{split}/{name}": value for name, value in result.values.items()}
        # Every process has the gathered values already: nothing is left to synchronise.
        pl_module.log_dict(values, logger=False, rank_zero_only=False, sync_dist=False)
        pl_module.write(values)
