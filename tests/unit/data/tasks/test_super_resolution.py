"""Super-resolution loses the detail, keeps the size, and enlarges users' pictures."""

import cv2
import numpy as np
import pytest
import torch

from i2i.data.tasks.super_resolution import SuperResolution
from i2i.errors import SettingError


def super_resolution(factor: int = 4, **changes) -> SuperResolution:
    return SuperResolution(factor=factor, **({"input_channels": 3, "target_channels": 3} | changes))


def photo(size: tuple[int, int] = (16, 24)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


def rgb(grey: list[list[int]]) -> np.ndarray:
    return np.repeat(np.array(grey, np.uint8)[:, :, None], 3, 2)


def test_checker_becomes_its_mean_by_hand() -> None:
    """Each 2 x 2 block of a 4 x 4 checker of 0 and 200 has the mean 100."""
    checker = rgb([[0, 200, 0, 200], [200, 0, 200, 0]] * 2)
    x, y = super_resolution(2).encode(checker, 0)
    assert torch.allclose(x, torch.full((3, 4, 4), 100 / 127.5 - 1))
    assert np.allclose(y.numpy(), checker.transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)


def test_blocks_by_hand() -> None:
    """Columns 0 0 | 80 120: the small picture is 0, 100; its columns' centres are 0.5 and 2.5.

    Keys' bicubic kernel with a = -3/4 has at offset 1/4 the weights -27/256, 225/256, 67/256,
    -9/256, and the border repeats. Column 1 lies 1/4 right of the first centre, so 100 counts
    67/256 - 9/256; column 3 lies 1/4 right of the second, so all but the first weight count;
    columns 2 and 0 mirror these, and what is below 0 is clipped.
    """
    x, _ = super_resolution(2).encode(rgb([[0, 0, 80, 120]] * 4), 0)
    column = (x[0, 1] + 1) * 127.5
    expected = torch.tensor([0, 58, 256 - 58, 256 + 27]) * 100 / 256
    assert torch.allclose(column, expected, atol=1e-3)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_shrinking_is_the_mean_of_blocks(factor: int) -> None:
    """Of floats, where nothing is rounded; the picture is enlarged by OpenCV's bicubic filter."""
    image = np.random.default_rng(1).uniform(0, 255, (24, 48, 3)).astype(np.float32)
    x, y = super_resolution(factor).encode(image, 0)
    blocks = image.reshape(24 // factor, factor, 48 // factor, factor, 3).mean((1, 3))
    large = cv2.resize(blocks, (48, 24), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    assert np.allclose(x.numpy(), large.transpose(2, 0, 1) / 127.5 - 1, atol=1e-4)
    assert x.shape == y.shape == (3, 24, 48) and x.dtype == y.dtype == torch.float32


def test_user_gets_what_training_saw() -> None:
    """The small 8-bit picture, saved and given to translate, makes the same input."""
    small = cv2.resize(photo(), (6, 4), interpolation=cv2.INTER_AREA)
    x = super_resolution(4).encode_input(small, 0)
    assert x.shape == (3, 16, 24)
    assert torch.equal(x, super_resolution(4).encode(photo(), 0).x)
    grey = super_resolution(3).encode_input(small[:, :, :1], 0)
    assert grey.shape == (3, 12, 18) and torch.equal(grey[0], grey[1])


@pytest.mark.parametrize("size", [(17, 23), (5, 3), (2, 40)])
def test_sides_that_the_factor_does_not_divide(size: tuple[int, int]) -> None:
    x, y = super_resolution(8).encode(photo(size), 0)
    assert x.shape == y.shape == (3, *size)
    assert x.abs().max() <= 1 and x.std() < y.std()


def test_a_remainder_is_rounded() -> None:
    """15 x 20 pixels by 8 are 2 x 2 (of 1.9 and 2.5): as from the small picture of that size."""
    image = photo((15, 20)).astype(np.float32)
    small = cv2.resize(image, (2, 2), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (20, 15), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    x = super_resolution(8).encode(image, 0).x
    assert np.allclose(x.numpy(), large.transpose(2, 0, 1) / 127.5 - 1, atol=1e-4)


def test_overshoot_is_clipped() -> None:
    stripes = np.kron(rgb([[0, 255] * 4] * 4), np.ones((4, 4, 1), np.uint8))
    assert super_resolution(4).encode(stripes, 0).x.abs().max() == 1
    assert super_resolution(4).encode_input(stripes.astype(np.float32), 0).abs().max() == 1


def test_pictures_are_the_tensors() -> None:
    x, y = (torch.rand(1, 3, 4, 4) for _ in range(2))
    assert super_resolution().input_picture(x) is x
    assert super_resolution().output_picture(x, y) is y


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"factor": 1}, r"task\.factor=1.*whole number of 2 or more"),
        ({"factor": 2.5}, r"task\.factor=2\.5.*whole number of 2 or more"),
        ({"factor": True}, r"task\.factor=True.*whole number of 2 or more"),
        ({"target_channels": 1}, r"task\.target_channels=1.*expected 3,"),
    ],
)
def test_refused_settings(changes: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        super_resolution(**changes)
