"""How much several outputs for one input differ: distances of all pairs of them.

Those of outputs that follow one another (0 and 1, 1 and 2, ...) are the protocol of BicycleGAN (Zhu
et al. 2017b, Sec. 5): 100 inputs with 20 outputs each have 1,900 such pairs.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
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
        rows: ``name``, means ``l1`` and, with a distance, ``lpips`` of each input, and ``codes``
            where its outputs have some.
        in_a_row: For each input the distances of outputs that follow one another, by kind.
        too_small: Why the distance could not be measured on some input; None where it could.
    """

    def __init__(
        self,
        distance: Distance | None = None,  # LPIPSDistance, on the device of the samples
        seen: Callable[[Tensor], Tensor] = lambda samples: samples,  # the channels that it is shown
    ):
        self.distance, self.seen = distance, seen
        self.rows: list[dict[str, Any]] = []
        self.in_a_row: dict[str, list[Tensor]] = defaultdict(list)
        self.too_small: SettingError | None = None

    def add(self, name: str, samples: Tensor, codes: Any = None) -> None:
        """Measures the outputs for one input, uint8 (N, C, H, W), N at least 2.

        Args:
            name: Of the input.
            samples: The outputs.
            codes: What they were made with, as plain values, for the input's row; or None.
        """
        found = {"l1": pairwise_l1(samples)}
        if self.distance is not None:
            try:
                found["lpips"] = pairwise_lpips(self.seen(samples), self.distance)
            except SettingError as error:
                self.too_small = error
        self.note(name, found, codes)

    def add_l1(self, name: str, l1: Tensor, why: SettingError, codes: Any = None) -> None:
        """Takes the L1 of outputs too large to be held whole; ``why`` says so of the distance."""
        self.note(name, {"l1": l1}, codes)
        self.too_small = why if self.distance is not None else self.too_small

    def note(self, name: str, found: dict[str, Tensor], codes: Any) -> None:
        """Keeps the distances of all pairs of outputs for one input."""
        row: dict[str, Any] = {"name": name}
        for key, distances in found.items():
            row[key] = float(distances.mean())
            self.in_a_row[key].append(consecutive(distances))
        self.rows.append(row | ({} if codes is None else {"codes": codes}))

    def means(self) -> dict[str, float]:
        """Means over the inputs, of which there has to be one; LPIPS only where all have it."""
        keys = self.measured()
        return {key: math.fsum(row[key] for row in self.rows) / len(self.rows) for key in keys}

    def measured(self) -> list[str]:
        """The distances that all inputs have."""
        return [key for key in ("l1", "lpips") if all(key in row for row in self.rows)]

    def consecutive(self) -> dict[str, dict[str, float]]:
        """Mean, standard deviation and number of the distances between outputs in a row."""
        found = {}
        for key in self.measured():
            values = torch.cat(self.in_a_row[key])
            mean, std = float(values.mean()), float(values.std(correction=0))
            found[key] = {"mean": mean, "std": std, "n": len(values)}
        return found


def consecutive(distances: Tensor) -> Tensor:
    """Those of outputs k and k + 1, out of those of all pairs: N - 1 of N (N - 1) / 2."""
    n = math.isqrt(2 * len(distances)) + 1
    return distances[[at for at, (i, j) in enumerate(_pairs(n)) if j == i + 1]]


def pairwise_l1(samples: Tensor | Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of each of the N (N - 1) / 2 pairs, in levels of 255.

    Args:
        samples: Outputs for one input, uint8 (C, H, W) each, 2 or more.

    Returns:
        float64, 0 (the same) to 255, of (0, 1), (0, 2), ..., (1, 2) and so on.

    Raises:
        ValueError: There is no pair.
    """
    gaps = [_sum_of_gaps(samples[i], samples[j]) for i, j in _pairs(len(samples))]
    size = samples[0].numel()
    return torch.tensor([int(gap) / size for gap in gaps], dtype=torch.float64)


def pairwise_lpips(samples: Tensor, distance: Distance) -> Tensor:
    """LPIPS of each of the N (N - 1) / 2 pairs.

    Args:
        samples: Outputs for one input, uint8 (N, C, H, W), N at least 2.
        distance: ``LPIPSDistance``, on the device of the samples.

    Returns:
        float64 on the CPU, 0 (the same) or more, in the order of ``pairwise_l1``.

    Raises:
        SettingError: The images have neither 1 nor 3 channels.
        ValueError: There is no pair.
    """
    pairs = _pairs(len(samples))
    values = [
        perceptual_distance(distance, samples[[i for i, _ in part]], samples[[j for _, j in part]])
        for part in (pairs[k : k + PAIRS_AT_ONCE] for k in range(0, len(pairs), PAIRS_AT_ONCE))
    ]
    return torch.cat(values)


def _pairs(n: int) -> list[tuple[int, int]]:
    if n < 2:
        raise ValueError(f"diversity of {n} samples; expected 2 or more")
    return list(combinations(range(n), 2))


def _sum_of_gaps(a: Tensor, b: Tensor) -> Tensor:
    """Sum of the absolute differences of two uint8 images, exact."""
    parts = zip(*(image.flatten().split(LEVELS_AT_ONCE) for image in (a, b)), strict=True)
    return torch.stack([(x.to(torch.int32) - y).abs_().sum() for x, y in parts]).sum()
