"""What costs nothing: the scores that a trained model has to beat."""

from collections.abc import Iterable

import torch
from torch import Tensor

from i2i.data.paired_dataset import PairedDataset
from i2i.metrics.evaluator import EvaluationResult, PairEvaluator

MOST_IMAGES = 2000  # evenly spaced ones stand for a larger training set's mean


def mean_target(dataset: PairedDataset) -> Tensor:
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
    evaluator: PairEvaluator, loader: Iterable, mean: Tensor, device: torch.device
) -> dict[str, EvaluationResult]:
    """Scores the copied input and the mean training target, with the same evaluator.

    Args:
        evaluator: Already prepared.
        loader: Batches of the test split.
        mean: (C, H, W), from ``mean_target``.
        device: Where the metrics run.

    Returns:
        Results by name: ``input copied``, ``mean training target``.
    """
    answers = {
        "input copied": lambda x, y: as_channels(x, y.shape[1]),
        "mean training target": lambda x, y: mean.to(y.device).expand_as(y),
    }
    results = {}
    batches = list(loader)  # decoded once for both
    for name, answer in answers.items():
        evaluator.start("test")
        for batch in batches:
            x, y = batch["input"].to(device), batch["target"].to(device)
            evaluator.update(batch["index"], batch["name"], answer(x, y), y)
        results[name] = evaluator.compute()
    return results
