"""A label map reaches the network as colours or as one channel a class, and comes back."""

import numpy as np
import pytest
import torch

from i2i.data.tasks.edges import Edges
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
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


@pytest.mark.parametrize("role", ["input", "target"])
def test_the_other_way_colours_and_photographs_are_handed_through(role: str) -> None:
    task = LabelTask(PALETTE, role, "colours")
    back = task.reversed()
    assert back.role != role and back.label_as == "colours" and back.plain
    assert back.reversed().role == role and task.role == role
    picture = torch.rand(1, 3, 2, 3)
    assert back.input_picture(picture) is picture
    assert back.output_picture(picture, picture) is picture


@pytest.mark.parametrize("role", ["input", "target"])
def test_the_other_way_shows_one_hot_maps_on_the_other_side(role: str) -> None:
    """Tensors of the same data: of an input unlabelled pixels are all 0, of a target all -1."""
    task = LabelTask(PALETTE, role, "onehot")
    back = task.reversed()
    sides = (IDS[:, :, None], PHOTO) if role == "input" else (PHOTO, IDS[:, :, None])
    x, y = (side[None] for side in task.encode(*sides, seed=0))
    assert back.role != role and not back.plain
    assert np.array_equal(as_levels(back.input_picture(y)), sides_as_pictures(sides)[1])
    assert np.array_equal(as_levels(back.output_picture(y, x)), sides_as_pictures(sides)[0])


def sides_as_pictures(sides: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """Label maps in their colours, the unlabelled one included; photographs as they are."""
    return [PALETTE.encode_colours(s[:, :, 0]) if s.shape[2] == 1 else s for s in sides]


@pytest.mark.parametrize("role", ["input", "target"])
def test_the_other_way_reads_a_label_map_as_training_did(role: str) -> None:
    """What was the target is translated back: its numbers have to be those of the data."""
    back = LabelTask(PALETTE, role, "onehot").reversed()
    if role == "target":  # labels are what the way back takes
        assert torch.equal(back.encode_input(PALETTE.encode_colours(IDS), seed=0), TARGET)
    else:
        photo = back.encode_input(PHOTO, seed=0)
        assert np.array_equal(as_levels(photo[None]), PHOTO)
        again = back.encode(PHOTO, IDS[:, :, None], seed=0)
        assert torch.equal(again.y, INPUT)


def test_the_other_way_tells_made_classes_by_the_largest_channel() -> None:
    """Whatever "not this class" is as a number; a network makes no exact ends."""
    made = 0.6 * TARGET[None] + 0.1 * torch.rand(1, 3, 2, 3)
    for role in ("input", "target"):
        task = LabelTask(PALETTE, role, "onehot")
        one = task.reversed() if role == "input" else task
        shown = as_levels(one.output_picture(made, made))
        known = IDS != UNLABELLED
        assert np.array_equal(shown[known], PALETTE.encode_colours(IDS)[known])


def test_what_is_made_of_photographs_has_no_way_back() -> None:
    with pytest.raises(SettingError, match=r"task \(Edges\): found a task that goes one way"):
        Edges(input_channels=1, target_channels=3).reversed()
    plain = Task()
    assert plain.reversed() is plain
