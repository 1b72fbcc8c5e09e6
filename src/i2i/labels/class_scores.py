"""Segmentation scores of a pass: one confusion matrix an image, summed at the end."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from i2i.labels.confusion import confusion, segmentation_scores
from i2i.scores import Score

SCORES = tuple(Score(name, True) for name in ("pixel_accuracy", "class_accuracy", "mean_iou"))

Matrices = dict[int, np.ndarray]  # index of an image -> int64 (n, n + 1), see ``confusion``


def matrices(indices: list[int], truth: Tensor, predicted: Tensor, n_classes: int) -> Matrices:
    """Counts the pixels of each image of a batch; of two equal indices the first one's stay.

    Args:
        indices: Place of each image in its split.
        truth: (B, H, W) uint8, see ``confusion``.
        predicted: Likewise.
        n_classes: How many classes there are.

    Raises:
        ValueError: The maps differ in shape, or are not one an image.
    """
    if len(indices) != len(predicted) or predicted.shape != truth.shape:
        shapes = f"truth {tuple(truth.shape)} and prediction {tuple(predicted.shape)}"
        raise ValueError(f"class maps of {len(indices)} images are {shapes}")
    counts = confusion(truth, predicted, n_classes).cpu().numpy()
    found: Matrices = {}
    for i, matrix in zip(indices, counts, strict=True):
        found.setdefault(i, matrix.copy())
    return found


class ClassMaps(NamedTuple):
    """Class indices of a batch, uint8 (B, H, W)."""

    names: tuple[str, ...]  # of the classes
    truth: Tensor  # 255: unlabelled, not counted
    made: Tensor  # read from the made images
    ceiling: Tensor | None = None  # what the segmenter says of the real photographs
    counted: Matrices | None = None  # the same, counted already; more than the batch's may be there


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
        sides = [(self.made, maps.made)]
        if maps.ceiling is not None:
            sides.append((self.ceiling, maps.ceiling))
        for kept, predicted in sides:
            for i, matrix in matrices(indices, maps.truth, predicted, len(names)).items():
                kept.setdefault(i, matrix)
        for i in indices if maps.counted is not None else ():
            self.ceiling.setdefault(i, maps.counted[i])
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
        return ClassResult({score.name: found[score.name] for score in SCORES}, classes)
