"""What costs nothing: the scores that a trained model has to beat."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from torch import Tensor

from i2i.data.batches import Batch
from i2i.data.collate import collate
from i2i.data.reading.damage import sample_or_none
from i2i.metrics.result import EvaluationResult
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown

MOST_IMAGES = 2000  # evenly spaced ones stand for a larger training set's mean


def mean_targets(dataset: Any, shown: Callable[[Batch], dict[str, Shown]]) -> dict[str, Tensor]:
    """The mean training target of each route: the best constant answer under squared error.

    Args:
        dataset: Yields samples; at most 2000 evenly spaced ones are read, and those passed over
            that are left out of training.
        shown: What a system shows of a batch, by route.

    Returns:
        (C, H, W) in [-1, 1] each.
    """
    step = -(-len(dataset) // MOST_IMAGES)
    totals: dict[str, Tensor] = {}
    seen: dict[str, set[int]] = {}  # of a smaller side each picture comes several times
    for index in range(0, len(dataset), step):
        sample = sample_or_none(dataset, index)
        found = {} if sample is None else shown(collate([sample]))
        for route, one in found.items():
            places = one.index if one.y_index is None else one.y_index
            for place, y in zip(places.tolist(), one.y, strict=True):
                if place not in seen.setdefault(route, set()):
                    seen[route].add(place)
                    totals[route] = totals.get(route, 0) + y.double()
    return {route: (total / len(seen[route])).float() for route, total in totals.items()}


def as_channels(image: Tensor, channels: int) -> Tensor | None:
    """One channel from several (their mean), or several from one; None: there is no way."""
    if image.shape[1] == channels:
        return image
    if channels == 1:
        return image.mean(1, keepdim=True)
    return image.expand(-1, channels, -1, -1) if image.shape[1] == 1 else None


def score_baselines(
    scorers: Mapping[str, Scorer],
    shown: Callable[[Batch], dict[str, Shown]],
    loader: Iterable,
    means: Mapping[str, Tensor],
    limit: int | None = None,
) -> dict[str, dict[str, EvaluationResult]]:
    """Scores the copied input and the mean training target, with the same evaluators.

    Args:
        scorers: By route; their evaluators are already prepared.
        shown: What a system shows of a batch, by route, on the device where the metrics run.
        loader: Batches of the test split; gone through once for each, so that none is kept.
        means: (C, H, W) by route, from ``mean_targets``.
        limit: Batches to take; None for all.

    Returns:
        Results by route, under ``input copied``, where there is an input of as many channels, and
        ``mean training target``.
    """

    def copied(route: str, one: Shown) -> Tensor | None:
        return None if one.x is None else as_channels(one.source, one.real.shape[1])

    def constant(route: str, one: Shown) -> Tensor:
        mean = means[route].to(one.y.device)
        return one.task.output_picture(one.x, mean.expand(len(one.index), *mean.shape))

    results: dict[str, dict[str, EvaluationResult]] = {route: {} for route in scorers}
    for name, answer in (("input copied", copied), ("mean training target", constant)):
        answered: set[str] = set()
        for scorer in scorers.values():
            scorer.evaluator.start("test")
        for batch in islice(loader, limit):
            for route, one in shown(batch).items():
                if (made := answer(route, one)) is not None:
                    scorers[route].update(one, made)
                    answered.add(route)
        for route in answered:
            results[route][name] = scorers[route].evaluator.compute()
    return results
