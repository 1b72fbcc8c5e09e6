"""What every metric has that gives one value per image."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class ImageMetric(ABC):
    """Compares 8-bit images with their targets; the score of a split is the mean over its images.

    Its name is the key of its preset: ``conf/metrics/ssim.yaml`` makes ``ssim``. The table, the
    files, the comparison of a sweep and the direction of ``sweep_metric`` follow from the class.

    Attributes:
        more_is_better: Where an optimising sweep has to go.
        unit: For the headings of tables; empty for a plain number.
        protocol: How the values are made, in words that stand beside them in JSON files.
    """

    more_is_better: bool
    unit: str = ""
    protocol: str = ""

    @abstractmethod
    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Measures a batch, each image for itself.

        Args:
            output: What the network made, uint8 (B, C, H, W).
            target: What it should be, same shape.

        Returns:
            (B,), best in float64.
        """

    def prepare(self, device: torch.device | str, required: bool) -> bool:
        """Loads what the metric needs. All processes call it together, before the first batch.

        Args:
            device: Where the images will be.
            required: Whether something missing is an error (evaluation) or not (training).

        Returns:
            Whether the metric can be measured; False leaves it out of the run.

        Raises:
            SettingError: Something cannot be had, and is required.
        """
        return True
