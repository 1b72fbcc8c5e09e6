"""What is handed to the evaluator: pictures, and class maps both ways."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from evaluators import pairwise
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.images.ranges import to_float
from i2i.labels.palette import ClassPalette
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown

COLOURS = {"sky": [128, 128, 128], "wall": [128, 0, 0], "road": [128, 64, 128]}
PALETTE = ClassPalette(COLOURS, unlabelled=[0, 0, 0])
NAMES = ["a", "b"]
INDEX = torch.arange(2)


def ids(seed: int, values: tuple[int, ...] = (0, 1, 2, 255)) -> np.ndarray:
    return np.random.default_rng(seed).choice(values, (2, 16, 16)).astype(np.uint8)


def one_hot(label: np.ndarray) -> Tensor:
    return torch.stack([PALETTE.one_hot(i) for i in label])


def colours(label: np.ndarray) -> Tensor:
    return PALETTE.colours_of_ids(torch.from_numpy(label))


def photos(seed: int) -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def accuracy(truth: np.ndarray, made: np.ndarray) -> float:
    return float((truth == made)[truth != 255].mean())


def shown(x: Tensor, y: Tensor, y_hat: Tensor, task: Task | None = None, **more: Any) -> Shown:
    return Shown(INDEX, NAMES, x, y, task or Task(), y_hat=y_hat, **more)


def scored(scorer: Scorer, x: Tensor, y: Tensor, y_hat: Tensor, task: Task | None = None) -> Any:
    scorer.evaluator.start("test")
    scorer.update(shown(x, y, y_hat, task))
    return scorer.evaluator.compute()


@pytest.mark.parametrize("label_as", ["colours", "onehot"])
def test_made_labels_are_scored_by_their_classes(label_as: str) -> None:
    truth, made = ids(0), ids(1, (0, 1, 2))
    code = one_hot if label_as == "onehot" else colours
    noise = 0.2 * torch.rand(1, generator=torch.Generator().manual_seed(2))  # still the nearest
    task = LabelTask(PALETTE, "target", label_as)
    scorer = Scorer(pairwise(), PALETTE, "target")
    result = scored(scorer, photos(0), code(truth), code(made) * (1 - noise), task)
    assert result.values["pixel_accuracy"] == pytest.approx(accuracy(truth, made), abs=1e-12)
    assert result.ceiling is None
    known = np.where(truth == 255, 0, truth)
    perfect = scored(scorer, photos(0), code(truth), code(known), task)
    assert perfect.values["pixel_accuracy"] == perfect.values["mean_iou"] == 1.0


class Stand:
    """A segmenter that answers from a list, in order."""

    def __init__(self, *answers: np.ndarray) -> None:
        self.answers, self.seen = list(answers), []

    def __call__(self, pictures: Tensor, names: list[str]) -> Tensor:
        assert names == NAMES
        self.seen.append(pictures)
        return torch.from_numpy(self.answers.pop(0))


@pytest.mark.parametrize("label_as", ["colours", "onehot"])
def test_made_photographs_are_scored_by_what_the_segmenter_sees(label_as: str) -> None:
    truth, on_made, on_real = ids(0), ids(1, (0, 1, 2)), ids(2, (0, 1, 2))
    x = one_hot(truth) if label_as == "onehot" else colours(truth)
    segmenter = Stand(on_made, on_real)
    task = LabelTask(PALETTE, "input", label_as)
    scorer = Scorer(pairwise(), PALETTE, "input", segmenter)
    y, y_hat = photos(3), photos(4)
    result = scored(scorer, x, y, y_hat, task)
    assert (segmenter.seen[0] - y_hat).abs().max() <= 0.51 / 127.5  # what the 8-bit file shows
    levels = (segmenter.seen[0] + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-4
    assert torch.equal(segmenter.seen[1], y)
    assert result.values["pixel_accuracy"] == pytest.approx(accuracy(truth, on_made), abs=1e-12)
    assert result.ceiling["pixel_accuracy"] == pytest.approx(accuracy(truth, on_real), abs=1e-12)


def test_the_segmenter_looks_at_real_photographs_once_a_run() -> None:
    truth, on_real = ids(0), ids(2, (0, 1, 2))
    on_made, next_made, other_real = ids(1, (0, 1, 2)), ids(3, (0, 1, 2)), ids(4, (0, 1, 2))
    segmenter = Stand(on_made, on_real, next_made, on_made, other_real)
    scorer = Scorer(pairwise(), PALETTE, "input", segmenter)
    task = LabelTask(PALETTE, "input", "colours")
    x, y, y_hat = colours(truth), photos(3), photos(4)
    first = scored(scorer, x, y, y_hat, task)
    second = scored(scorer, x, y, y_hat.flip(3), task)
    assert len(segmenter.seen) == 3 and not torch.equal(segmenter.seen[2], y)
    assert second.ceiling == first.ceiling and second.classes["ceiling"] == first.classes["ceiling"]
    assert second.values["pixel_accuracy"] == pytest.approx(accuracy(truth, next_made), abs=1e-12)
    scorer.evaluator.start("val")  # equal indices, other photographs
    scorer.update(shown(x, y, y_hat, task))
    other = scorer.evaluator.compute()
    assert other.ceiling["pixel_accuracy"] == pytest.approx(accuracy(truth, other_real), abs=1e-12)


def test_no_class_scores_without_classes_or_when_switched_off() -> None:
    y, y_hat = photos(0), photos(1)
    plain = scored(Scorer(pairwise()), y, y, y_hat)
    off = pairwise(segmentation=False)
    label = colours(ids(0))
    task = LabelTask(PALETTE, "target", "colours")
    silent = scored(Scorer(off, PALETTE, "target"), y, label, label, task)
    assert "mean_iou" not in plain.values and "mean_iou" not in silent.values


def test_true_labels_from_jpeg_files_have_no_class_of_blended_colours() -> None:
    """Half way from wall to sky lies the colour of road, as JPEG's blended edges have it."""
    palette = ClassPalette({"wall": [255, 0, 0], "sky": [0, 0, 255], "road": [128, 0, 128]})
    label = np.zeros((64, 64), np.uint8)
    label[:, 21:] = 1
    label[10:30, 30:45] = 0
    colours = palette.encode_colours(label)[:, :, ::-1]
    _, data = cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, 75])
    stored = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].copy()
    picture = to_float(stored)[None]
    for lossy, expected in ((True, {0, 1}), (False, {0, 1, 2})):
        scorer = Scorer(pairwise(), palette, "target", None, lambda k=lossy: k)
        assert set(scorer.true_ids(picture).unique().tolist()) == expected


def test_other_pictures_can_be_scored_in_place_of_the_made_ones() -> None:
    scorer, y = Scorer(pairwise()), photos(1)
    scorer.evaluator.start("test")
    scorer.update(shown(photos(0), y, photos(2)), y)
    assert scorer.evaluator.compute().values["l1"] == 0


def test_what_comes_back_is_compared_with_the_source_as_a_picture() -> None:
    """One-hot sources are shown in their colours."""
    truth, task = ids(0), LabelTask(PALETTE, "input", "onehot")
    scorer = Scorer(pairwise())
    for back, same in ((colours(truth), True), (colours(ids(1)), False)):
        scorer.evaluator.start("test")
        scorer.update(shown(one_hot(truth).clamp(0), photos(1), photos(2), task, back=back))
        assert (scorer.evaluator.compute().values["reconstruction_l1"] == 0) is same


@pytest.mark.parametrize("role", ["input", "target"])
def test_without_the_true_answers_no_classes_are_compared(role: str) -> None:
    """The segmenter, too, is spared its work."""
    segmenter, label = Stand(), colours(ids(0))
    scorer = Scorer(pairwise(), PALETTE, role, segmenter)
    scorer.evaluator.start("test")
    task = LabelTask(PALETTE, role, "colours")
    scorer.update(shown(label, label, label, task, y_index=INDEX.flip(0), true=False, back=label))
    result = scorer.evaluator.compute()
    assert segmenter.seen == [] and result.ceiling is None
    assert all(name.startswith("reconstruction_") for name in result.values)
