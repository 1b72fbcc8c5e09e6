"""What conf/ computes: channels of a side, and where a sweep has to go."""

import pytest
from omegaconf import OmegaConf

from i2i.config.resolvers import direction, side_channels
from i2i.errors import SettingError

CLASSES = {"colours": {"sky": [1, 2, 3], "road": [4, 5, 6]}}
TASK = {"input_channels": 1, "target_channels": 2}


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        (("AtoB", None, "colours", None, None), (3, 3)),
        (("BtoA", "B", "colours", CLASSES, None), (3, 3)),
        (("BtoA", "B", "onehot", CLASSES, None), (2, 3)),
        (("AtoB", "B", "onehot", CLASSES, None), (3, 2)),
        (("AtoB", "A", "onehot", CLASSES, None), (2, 3)),
        (("AtoB", None, "onehot", CLASSES, None), (3, 3)),
        (("BtoA", "B", "onehot", CLASSES, TASK), (1, 2)),
    ],
)
def test_channels_of_both_sides(coding: tuple, expected: tuple[int, int]) -> None:
    assert (side_channels("input", *coding), side_channels("target", *coding)) == expected


def metrics(*names: str, **options: bool) -> OmegaConf:
    """A configuration whose ``metrics`` are those of quality.py that are named."""
    made = {name: {"_target_": f"i2i.metrics.quality.{name.upper()}"} for name in names}
    return OmegaConf.create(
        {"metrics": {"segmentation": True, "distribution": True, **made, **options}}
    )


@pytest.mark.parametrize(
    ("score", "where"),
    [
        ("val/ssim", "maximize"),
        ("test/psnr", "maximize"),
        ("val/fid", "minimize"),
        ("val/inception_score", "maximize"),
        ("val/mean_iou", "maximize"),
        ("val/l1", "minimize"),
    ],
)
def test_a_sweep_goes_where_the_score_is_better(score: str, where: str) -> None:
    assert direction(score, _root_=metrics("ssim", "psnr", "l1")) == where


@pytest.mark.parametrize(
    ("names", "pairs", "distribution", "where"),
    [
        (("ssim", "l1"), True, True, "maximize"), (("psnr", "l1"), True, True, "minimize"),
        (("l1", "psnr"), True, False, "minimize"), (("psnr",), True, False, "maximize"),
        (("ssim", "l1"), False, True, "minimize"), (("ssim", "l1"), False, False, "minimize"),
        (("ssim",), False, False, "maximize"),
    ],
)  # fmt: skip
def test_without_a_name_the_main_score_decides(
    names: tuple[str, ...], pairs: bool, distribution: bool, where: str
) -> None:
    root = metrics(*names, distribution=distribution, segmentation=False)
    root.dataset = {"has_pairs": pairs}
    assert direction(None, _root_=root) == where


@pytest.mark.parametrize(
    "score", ["val/sim", "val/kid_spread", "ssim", "train/g/l1", "val/", "val/mse"]
)
def test_a_score_of_unknown_direction_is_refused(score: str) -> None:
    with pytest.raises(SettingError, match=f"sweep_metric={score}: found .*; expected .*l1"):
        direction(score, _root_=metrics("ssim", "l1"))


def test_scores_that_are_switched_off_have_no_direction() -> None:
    root = metrics("ssim", segmentation=False, distribution=False)
    for score in ("val/fid", "val/mean_iou"):
        with pytest.raises(SettingError, match="expected one of ssim, which"):
            direction(score, _root_=root)
