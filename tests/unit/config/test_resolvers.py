"""What conf/ computes: channels of a side, and where a sweep has to go."""

import pytest

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


@pytest.mark.parametrize(
    ("score", "where"),
    [
        ("val/ssim", "maximize"),
        ("test/psnr", "maximize"),
        ("val/fid", "minimize"),
        ("val/l1", "minimize"),
    ],
)
def test_a_sweep_goes_where_the_score_is_better(score: str, where: str) -> None:
    assert direction(score) == where


@pytest.mark.parametrize("score", ["val/sim", "val/kid_spread", "ssim", "train/g/l1", "val/"])
def test_a_score_of_unknown_direction_is_refused(score: str) -> None:
    with pytest.raises(SettingError, match=f"sweep_metric={score}: found .*; expected .*l1"):
        direction(score)
