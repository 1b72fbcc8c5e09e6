"""Pixel accuracy, class accuracy and mean IoU of class maps (Long et al. 2015, Sec. 5).

With n_ij pixels of class i predicted as class j and t_i = sum_j n_ij: pixel accuracy
sum_i n_ii / sum_i t_i, class accuracy the mean of n_ii / t_i, mean IoU the mean of
n_ii / (t_i + sum_j n_ji - n_ii). All are of one matrix, summed over the images of a split.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from i2i.labels.palette import UNLABELLED


def confusion(truth: Tensor, predicted: Tensor, n_classes: int) -> Tensor:
    """Counts the pixels of each true class by the class that was predicted, image by image.

    A prediction that is no class (255) where the truth is labelled is wrong, and no class of the
    matrix holds it: it is in the last column, which is the class n of nothing. So a network gains
    nothing by leaving pixels out, and no class is blamed for them.

    Args:
        truth: (H, W) or (B, H, W) uint8: 0..n-1, or 255 for pixels that do not count.
        predicted: Likewise; 255 where no class was predicted.
        n_classes: n, 1 to 255.

    Returns:
        int64 (B, n, n + 1) on the device of ``truth``, with B = 1 for a single map: rows are the
        true classes, columns the predicted ones, and then none.

    Raises:
        ValueError: The shapes differ, or an id is neither 0..n-1 nor 255.
    """
    if truth.shape != predicted.shape or truth.ndim not in (2, 3):
        shapes = f"{tuple(truth.shape)} and {tuple(predicted.shape)}"
        raise ValueError(f"class maps of shapes {shapes}; expected twice (B, H, W)")
    truth, predicted = truth.reshape(-1, *truth.shape[-2:]).long(), predicted.long()
    predicted = predicted.reshape(truth.shape)
    for side, ids in (("truth", truth), ("predicted", predicted)):
        if ((ids < 0) | ((ids >= n_classes) & (ids != UNLABELLED))).any():
            raise ValueError(f"{side} has ids other than 0..{n_classes - 1} and {UNLABELLED}")
    n_images, width = len(truth), n_classes + 1
    image = torch.arange(n_images, device=truth.device)[:, None, None]
    cells = (image * n_classes + truth) * width + predicted.clamp(max=n_classes)
    counts = torch.bincount(cells[truth != UNLABELLED], minlength=n_images * n_classes * width)
    return counts.reshape(n_images, n_classes, width)


def segmentation_scores(matrix: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Scores a confusion matrix, usually the sum over a split.

    Args:
        matrix: (n, n) or (n, n + 1) counts, rows are the true classes; a column n + 1 holds pixels
            for which no class was predicted.
        names: Of the n classes.

    Returns:
        0..1, NaN where there is nothing to score: ``pixel_accuracy``; ``class_accuracy``, the mean
        over the classes that the truth has; ``mean_iou``, the mean over the classes that truth or
        prediction has at the labelled pixels; and ``iou/NAME`` of every class.

    Raises:
        ValueError: The matrix has another shape.
    """
    n = len(names)
    if matrix.ndim != 2 or len(matrix) != n or matrix.shape[1] not in (n, n + 1):
        raise ValueError(f"a matrix of shape {tuple(matrix.shape)}; expected ({n}, {n} or {n + 1})")
    counts = matrix.double()
    right, true, made = counts.diagonal(), counts.sum(1), counts[:, :n].sum(0)
    iou = right / (true + made - right)  # 0 / 0 is NaN: a class that neither has
    scores = {
        "pixel_accuracy": (right.sum() / true.sum()).item(),
        "class_accuracy": (right / true).nanmean().item(),
        "mean_iou": iou.nanmean().item(),
    }
    return scores | {f"iou/{name}": value for name, value in zip(names, iou.tolist(), strict=True)}
