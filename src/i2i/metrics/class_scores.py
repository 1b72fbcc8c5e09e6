"""Segmentation scores of a pass: one confusion matrix an image, summed at the end."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from i2i.metrics.segmentation import confusion, segmentation_scores

SCORES = ("pixel_accuracy", "class_accuracy", "mean_iou")

Matrices = dict[int, np.ndarray]  # index of an image -> int64 (n, n + 1), see ``confusion``


class ClassMaps(NamedTuple):
    """Class indices of a batch, uint8 (B, H, W)."""

    names: tuple[str, ...]  # of the classes
    truth: Tensor  # 255: unlabelled, not counted
    made: Tensor  # read from the made images
    ceiling: Tensor | None = None  # what the segmenter says of the real photographs


class ClassResult(NamedTuple):
    """Scores of one side: what the model made, or the ceiling."""

    scores: dict[str, float]  # pixel_accuracy, class_accuracy, mean_iou
    classes: dict[str, float]  # class name -> IoU


@dataclass
class ClassShare:
    """Confusion matrices that one process, or all of them, have of a pass.

    Attributes:
        names: Of the classes; None before the first image.
        made: Truth against what was read from the made images.
        ceiling: Truth against what the segmenter says of the real photographs.
    """

    names: tuple[str, ...] | None = None
    made: Matrices = field(default_factory=dict)
    ceiling: Matrices = field(default_factory=dict)

    def add(self, indices: list[int], maps: ClassMaps) -> None:
        """Counts a batch; an index that was counted already is left out.

        Args:
            indices: Place of each image in its split.
            maps: Its class maps.

        Raises:
            ValueError: The maps differ in shape, are not one an image, or have other classes than
                those of the pass.
        """
        names = tuple(maps.names)
        if self.names not in (None, names):
            raise ValueError(f"class maps of {names} in a pass of {self.names}")
        shape = maps.truth.shape
        sides = [(self.made, maps.made)]
        if maps.ceiling is not None:
            sides.append((self.ceiling, maps.ceiling))
        for matrices, predicted in sides:
            if len(indices) != len(predicted) or predicted.shape != shape:
                shapes = f"truth {tuple(shape)} and prediction {tuple(predicted.shape)}"
                raise ValueError(f"class maps of {len(indices)} images are {shapes}")
            counts = confusion(maps.truth, predicted, len(names)).cpu().numpy()
            for i, matrix in zip(indices, counts, strict=True):
                matrices.setdefault(i, matrix.copy())
        self.names = names

    def take_in(self, other: "ClassShare") -> None:
        """Adds another share; of two equal indices the other's stays."""
        self.names = other.names or self.names
        self.made.update(other.made)
        self.ceiling.update(other.ceiling)

    def pixel_accuracy(self, index: int) -> float:
        """Share of the labelled pixels of one image that are right; NaN without any."""
        matrix = self.made.get(index)
        labelled = 0 if matrix is None else int(matrix.sum())
        return int(matrix.trace()) / labelled if labelled else float("nan")

    def result(self, side: str) -> ClassResult | None:
        """Scores the sum of all matrices.

        Args:
            side: ``made`` or ``ceiling``.

        Returns:
            None where that side has no image.
        """
        matrices: Matrices = getattr(self, side)
        if not matrices:
            return None
        total = torch.from_numpy(np.sum(list(matrices.values()), axis=0))
        found = segmentation_scores(total, self.names)
        classes = {name: found[f"iou/{name}"] for name in self.names}
        return ClassResult({key: found[key] for key in SCORES}, classes)
