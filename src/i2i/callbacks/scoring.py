"""Scores the model's images on the validation and test splits."""

import math
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.errors import setting_error
from i2i.metrics.result import EvaluationResult
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown
from i2i.scores import by_name, main_score


class Scoring(Callback):
    """Feeds an evaluator for each route, and logs what they compute.

    The scores of a system of one route are called ``val/NAME`` and ``test/NAME``; those of several
    routes ``val/ROUTE/NAME``.

    Attributes:
        scorers: By route, the main one first.
        results: The last result of each split, by route.
        values: Its values under their names without the split, also those of an earlier stretch of
            the run.
    """

    def __init__(
        self,
        scorers: Mapping[str, Scorer],
        required: bool = False,  # whether missing Inception or LPIPS weights stop the run
        test_split: str = "test",  # what the trainer goes through as its test split
    ):
        self.scorers = dict(scorers)
        self.required, self.test_split = required, test_split
        self.results: dict[str, dict[str, EvaluationResult]] = {}
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
        for scorer in self.scorers.values():
            scorer.evaluator.prepare(device, required=self.required)
            for network in (scorer.segmenter, scorer.classifier):
                if network is not None:
                    network.to(device)
        if stage == "fit":
            self.define_scores(trainer, pl_module)

    def define_scores(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells the loggers that keep the best value of a score which direction is better."""
        for logger in (found for found in trainer.loggers if hasattr(found, "define_scores")):
            known = self.directions(trainer, pl_module).items()
            logger.define_scores(
                {f"{s}/{name}": more for s in ("val", "test") for name, more in known}
            )

    def directions(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, bool]:
        """Whether more is better, for the scores that a validation will give, by name."""
        truth = getattr(trainer.datamodule, "has_pairs", True) and pl_module.translates
        back = pl_module.ways_back
        return by_name({r: s.directions(truth, r in back) for r, s in self.scorers.items()})

    def start(self, split: str) -> None:
        """Begins a pass."""
        for scorer in self.scorers.values():
            scorer.evaluator.start(split)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.start("val")

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.start(self.test_split)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: dict[str, Shown], *_: Any
    ) -> None:
        for route, scorer in self.scorers.items():
            scorer.update(outputs[route])

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.finish("val", pl_module)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.finish("test", pl_module)

    def finish(self, split: str, pl_module: LightningModule) -> None:
        """Computes, and hands the values to checkpointing and to the loggers."""
        results = {route: scorer.evaluator.compute() for route, scorer in self.scorers.items()}
        if pl_module.finite.spoils(split):
            for result in results.values():
                result.values = dict.fromkeys(result.values, math.nan)
        self.results[split] = results
        found = by_name({route: result.values for route, result in results.items()})
        self.values[split] = {name: float(value) for name, value in found.items()}
        values = {f"{split}/{name}": value for name, value in found.items()}
        # Every process has the gathered values already: nothing is left to synchronise.
        pl_module.log_dict(values, logger=False, rank_zero_only=False, sync_dist=False)
        pl_module.write(values)


def judged_by(
    trainer: Trainer, pl_module: LightningModule, asked: str | None, setting: str
) -> tuple[str | None, bool]:
    """The score that a run is judged by, and whether more of it is better.

    Args:
        trainer: Of the run; its ``Scoring`` is set up.
        pl_module: The system.
        asked: ``val/NAME``, or None for the main score.
        setting: The option, for the error.

    Returns:
        ``val/NAME``, or None where nothing is scored; and the direction.

    Raises:
        SettingError: There is no such score.
    """
    scoring = next((c for c in trainer.callbacks if isinstance(c, Scoring)), None)
    found = scoring.directions(trainer, pl_module) if scoring else {}
    if asked is not None:
        split, _, name = str(asked).partition("/")  # a number may stand there, too
        if split == "val" and name in found:
            return asked, found[name]
        raise setting_error(
            f"{setting}={asked}", "no such score of a validation",
            f"one of {', '.join(f'val/{name}' for name in found)}",
            f"Name one of them, or leave {setting} out.",
        )  # fmt: skip
    main = main_score(found)
    return (None, True) if main is None else (f"val/{main}", found[main])
