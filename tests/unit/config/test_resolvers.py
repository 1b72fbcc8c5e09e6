"""How many channels a side has."""

import pytest

from i2i.config.resolvers import side_channels

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
