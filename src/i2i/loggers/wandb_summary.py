"""What stands in a W&B run's summary: what its scores are judged by, and what W&B would forget."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.comparison.run_curves import read_log
from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, read_json
from i2i.run_folder import write_json

SECONDS = "train/seconds"  # in training steps, as a comparison counts them
KEPT = "wandb_summary.json"  # in the run's folder
REFERENCE = "reference"  # before the names of answers that no network of this run gave


def beside(result: Mapping[str, Any], folder: Path) -> dict[str, float]:
    """Scores of the baselines and the ceiling, and the time of the training.

    Args:
        result: What test_metrics.json holds.
        folder: Of the run.

    Returns:
        Values by name, such as ``reference/mean_training_target/ssim``, and ``train/seconds``,
        which is left out where no rate was logged.
    """
    _, *others = result["scores"].items()  # the first row is the model's
    found = {
        f"{REFERENCE}/{row.replace(' ', '_')}/{name}": value
        for row, scores in others
        for name, value in scores.items()
    }
    seconds = read_log(folder).seconds
    return found | ({} if seconds is None else {SECONDS: seconds})


class Bests:
    """The best values of a run's scores before it was stopped.

    W&B finds the best value of a score in one process, and begins anew in the next one.

    Attributes:
        more: Whether more is better, by score.
        found: The best value so far; only of scores that an earlier stretch has logged.
    """

    def __init__(self, more: Mapping[str, bool], folder: Path) -> None:
        """Reads the run's metrics.csv.

        Args:
            more: As above.
            folder: Of the run.
        """
        self.more = more
        curves = read_log(folder).curves
        known = {
            name: list(filter(math.isfinite, curves[name][1])) for name in more & curves.keys()
        }
        self.found = {name: self.best(name, values) for name, values in known.items() if values}

    def best(self, name: str, values: list[float]) -> float:
        """The best of some values of a score."""
        return max(values) if self.more[name] else min(values)

    def all(self) -> dict[str, dict[str, float]]:
        """What the summary has to say of each score, as W&B writes it."""
        return {name: self.said(name) for name in self.found}

    def after(self, metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
        """What the summary has to say after these were logged, where W&B says something else."""
        wrong = {}
        for name in metrics.keys() & self.found.keys():
            value, earlier = float(metrics[name]), self.found[name]
            if math.isfinite(value):
                self.found[name] = self.best(name, [value, earlier])
            wrong[name] = self.said(name)
        return wrong

    def said(self, name: str) -> dict[str, float]:
        """``{"max": 0.9}`` or ``{"min": 0.1}``."""
        return {"max" if self.more[name] else "min": self.found[name]}


def keep(folder: Path, summary: Mapping[str, Any]) -> None:
    """Keeps a run's summary in its folder, without W&B's own entries."""
    own = {name: value for name, value in summary.items() if not name.startswith("_")}
    write_json(folder / KEPT, kept(folder) | own)


def kept(folder: Path) -> dict[str, Any]:
    """The summary that a run had; empty where it was not kept."""
    try:
        return dict(mapping(read_json(folder / KEPT), KEPT))
    except (OSError, Unreadable, ValueError):
        return {}
