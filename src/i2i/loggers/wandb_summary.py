"""What stands in a W&B run's summary beside its own scores, so that they can be judged there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.comparison.run_curves import read_log

SECONDS = "train/seconds"  # in training steps, as a comparison counts them
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
