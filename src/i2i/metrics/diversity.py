"""How much several outputs for one input differ: mean distance over all pairs of them."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from i2i.errors import SettingError
from i2i.metrics.perceptual import Distance, perceptual_distance

PAIRS_AT_ONCE = 16  # through a network
LEVELS_AT_ONCE = 1 << 20  # of a pair, so that its differences take 4 MB whatever the picture's size
PROTOCOL = {
    "l1": "levels of 255 on 8-bit images; mean over the pairs of samples, then over inputs",
    "lpips": "Zhang et al. 2018 on 8-bit images; mean over the pairs of samples, then over inputs",
}


class Diversity:
    """Collects the diversity of one input after another.

    Attributes:
        rows: ``name``, ``l1`` and, with a distance, ``lpips`` of each input.
        too_small: Why the distance could not be measured on some input; None where it could.
    """

    def __init__(
        self,
        distance: Distance | None = None,  # LPIPSDistance, on the device of the samples
    ):
        self.distance = distance
        self.rows: list[dict[str, Any]] = []
        self.too_small: SettingError | None = None

    def add(self, name: str, samples: Tensor) -> None:
        """Measures the outputs for one input, uint8 (N, C, H, W), N at least 2."""
        row = {"name": name, "l1": mean_pairwise_l1(samples)}
        if self.distance is not None:
            try:
                row["lpips"] = mean_pairwise_lpips(samples, self.distance)
            except SettingError as error:
                self.too_small = error
        self.rows.append(row)

    def add_l1(self, name: str, l1: float, why: SettingError) -> None:
        """Takes the L1 of outputs too large to be held whole; ``why`` says so of the distance."""
        self.rows.append({"name": name, "l1": l1})
        self.too_small = why if self.distance is not None else self.too_small

    def means(self) -> dict[str, float]:
        """Means over the inputs, of which there has to be one; LPIPS only where all have it."""
        keys = [key for key in ("l1", "lpips") if all(key in row for row in self.rows)]
        return {key: math.fsum(row[key] for row in self.rows) / len(self.rows) for key in keys}


def mean_pairwise_l1(samples: Tensor | Sequence[Tensor]) -> float:
    """Mean absolute difference over the N (N - 1) / 2 pairs, in levels of 255.

    Args:
        samples: Outputs for one input, uint8 (C, H, W) each, 2 or more.

    Returns:
        0 (all the same) to 255.

    Raises:
        ValueError: There is no pair.
    """
    gaps = [_sum_of_gaps(samples[i], samples[j]) for i, j in _pairs(len(samples))]
    size = samples[0].numel()
    return float(torch.tensor([int(gap) / size for gap in gaps], dtype=torch.float64).mean())


def mean_pairwise_lpips(samples: Tensor, distance: Distance) -> float:
    """Mean LPIPS over the N (N - 1) / 2 pairs, the diversity of BicycleGAN (Zhu et al. 2017).

    Args:
        samples: Outputs for one input, uint8 (N, C, H, W), N at least 2.
        distance: ``LPIPSDistance``, on the device of the samples.

    Returns:
        0 (all the same) or more.

    Raises:
        SettingError: The images have neither 1 nor 3 channels.
        ValueError: There is no pair.
    """
    pairs = _pairs(len(samples))
    values = [
        perceptual_distance(distance, samples[[i for i, _ in part]], samples[[j for _, j in part]])
        for part in (pairs[k : k + PAIRS_AT_ONCE] for k in range(0, len(pairs), PAIRS_AT_ONCE))
    ]
    return float(torch.cat(values).mean())


def _pairs(n: int) -> list[tuple[int, int]]:
    if n < 2:
        raise ValueError(f"diversity of {n} samples; expected 2 or more")
    return list(combinations(range(n), 2))


def _sum_of_gaps(a: Tensor, b: Tensor) -> Tensor:
    """Sum of the absolute differences of two uint8 images, exact."""
    parts = zip(*(image.flatten().split(LEVELS_AT_ONCE) for image in (a, b)), strict=True)
    return torch.stack([(x.to(torch.int32) - y).abs_().sum() for x, y in parts]).sum()
