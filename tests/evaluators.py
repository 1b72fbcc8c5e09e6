"""Evaluators with the metrics of the presets ``pairwise`` and ``full``."""

from typing import Any

import torch
from torch import Tensor

from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.quality import L1, MSE, PSNR, SSIM
from i2i.metrics.result import EvaluationResult


def pairwise(**options: Any) -> PairEvaluator:
    """As ``metrics=pairwise`` makes it, with further options or metrics."""
    return PairEvaluator(ssim=SSIM(), psnr=PSNR(), mse=MSE(), l1=L1(), **options)


def full(**options: Any) -> PairEvaluator:
    """As ``metrics=full`` makes it."""
    return pairwise(**{"distribution": True} | options)


def ready(**options: Any) -> PairEvaluator:
    """As ``full``, with its networks on the CPU."""
    evaluator = full(**options)
    evaluator.prepare("cpu", required=True)
    return evaluator


def run_pass(
    evaluator: PairEvaluator, split: str, output: Tensor, target: Tensor,
    order: list[int] | None = None, batch_size: int = 3,
) -> EvaluationResult:  # fmt: skip
    """One pass over the pairs in batches whose last is smaller."""
    order = list(range(len(target))) if order is None else order
    evaluator.start(split)
    for at in range(0, len(order), batch_size):
        index = torch.tensor(order[at : at + batch_size])
        names = [f"{i:03d}.png" for i in index.tolist()]
        evaluator.update(index, names, output[index], target[index])
    return evaluator.compute()
