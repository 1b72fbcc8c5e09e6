"""Segmentation scores against counting by hand and against torchmetrics."""

import math

import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

from i2i.labels.confusion import UNLABELLED, confusion, segmentation_scores

NAMES = ("sky", "wall", "road", "car")


def maps(seed: int, shape: tuple[int, ...], classes: list[int]) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.choice(np.array(classes, np.uint8), shape))


def counted(truth: torch.Tensor, predicted: torch.Tensor) -> np.ndarray:
    """(4, 5), pixel by pixel."""
    matrix = np.zeros((4, 5), np.int64)
    for t, p in zip(truth.flatten().tolist(), predicted.flatten().tolist(), strict=True):
        if t != UNLABELLED:
            matrix[t, 4 if p == UNLABELLED else p] += 1
    return matrix


def test_counts_are_those_by_hand_image_by_image() -> None:
    truth = maps(0, (3, 7, 9), [0, 1, 2, 3, UNLABELLED])
    predicted = maps(1, (3, 7, 9), [0, 1, 2, 3, UNLABELLED])
    found = confusion(truth, predicted, 4)
    assert found.shape == (3, 4, 5) and found.dtype == torch.int64
    for i in range(3):
        assert np.array_equal(found[i].numpy(), counted(truth[i], predicted[i]))
        assert torch.equal(confusion(truth[i], predicted[i], 4)[0], found[i])


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_torchmetrics(seed: int) -> None:
    truth = maps(seed, (2, 16, 16), [0, 1, 2, 3, UNLABELLED])
    wrong = maps(seed + 10, (2, 16, 16), [0, 1, 2, 3])
    keep = torch.from_numpy(np.random.default_rng(seed + 20).random((2, 16, 16)) < 0.6)
    predicted = torch.where(keep & (truth != UNLABELLED), truth, wrong)
    scores = segmentation_scores(confusion(truth, predicted, 4).sum(0), NAMES)
    options = {"num_classes": 4, "ignore_index": UNLABELLED}
    for key, metric in (
        ("pixel_accuracy", MulticlassAccuracy(average="micro", **options)),
        ("class_accuracy", MulticlassAccuracy(average="macro", **options)),
        ("mean_iou", MulticlassJaccardIndex(average="macro", **options)),
    ):
        assert scores[key] == pytest.approx(metric(predicted.int(), truth.int()).item(), abs=1e-6)
    each = MulticlassJaccardIndex(average="none", **options)(predicted.int(), truth.int())
    assert [scores[f"iou/{name}"] for name in NAMES] == pytest.approx(each.tolist(), abs=1e-6)


def test_a_case_by_hand() -> None:
    truth = torch.tensor([[0, 0, 0, 0, 1, 1, UNLABELLED, UNLABELLED]], dtype=torch.uint8)
    predicted = torch.tensor([[0, 0, 0, 1, 1, 2, 3, 0]], dtype=torch.uint8)
    scores = segmentation_scores(confusion(truth, predicted, 4)[0], NAMES)
    assert scores["pixel_accuracy"] == pytest.approx(4 / 6)
    assert scores["class_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)  # no road in the truth
    assert scores["iou/sky"] == pytest.approx(3 / 4)
    assert scores["iou/wall"] == pytest.approx(1 / 3)
    assert scores["iou/road"] == 0.0  # predicted once, never there
    assert math.isnan(scores["iou/car"])  # predicted only where nothing counts
    assert scores["mean_iou"] == pytest.approx((3 / 4 + 1 / 3 + 0) / 3)


def test_a_perfect_prediction_has_1_whatever_classes_there_are() -> None:
    truth = maps(3, (2, 8, 8), [0, 2, UNLABELLED])
    predicted = torch.where(truth == UNLABELLED, 1, truth)
    scores = segmentation_scores(confusion(truth, predicted, 4).sum(0), NAMES)
    assert (scores["pixel_accuracy"], scores["class_accuracy"], scores["mean_iou"]) == (1, 1, 1)
    assert scores["iou/sky"] == scores["iou/road"] == 1 and math.isnan(scores["iou/wall"])


def test_no_prediction_is_wrong_and_blames_no_other_class() -> None:
    truth = torch.tensor([[0, 0, 1, 1]], dtype=torch.uint8)
    predicted = torch.tensor([[0, UNLABELLED, 1, 1]], dtype=torch.uint8)
    scores = segmentation_scores(confusion(truth, predicted, 4)[0], NAMES)
    assert scores["pixel_accuracy"] == 0.75 and scores["class_accuracy"] == 0.75
    assert scores["iou/sky"] == 0.5 and scores["iou/wall"] == 1.0


def test_an_image_without_labels_counts_nothing() -> None:
    truth = torch.full((1, 4, 4), UNLABELLED, dtype=torch.uint8)
    matrix = confusion(truth, torch.zeros_like(truth), 4)
    assert matrix.sum() == 0
    assert all(math.isnan(value) for value in segmentation_scores(matrix[0], NAMES).values())


def test_a_square_matrix_is_taken_too() -> None:
    matrix = torch.tensor([[3, 1], [0, 4]])
    scores = segmentation_scores(matrix, ("a", "b"))
    assert scores["pixel_accuracy"] == 7 / 8 and scores["mean_iou"] == (3 / 4 + 4 / 5) / 2


def test_what_does_not_fit_is_refused() -> None:
    truth = torch.zeros(1, 2, 2, dtype=torch.uint8)
    with pytest.raises(ValueError, match="expected twice"):
        confusion(truth, truth[:, :1], 4)
    with pytest.raises(ValueError, match=r"truth has ids other than 0\.\.3 and 255"):
        confusion(truth + 4, truth, 4)
    with pytest.raises(ValueError, match="predicted has ids"):
        confusion(truth, truth + 4, 4)
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        segmentation_scores(torch.zeros(3, 2), NAMES)
