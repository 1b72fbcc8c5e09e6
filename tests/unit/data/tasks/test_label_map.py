"""A label map reaches the network as colours or as one channel a class, and comes back."""

import numpy as np
import pytest
import torch

from i2i.data.tasks.label_map import LabelTask
from i2i.errors import SettingError
from i2i.labels.palette import UNLABELLED, ClassPalette

PALETTE = ClassPalette({"sky": [10, 20, 30], "wall": [200, 0, 0], "road": [0, 0, 250]}, [1, 1, 1])
IDS = np.array([[0, 1, 2], [UNLABELLED, 2, 0]], np.uint8)
PHOTO = np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8)
INPUT = torch.stack([torch.from_numpy(1.0 * (c == IDS)) for c in range(3)]).float()  # 0 and 1
TARGET = 2 * INPUT - 1  # what a tanh can reach


def as_levels(picture: torch.Tensor) -> np.ndarray:
    return ((picture[0] + 1) * 127.5).round().permute(1, 2, 0).byte().numpy()


@pytest.mark.parametrize("role", ["input", "target"])
def test_one_hot_side_and_photograph(role: str) -> None:
    task = LabelTask(PALETTE, role, "onehot")
    sides = (IDS[:, :, None], PHOTO) if role == "input" else (PHOTO, IDS[:, :, None])
    encoded = task.encode(*sides, seed=0)
    label, photo = encoded if role == "input" else encoded[::-1]
    assert torch.equal(label, INPUT if role == "input" else TARGET)
    assert np.array_equal(as_levels(photo[None]), PHOTO)

    x, y = encoded.x[None], encoded.y[None]
    shown = task.input_picture(x) if role == "input" else task.output_picture(x, y)
    assert np.array_equal(as_levels(shown), PALETTE.encode_colours(IDS))
    other = task.output_picture(x, y) if role == "input" else task.input_picture(x)
    assert np.array_equal(as_levels(other), PHOTO)


@pytest.mark.parametrize("role", ["input", "target"])
def test_colours_are_handed_through(role: str) -> None:
    task = LabelTask(PALETTE, role, "colours")
    colours = PALETTE.encode_colours(IDS)
    sides = (colours, PHOTO) if role == "input" else (PHOTO, colours)
    x, y = task.encode(*sides, seed=0)
    assert np.array_equal(as_levels(x[None]), sides[0])
    assert np.array_equal(as_levels(y[None]), sides[1])
    assert task.input_picture(x) is x and task.output_picture(x, y) is y


def test_somebodys_label_picture_becomes_one_hot_or_is_refused() -> None:
    task = LabelTask(PALETTE, "input", "onehot")
    colours = PALETTE.encode_colours(IDS)
    assert torch.equal(task.encode_input(colours, seed=0), INPUT)
    ids, _ = task.prepare(colours, seed=0)
    part = task.encode_part(ids, 0, None, slice(0, 1), slice(1, 3))
    assert torch.equal(part, INPUT[:, :1, 1:])
    colours[0, 0] += 1
    with pytest.raises(SettingError, match=r"1 pixels.*\[11, 21, 31\] \(1 times\)"):
        task.encode_input(colours, seed=0)
    photo = LabelTask(PALETTE, "target", "onehot").encode_input(PHOTO, seed=0)
    assert np.array_equal(as_levels(photo[None]), PHOTO)


def test_an_answer_is_shown_by_its_largest_channel() -> None:
    task = LabelTask(PALETTE, "target", "onehot")
    y = torch.tensor([-0.2, -0.7, -0.1])[None, :, None, None].requires_grad_()
    shown = task.output_picture(torch.zeros(1, 3, 1, 1), y)
    assert as_levels(shown)[0, 0].tolist() == [0, 0, 250] and not shown.requires_grad


def test_wrong_uses_are_refused() -> None:
    with pytest.raises(ValueError, match="role=left"):
        LabelTask(PALETTE, "left", "onehot")
    with pytest.raises(ValueError, match="label_as=ids"):
        LabelTask(PALETTE, "input", "ids")
    with pytest.raises(ValueError, match=r"expected uint8 \(H, W, 1\)"):
        LabelTask(PALETTE, "input", "onehot").encode(PALETTE.encode_colours(IDS), PHOTO, seed=0)
