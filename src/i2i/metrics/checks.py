"""What an evaluator refuses: numbers out of range, batches whose parts do not belong together."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from i2i.errors import setting_error
from i2i.metrics.image_metric import ImageMetric


def check_numbers(kid_subsets: int, inception_batch_size: int, cache_gb: float, seed: int) -> None:
    """Refuses numbers that no pass could work with.

    Raises:
        SettingError: One is out of range.
    """
    counts = {"kid_subsets": kid_subsets, "inception_batch_size": inception_batch_size}
    for name, value in counts.items():
        if value < 1:
            raise setting_error(f"metrics.{name}={value}", str(value), "1 or more", "Raise it.")
    if not cache_gb > 0:
        todo = "metrics.cache_dir=null keeps nothing."
        raise setting_error(f"metrics.cache_gb={cache_gb}", str(cache_gb), "above 0", todo)
    if not 0 <= seed < 2**32:
        raise setting_error(f"metrics.seed={seed}", str(seed), "0 to 2^32 - 1", "Change it.")


def require_metrics(metrics: Mapping[str, Any]) -> None:
    """Refuses what is neither an option of the evaluator nor a metric.

    Raises:
        SettingError: A value is no ``ImageMetric``.
    """
    for name, metric in metrics.items():
        if not isinstance(metric, ImageMetric):
            raise setting_error(
                f"metrics.{name}", f"{metric!r}", "a metric (a class below ImageMetric)",
                f"Correct the name of the option, or put {name} into the list metrics=[...].",
            )  # fmt: skip


def require_fitting(
    n: int, names: Sequence[str], output: Tensor, target: Tensor, true: bool = True
) -> None:
    """Refuses a batch whose parts do not belong together.

    Raises:
        SettingError: Outputs and targets have not the same shape; of other images of the domain
            (not ``true``) there may be more or fewer.
        ValueError: There are not ``n`` names and images.
    """
    first = 0 if true else 1
    if output.shape[first:] != target.shape[first:]:
        raise setting_error(
            f"model output for {', '.join(names)}", f"shape {tuple(output.shape)}",
            f"the target's {tuple(target.shape)}",
            "Check the channels and the padding of the generator.",
        )  # fmt: skip
    if not n == len(names) == len(output):
        counts = f"{n} indices, {len(names)} names, {len(output)} images"
        raise ValueError(f"PairEvaluator.update() got {counts}")
