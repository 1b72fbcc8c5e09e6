"""Class maps in a pass of the evaluator: segmentation scores over all pixels of a split."""

import math

import numpy as np
import pytest
import torch

from evaluators import pairwise, run_pass
from i2i.metrics.evaluator import ClassMaps

NAMES = ("road", "building", "car")


def class_maps(n: int, seed: int = 0, ceiling: bool = True) -> ClassMaps:
    """Random maps of 16 x 12 pixels: a tenth unlabelled, made ones right about half the time."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 3, (n, 16, 12)).astype(np.uint8)
    guesses = [
        np.where(draw.random(truth.shape) < share, truth, draw.integers(0, 3, truth.shape))
        for share in (0.3, 0.8)
    ]
    truth[draw.random(truth.shape) < 0.1] = 255
    made, best = (torch.from_numpy(guess.astype(np.uint8)) for guess in guesses)
    return ClassMaps(NAMES, torch.from_numpy(truth), made, best if ceiling else None)


def run_classes(evaluator, images, maps, order=None, batch_size=2):
    order = list(range(len(images))) if order is None else order
    evaluator.start("val")
    for at in range(0, len(order), batch_size):
        i = order[at : at + batch_size]
        part = ClassMaps(NAMES, *(m if m is None else m[i] for m in maps[1:]))
        evaluator.update(torch.tensor(i), [f"{k}" for k in i], images[i], images[i], part)
    return evaluator.compute()


def scores_by_hand(truth, made) -> tuple[dict[str, float], dict[str, float]]:
    """Counts pixels of all images at once, class by class."""
    truth, made = truth.numpy(), made.numpy()
    known = truth != 255
    iou, recall = {}, []
    for k, name in enumerate(NAMES):
        both = ((truth == k) & (made == k)).sum()
        either = ((truth == k) | (made == k)) & known
        iou[name] = both / either.sum()
        recall.append(both / (truth == k).sum())
    pixels = (truth == made)[known].mean()
    scores = (pixels, np.mean(recall), np.mean(list(iou.values())))
    return dict(zip(("pixel_accuracy", "class_accuracy", "mean_iou"), scores, strict=True)), iou


def test_class_maps_are_scored_over_all_pixels_of_the_split(photographs):
    images, maps = photographs(5, 16, 12), class_maps(5)
    result = run_classes(pairwise(), images, maps)
    scores, iou = scores_by_hand(maps.truth, maps.made)
    assert list(result.values)[-3:] == ["pixel_accuracy", "class_accuracy", "mean_iou"]
    assert {key: result.values[key] for key in scores} == pytest.approx(scores, rel=1e-12)
    assert result.classes["model"] == pytest.approx(iou, rel=1e-12)
    best, best_iou = scores_by_hand(maps.truth, maps.ceiling)
    assert result.ceiling == pytest.approx(best, rel=1e-12)
    assert result.classes["ceiling"] == pytest.approx(best_iou, rel=1e-12)
    assert result.ceiling["mean_iou"] > result.values["mean_iou"] + 0.1
    for i, row in enumerate(result.per_image):
        known = maps.truth[i] != 255
        expected = (maps.truth[i] == maps.made[i])[known].double().mean().item()
        assert row["pixel_accuracy"] == pytest.approx(expected, rel=1e-12)
    assert "n = 5 images" in result.protocol["segmentation"]


def test_repeated_class_maps_count_once_and_the_order_does_not_matter(photographs):
    images, maps = photographs(5, 16, 12), class_maps(5)
    expected = run_classes(pairwise(), images, maps)
    order = [3, 0, 3, 4, 1, 2, 2, 0]
    assert run_classes(pairwise(), images, maps, order, 3) == expected


def test_a_pass_forgets_the_class_maps_of_the_last(photographs):
    evaluator, images = pairwise(), photographs(5, 16, 12)
    run_classes(evaluator, images, class_maps(5, seed=1))
    second = run_classes(evaluator, images, class_maps(5, ceiling=False))
    first = run_classes(pairwise(), images, class_maps(5, ceiling=False))
    assert second == first
    assert second.ceiling is None and list(second.classes) == ["model"]


@pytest.mark.parametrize("segmentation", [False, True])
def test_without_class_maps_nothing_of_them_appears(photographs, segmentation):
    evaluator = pairwise(segmentation=segmentation, segmenter="s.ckpt")
    assert evaluator.segmenter == "s.ckpt" and evaluator.segmentation is segmentation
    images = photographs(5, 16, 12)
    if segmentation:
        result = run_pass(evaluator, "val", images, images)
    else:
        result = run_classes(evaluator, images, class_maps(5))
    assert list(result.values) == ["ssim", "psnr", "mse", "l1", "exact_images"]
    assert result.classes == {} and result.ceiling is None
    assert "pixel_accuracy" not in result.per_image[0] and "segmentation" not in result.protocol


def test_an_image_without_a_label_has_no_accuracy_of_its_own(photographs):
    maps = class_maps(3)
    maps.truth[1] = 255
    result = run_classes(pairwise(), photographs(3, 16, 12), maps)
    accuracies = [row["pixel_accuracy"] for row in result.per_image]
    assert math.isnan(accuracies[1]) and not math.isnan(accuracies[0] + accuracies[2])
    assert result.values["pixel_accuracy"] == pytest.approx(
        np.mean([accuracies[0], accuracies[2]]), abs=0.1
    )


def test_class_maps_that_do_not_fit_are_refused(photographs):
    evaluator, images, maps = (
        pairwise(),
        photographs(2, 16, 12),
        class_maps(2),
    )
    evaluator.start("val")
    index, names = torch.tensor([0, 1]), ["a", "b"]
    smaller = maps._replace(made=maps.made[:, :8])
    with pytest.raises(ValueError, match=r"truth \(2, 16, 12\) and prediction \(2, 8, 12\)"):
        evaluator.update(index, names, images, images, smaller)
    with pytest.raises(ValueError, match="class maps of 2 images are truth"):
        evaluator.update(index, names, images, images, class_maps(3))
    evaluator.start("val")
    evaluator.update(index, names, images, images, maps)
    with pytest.raises(ValueError, match=r"class maps of \('a', 'b', 'c'\) in a pass of \('road'"):
        evaluator.update(index, names, images, images, maps._replace(names=("a", "b", "c")))
