"""Evaluators with the metrics of the presets ``pairwise`` and ``full``."""

from typing import Any

from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.quality import L1, MSE, PSNR, SSIM


def pairwise(**options: Any) -> PairEvaluator:
    """As ``metrics=pairwise`` makes it, with further options or metrics."""
    return PairEvaluator(ssim=SSIM(), psnr=PSNR(), mse=MSE(), l1=L1(), **options)


def full(**options: Any) -> PairEvaluator:
    """As ``metrics=full`` makes it."""
    return pairwise(**{"distribution": True} | options)
