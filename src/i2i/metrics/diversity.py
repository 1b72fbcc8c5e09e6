"""How much several outputs for one input differ: mean distance over all pairs of them."""

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from i2i.errors import SettingError
from i2i.metrics.perceptual import Distance, perceptual_distance
from i2i.metrics.quality import l1

PAIRS_AT_ONCE = 16  # through a network
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


def mean_pairwise_l1(samples: Tensor) -> float:
    """Mean absolute difference over the N (N - 1) / 2 pairs, in levels of 255.

    Args:
        samples: Outputs for one input, uint8 (N, C, H, W), N at least 2.

    Returns:
        0 (all the same) to 255.

    Raises:
        ValueError: There is no pair.
    """
    return _mean_over_pairs(samples, l1)


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
    return _mean_over_pairs(samples, lambda a, b: perceptual_distance(distance, a, b))


def _mean_over_pairs(samples: Tensor, measure: Callable[[Tensor, Tensor], Tensor]) -> float:
    pairs = list(combinations(range(len(samples)), 2))
    if not pairs:
        raise ValueError(f"diversity of {len(samples)} samples; expected 2 or more")
    values = [
        measure(samples[[i for i, _ in part]], samples[[j for _, j in part]])
        for part in (pairs[k : k + PAIRS_AT_ONCE] for k in range(0, len(pairs), PAIRS_AT_ONCE))
    ]
    return float(torch.cat(values).mean())
