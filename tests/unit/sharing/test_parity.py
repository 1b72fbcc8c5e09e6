"""How far an exported network is from its model, and when that is too far."""

import pytest
import torch

from i2i.errors import SettingError
from i2i.sharing.parity import Parity


def test_the_largest_difference_of_all_pictures_counts() -> None:
    found = Parity()
    zeros = torch.zeros(2, 4, 4, 3, dtype=torch.uint8)
    found.add(zeros, zeros, "4 x 4")
    found.require("onnx")
    made = zeros.clone()
    made[1, 0, 0, 0] = 1
    found.add(made, zeros, "4 x 4")
    found.require("onnx")
    found.add(zeros, made * 200, "8 x 8")
    assert (found.levels, found.pictures, found.sizes) == (200, 6, ("4 x 4", "8 x 8"))
    with pytest.raises(
        SettingError, match=r"format=onnx: found pictures that differ .* 200 levels"
    ):
        found.require("onnx")


def test_another_shape_is_no_picture_of_the_model() -> None:
    one, two = torch.zeros(1, 4, 4, 3), torch.zeros(1, 4, 8, 3)
    with pytest.raises(SettingError, match=r"found an output of shape \(1, 4, 4, 3\); expected"):
        Parity().add(one, two, "4 x 4")
