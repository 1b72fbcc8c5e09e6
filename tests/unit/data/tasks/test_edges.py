"""Edges are black lines on white where the photograph has outlines."""

import numpy as np
import pytest
import torch
from skimage.feature import canny

from i2i.data.tasks.edges import Edges
from i2i.errors import SettingError


def edges(**changes) -> Edges:
    return Edges(**({"input_channels": 1, "target_channels": 3} | changes))


def square(level: int = 200, side: int = 32) -> np.ndarray:
    image = np.zeros((side, side, 3), np.uint8)
    image[8:24, 8:24] = level
    return image


def test_outline_of_a_square() -> None:
    image = square()
    x, y = edges().encode(image, 0)
    assert x.shape == (1, 32, 32) and y.shape == (3, 32, 32)
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    black = (x[0] < 0).numpy()
    assert 50 <= black.sum() <= 72  # one pixel wide: the outline has 4 * 15 = 60
    assert not black[11:21, 11:21].any() and not black[:6].any()
    assert black[:, 12].sum() == black[12].sum() == 2
    assert np.allclose(y.numpy(), image.transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)


def test_edges_are_where_scikit_image_has_them() -> None:
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 2, (8, 8, 1)) * 180, np.ones((8, 8, 3))).astype(np.uint8)
    ours = (edges(low=50, high=100, blur=1.0).encode(image, 0).x[0] < 0).numpy()
    theirs = canny(image[:, :, 0].astype(float), sigma=1.0, low_threshold=12, high_threshold=25)
    assert theirs[4:-4, 4:-4].sum() > 100

    def beside(mask: np.ndarray) -> np.ndarray:
        """Grown by a pixel: the two put an edge between two pixels on either of them."""
        shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        return np.any([np.roll(mask, shift, (0, 1)) for shift in shifts], axis=0)

    inner = np.s_[4:-4, 4:-4]
    assert (beside(theirs) | ~ours)[inner].mean() > 0.99
    assert (beside(ours) | ~theirs)[inner].mean() > 0.99


@pytest.mark.parametrize(("level", "seen"), [(20, False), (30, True)])
def test_a_step_of_d_levels_has_a_gradient_of_4_d(level: int, seen: bool) -> None:
    x = edges(low=100, high=100, blur=0).encode(square(level), 0).x
    assert bool((x < 0).any()) == seen


def test_blur_takes_texture_away() -> None:
    noise = np.random.default_rng(0).integers(60, 196, (48, 48, 3), dtype=np.uint8)
    shares = [(edges(blur=blur).encode(noise, 0).x < 0).float().mean() for blur in (0, 1, 3)]
    assert shares[0] > shares[1] > shares[2] == 0


def test_grey_is_luminance() -> None:
    """Red and green of one luminance (ITU-R BT.601) have no edge between them."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :16, 0], image[:, 16:, 1] = 200, round(200 * 0.299 / 0.587)
    assert (edges().encode(image, 0).x == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_give_what_8_bits_give(dtype: type) -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    for a, b in zip(edges().encode(image, 0), edges().encode(image.astype(dtype), 0), strict=True):
        assert torch.equal(a, b)
    drawing = edges().encode_input(image.astype(dtype), 0)
    assert (drawing - edges().encode_input(image, 0)).abs().max() <= 0.51 / 127.5


def test_users_drawing_is_taken_as_it_is() -> None:
    drawing = np.full((20, 30, 1), 255, np.uint8)
    drawing[5, 3:9], drawing[7, 7] = 0, 100
    x = edges().encode_input(drawing, 0)
    assert np.allclose(x.numpy(), drawing.transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)
    assert torch.equal(x, edges().encode_input(np.repeat(drawing, 3, 2), 0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"low": 200, "high": 100}, r"task\.low=200 task\.high=100.*0 <= low <= high"),
        ({"low": -1}, r"task\.low=-1.*0 <= low <= high"),
        ({"blur": -0.5}, r"task\.blur=-0\.5.*0 or more"),
        ({"blur": float("nan")}, r"task\.blur=nan.*0 or more"),
        ({"input_channels": 3}, r"task\.input_channels=3.*expected 1,"),
    ],
)
def test_refused_settings(changes: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        edges(**changes)
