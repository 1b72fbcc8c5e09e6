"""Stops hopeless jobs of a sweep."""

import math
import os
import warnings
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.callbacks.scoring import judged_by
from i2i.errors import setting_error
from i2i.files.records import mapping, number, read_json
from i2i.messages import say
from i2i.run_folder import write_json

RECORD = "pruning.json"  # in the run's folder; its neighbours read it
RUNNING, COMPLETE, PRUNED = "running", "complete", "pruned"


class Pruning(Callback):
    """Asks an Optuna pruner after each validation, and stops training where it says so.

    The jobs of a sweep share no study: Hydra's sweepers keep theirs to themselves. Each writes its
    validation scores into its own folder, and a study is made of those of its neighbours whenever
    one is needed. So it works with every sweeper and launcher, and jobs on several machines need a
    common file system only. Only neighbours with a score at the very same step are compared with.

    Attributes:
        pruned: Whether this job was stopped.
    """

    def __init__(
        self,
        folder: str,  # of this run; the other jobs' folders stand beside it
        monitor: str | None,  # e.g. val/ssim; None: the main score of the system and the data
        direction: str,  # maximize or minimize
        pruner: Any,  # of optuna.pruners
        active: bool = True,  # whether this job is one of several
    ):
        if monitor is not None and not monitor.startswith("val/"):
            raise setting_error(
                f"sweep_metric={monitor}", "a score that training does not compute", "val/NAME",
                "Use sweep_metric=val/ssim, or callbacks=default.",
            )  # fmt: skip
        require_stateless(pruner)
        self.folder, self.monitor, self.direction = Path(folder), monitor, direction
        self.pruner, self.active = pruner, active
        self.values: dict[int, float] = {}
        self.pruned = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self.monitor is None:
            self.monitor, more = judged_by(trainer, pl_module, None, "sweep_metric")
            self.direction = "maximize" if more else "minimize"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.take_up(trainer)
        if self.pruned:
            trainer.should_stop = True
            say(f"Pruned before, at step {max(self.values)}: nothing is left to do")

    def take_up(self, trainer: Trainer) -> None:
        """The scores of an earlier stretch, and its end where the checkpoint is that far."""
        record = read_record(self.folder / RECORD)
        if not record or record["monitor"] != self.monitor:
            return
        self.values = {s: v for s, v in record["values"].items() if s <= trainer.global_step}
        stopped = record["state"] == PRUNED and self.values == record["values"]
        self.pruned = self.active and trainer.strategy.broadcast(stopped)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.active or trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        value = trainer.callback_metrics.get(self.monitor)
        if value is None:
            raise setting_error(
                f"sweep_metric={self.monitor}", f"no such score among "
                f"{', '.join(k for k in trainer.callback_metrics if k.startswith('val/'))}",
                "one that the validation computes", "Name another one, or use callbacks=default.",
            )  # fmt: skip
        self.values[trainer.global_step] = float(value)
        # One process decides: others may see the neighbours' files a moment later.
        hopeless = trainer.is_global_zero and not is_last(trainer) and self.hopeless()
        self.pruned = trainer.strategy.broadcast(hopeless)
        if self.pruned:
            trainer.should_stop = True
            say(f"Pruned at step {trainer.global_step}: {self.monitor} {float(value):.4f}")
        self.write(trainer, PRUNED if self.pruned else RUNNING)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.values:  # all was trained before: Lightning starts no training then
            self.take_up(trainer)
        if self.active and not self.pruned:
            self.write(trainer, COMPLETE)

    def write(self, trainer: Trainer, state: str) -> None:
        """Tells the neighbours."""
        if trainer.is_global_zero:
            content = {"state": state, "monitor": self.monitor, "values": self.values}
            write_json(self.folder / RECORD, content)

    def hopeless(self) -> bool:
        """What the pruner says of this run beside the finished ones."""
        import optuna

        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # not a word on each new study
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is experimental")  # stable since 3.0
            study = optuna.create_study(direction=self.direction, pruner=self.pruner)
            for values in self.neighbours():
                study.add_trial(trial(optuna.trial.TrialState.COMPLETE, values))
            own = trial(optuna.trial.TrialState.RUNNING, self.values)
            hopeless = bool(self.pruner.prune(study, own))
        optuna.logging.set_verbosity(level)
        return hopeless

    def neighbours(self) -> list[dict[int, float]]:
        """Scores by step of each finished job beside this one."""
        found = []
        for path in sorted(self.folder.parent.glob(f"*/{RECORD}")):
            record = read_record(path)
            if record is None or path.parent == self.folder or record["monitor"] != self.monitor:
                continue
            if record["state"] == COMPLETE and record["values"]:
                found.append(record["values"])
        return found


def trial(state: Any, values: dict[int, float]) -> Any:
    """An Optuna trial of a run's scores; a NaN counts as reported, as the pruners expect."""
    from optuna.trial import create_trial

    last = list(values.values())[-1] if state.is_finished() else None
    if last is not None and math.isnan(last):
        last = -math.inf  # a finished trial needs a number; pruners look at the others only
    return create_trial(state=state, value=last, intermediate_values=values)


def is_last(trainer: Trainer) -> bool:
    """Whether training is over anyway."""
    epochs = trainer.max_epochs or -1
    return trainer.should_stop or 0 < epochs <= trainer.current_epoch + 1


def read_record(path: Path) -> dict[str, Any] | None:
    """What a job wrote, with its scores by step; None where it wrote nothing that can be read.

    A neighbour's folder is read as a stranger's: what is damaged there takes no part.
    """
    if not os.path.lexists(path):
        return None
    try:
        record = mapping(read_json(path), "a record")
        values = mapping(record.get("values"), "an entry 'values'")
        return {
            "state": str(record.get("state")),
            "monitor": str(record.get("monitor")),
            "values": {int(s): number(v, "a score") for s, v in values.items()},
        }
    except ValueError as error:  # a step that is no number, too
        say(f"{path}: not read, as if it were not there ({error})")
        return None


def require_stateless(pruner: Any) -> None:
    """Refuses the pruners that keep notes in the study, which does not outlive a question.

    Raises:
        SettingError: It is one of those.
    """
    from optuna import pruners

    allowed = (pruners.PercentilePruner, pruners.ThresholdPruner, pruners.PatientPruner)
    inner = getattr(pruner, "_wrapped_pruner", None)
    if not isinstance(pruner, allowed) or (inner is not None and not isinstance(inner, allowed)):
        raise setting_error(
            "callbacks.pruning.pruner", type(inner or pruner).__name__,
            "MedianPruner, PercentilePruner, ThresholdPruner or PatientPruner around one of them",
            "The others, such as SuccessiveHalvingPruner, need one study that all jobs share.",
        )  # fmt: skip
