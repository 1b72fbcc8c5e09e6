"""What every metric has that gives one value per image."""

from abc import ABC, abstractmethod
from copy import copy
from typing import Literal, Self

import torch
from torch import Tensor

from i2i.images.values import PLAIN, Values


class ImageMetric(ABC):
    """Compares images with their targets; the score of a split is the mean over its images.

    Whatever a data set's files hold, a metric is handed 8 bits. One that can measure in the
    target's own values says ``takes = "values"``, and uses ``values``; one that looks at pictures
    as people do says ``takes = "seen"``.

    Its name is the key of its preset: ``conf/metrics/ssim.yaml`` makes ``ssim``. The table, the
    files, the comparison of a sweep and the direction of ``sweep_metric`` follow from the class.

    Attributes:
        more_is_better: Where an optimising sweep has to go.
        unit: For the headings of tables; empty for a plain number.
        protocol: How the values are made, in words that stand beside them in JSON files.
        takes: What it is handed: "levels", all channels in 8 bits; "seen", those that are shown, 1
            or 3, in 8 bits; "values", all channels in the values of the target's files.
        values: These. Where they are 8 bits from 0 to 255, as is the default, all three are uint8.
    """

    more_is_better: bool
    unit: str = ""
    protocol: str = ""
    takes: Literal["levels", "seen", "values"] = "levels"
    values: Values = PLAIN

    def measuring(self, values: Values) -> Self:
        """This metric for pictures of other values; itself where it takes 8 bits anyway."""
        if self.takes != "values" or values == self.values:
            return self
        other = copy(self)
        other.values = values
        return other

    @abstractmethod
    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Measures a batch, each image for itself.

        Args:
            output: What the network made, (B, C, H, W): uint8, or where it takes other values
                float64, whole numbers where ``values`` are whole.
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
