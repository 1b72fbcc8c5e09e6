"""Bytes to a network's input and back by tensors alone, as the task does it with arrays."""

import numpy as np
import pytest
import torch

from conftest import LABEL_COLOURS
from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.labels.palette import ClassPalette
from i2i.sharing.pixels import FromPixels, ToPixels, require_pixels

LEVELS = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
PALETTE = ClassPalette(colours=LABEL_COLOURS, unlabelled=(0, 0, 0))
COLOURS = np.array([*LABEL_COLOURS.values()], np.uint8)


def test_every_level_comes_back() -> None:
    x = FromPixels(Task())(torch.from_numpy(LEVELS))
    assert x.shape == (1, 3, 16, 16) and (x.min(), x.max()) == (-1, 1)
    assert np.array_equal(x[0], Task().encode_input(LEVELS[0], 0)[:3])
    assert np.array_equal(ToPixels(Task())(x), LEVELS)
    assert ToPixels(Task())(torch.full((1, 3, 1, 1), 9.0)).eq(255).all()  # clamped


def test_label_maps_have_one_channel_a_class_and_take_the_nearest() -> None:
    ids = np.random.default_rng(0).integers(0, len(COLOURS), (1, 8, 8))
    clean = COLOURS[ids]
    task = LabelTask(PALETTE, "input", "onehot")
    near = torch.from_numpy(clean + np.uint8(3))
    x = FromPixels(task)(near)
    assert np.array_equal(x[0], task.encode_input(clean[0], 0))
    back = LabelTask(PALETTE, "target", "onehot")
    scores = torch.nn.functional.one_hot(torch.from_numpy(ids), PALETTE.n_classes)
    assert np.array_equal(ToPixels(back)(scores.permute(0, 3, 1, 2).float()), clean)


def test_what_tensors_do_not_make_is_refused() -> None:
    require_pixels(Task())
    with pytest.raises(SettingError, match="pixels=true: found task Inpainting; expected pairs"):
        require_pixels(Inpainting(mask="boxes", input_channels=4, target_channels=3))
