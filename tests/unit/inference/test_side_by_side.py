"""Pairs in one picture, given to a model that wants the input alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i.errors import SettingError
from i2i.inference.side_by_side import input_side, looks_like_a_pair, part_to_translate

PAIRS: dict[str, Any] = {"b_folder": None, "image_size": [64, 32], "direction": "AtoB"}
PAIR = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)  # two halves of 6 x 3


@pytest.mark.parametrize(
    ("changes", "side"),
    [
        ({}, "A"), ({"direction": "BtoA"}, "B"),
        ({"task": {"_target_": "x"}, "direction": "BtoA"}, "A"),
        ({"task": {"_target_": "x"}, "label_side": "A"}, "B"),
        ({"task": {"_target_": "x"}, "photo_side": "B"}, "B"),
    ],
)  # fmt: skip
def test_the_half_is_that_of_training(changes: dict[str, Any], side: str) -> None:
    dataset = PAIRS | changes
    assert input_side(dataset) == side
    half = part_to_translate(PAIR, Path("a.png"), dataset, True)
    assert np.array_equal(half, PAIR[:, :3] if side == "A" else PAIR[:, 3:])
    with pytest.raises(SettingError, match=f"takes the {'left' if side == 'A' else 'right'} half"):
        part_to_translate(PAIR, Path("a.png"), dataset, None)
    assert part_to_translate(PAIR, Path("a.png"), dataset, False) is PAIR


@pytest.mark.parametrize(
    ("dataset", "shape", "pair"),
    [
        ({}, (10, 10), True), ({}, (10, 5), False), ({}, (10, 11), False),
        ({"image_size": 256}, (600, 1200), True), ({"image_size": 256}, (256, 256), False),
        ({"b_folder": "{split}/b"}, (10, 10), False), ({"single": True}, (10, 10), False),
    ],
)  # fmt: skip
def test_a_pair_is_known_by_its_shape(
    dataset: dict[str, Any], shape: tuple[int, int], pair: bool
) -> None:
    assert looks_like_a_pair(np.zeros((*shape, 1)), PAIRS | dataset) == pair


def test_an_odd_width_cannot_be_halved() -> None:
    with pytest.raises(SettingError, match=r"a\.png.*odd width 5"):
        part_to_translate(PAIR[:, :5], Path("a.png"), PAIRS, True)
