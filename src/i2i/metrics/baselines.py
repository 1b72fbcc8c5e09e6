"""What costs nothing: the scores that a trained model has to beat."""

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor

from i2i.data.image_dataset import ImageDataset
from i2i.metrics.evaluator import EvaluationResult
from i2i.metrics.scorer import Scorer

MOST_IMAGES = 2000  # evenly spaced ones stand for a larger training set's mean


def mean_target(dataset: ImageDataset) -> Tensor:
    """The mean training target: the best constant answer under squared error.

    Args:
        dataset: Yields pairs; at most 2000 evenly spaced ones are read.

    Returns:
        (C, H, W) in [-1, 1].
    """
    step = -(-len(dataset) // MOST_IMAGES)
    total, count = None, 0
    for index in range(0, len(dataset), step):
        target = dataset[index]["target"].double()
        total, count = (target if total is None else total + target), count + 1
    return (total / count).float()


def as_channels(image: Tensor, channels: int) -> Tensor:
    """Grey from colour (the mean of the channels), or colour from grey."""
    if image.shape[1] == channels:
        return image
    return image.mean(1, keepdim=True) if channels == 1 else image.expand(-1, channels, -1, -1)


def score_baselines(
    scorer: Scorer,
    loader: Iterable,
    mean: Tensor,
    device: torch.device,
    limit: int | None = None,
) -> dict[str, EvaluationResult]:
    """Scores the copied input and the mean training target, with the same evaluator.

    Args:
        scorer: Its evaluator is already prepared.
        loader: Batches of the test split; gone through once for each, so that none is kept.
        mean: (C, H, W), from ``mean_target``.
        device: Where the metrics run.
        limit: Batches to take; None for all.

    Returns:
        Results by name: ``input copied``, ``mean training target``.
    """
    task = scorer.task

    def copied(x: Tensor, y: Tensor) -> Tensor:
        return as_channels(task.input_picture(x), task.output_picture(x, y).shape[1])

    def constant(x: Tensor, y: Tensor) -> Tensor:
        return task.output_picture(x, mean.to(y.device).expand_as(y))

    results = {}
    for name, answer in (("input copied", copied), ("mean training target", constant)):
        scorer.evaluator.start("test")
        for batch in islice(loader, limit):
            x, y = batch["input"].to(device), batch["target"].to(device)
            scorer.update_picture(batch["index"], batch["name"], x, y, answer(x, y))
        results[name] = scorer.evaluator.compute()
    return results
