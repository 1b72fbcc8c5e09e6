"""A picture encoded part by part is the picture encoded at once."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from i2i.data.tasks.colorization import Colorization
from i2i.data.tasks.edges import Edges
from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.super_resolution import SuperResolution
from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.inference.tiled_files import PictureParts
from i2i.labels.palette import ClassPalette

COLOURS = {"sky": [10, 20, 30], "wall": [200, 0, 0], "road": [0, 0, 250]}
PALETTE = ClassPalette(COLOURS, [1, 1, 1])
CHANNELS = {"input_channels": 3, "target_channels": 3}
TASKS = {
    "plain": Task(),
    "colours": LabelTask(PALETTE, "input"),
    "onehot": LabelTask(PALETTE, "input", "onehot"),
    "photo to onehot": LabelTask(PALETTE, "target", "onehot"),
    "colorization": Colorization(input_channels=1, target_channels=2),
    "centre": Inpainting(mask="centre", input_channels=4, target_channels=3),
    "strokes": Inpainting(mask="strokes", input_channels=4, target_channels=3),
    "edges": Edges(input_channels=1, target_channels=3),
    "x2": SuperResolution(factor=2, **CHANNELS),
    "x3": SuperResolution(factor=3, **CHANNELS),
}

# Vectors and single numbers are raised to a power with other last bits; OpenCV's bicubic weights
# are of float32 coordinates.
TOLERANCES = {"colorization": 1e-6, "x2": 1e-4, "x3": 1e-4}


def label(height: int = 600, width: int = 23) -> np.ndarray:
    """In the palette's colours; higher than what is checked at once."""
    return PALETTE.table[np.random.default_rng(0).integers(0, 4, (height, width))]


def joined(parts: PictureParts, rows: list[int], columns: list[int]) -> torch.Tensor:
    stripes = [
        torch.cat([parts.part(a, c, b - a, d - c) for c, d in pairwise(columns)], -1)
        for a, b in pairwise(rows)
    ]
    return torch.cat(stripes, -2)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("name", TASKS)
def test_parts_are_those_of_the_whole(name: str, dtype: type) -> None:
    image = label().astype(dtype)
    if "onehot" not in name and dtype is np.float32:
        image += 0.3
    whole = TASKS[name].encode_input(image, seed=7)[None]
    parts = PictureParts(TASKS[name], image, seed=7)
    height, width = whole.shape[-2:]
    assert parts.size == (height, width)
    found = joined(parts, [0, 1, 2, 97, 300, height], [0, 10, 11, width])
    assert torch.allclose(found, whole, rtol=0, atol=TOLERANCES.get(name, 0.0))


@pytest.mark.parametrize("name", TASKS)
def test_beyond_the_picture_the_last_pixels_are_repeated(name: str) -> None:
    image = label(20, 23)
    whole = TASKS[name].encode_input(image, seed=7)[None]
    height, width = whole.shape[-2:]
    found = PictureParts(TASKS[name], image, seed=7).part(4, 5, height, width)
    expected = np.pad(whole[:, :, 4:, 5:], [(0, 0), (0, 0), (0, 4), (0, 5)], mode="edge")
    assert torch.allclose(found, torch.from_numpy(expected), rtol=0, atol=1e-4)


def test_a_users_mask_is_cut_too() -> None:
    image, task = label(40, 30), TASKS["strokes"]
    mask = np.random.default_rng(1).random((40, 30)) > 0.5
    whole = task.encode_input(image, 0, mask)[None]
    assert torch.equal(joined(PictureParts(task, image, 0, mask), [0, 13, 40], [0, 7, 30]), whole)
    with pytest.raises(ValueError, match="mask has shape"):
        PictureParts(task, image, 0, mask[:-1])


def test_labels_are_judged_as_a_whole() -> None:
    """A share of strays that the file may have, all of them in one place, is no error of a part."""
    image = label()
    image[:60] = (90, 90, 90)  # a tenth
    lenient, strict = (ClassPalette(COLOURS, [1, 1, 1], stray_share=s) for s in (0.11, 0.09))
    task = LabelTask(lenient, "input", "onehot")
    whole = task.encode_input(image, seed=0)[None]
    assert torch.equal(joined(PictureParts(task, image, 0), [0, 50, 600], [0, 23]), whole)
    errors = []
    task = LabelTask(strict, "input", "onehot")
    for use in (lambda: task.encode_input(image, 0), lambda: PictureParts(task, image, 0)):
        with pytest.raises(SettingError, match=r"1,380 pixels, 10 % .*\[90, 90, 90\]") as caught:
            use()
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
