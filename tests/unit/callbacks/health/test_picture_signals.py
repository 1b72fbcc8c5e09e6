"""Numbers of pictures, against NumPy, scikit-image and patterns whose strength is known."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from torch import Tensor

from i2i.callbacks.health.picture_signals import (
    at_ends,
    checkerboard,
    colours,
    lightness,
    lines,
    middle,
    spread_beside,
)


def smooth(seed: int, n: int = 4, channels: int = 3, side: int = 64) -> Tensor:
    """Pictures without any period, in [-1, 1]."""
    noise = np.random.default_rng(seed).normal(size=(n, channels, side, side))
    blurred = gaussian_filter(noise, (0, 0, 3, 3), mode="wrap")
    return torch.tensor(blurred / np.abs(blurred).max() * 0.9, dtype=torch.float32)


def stripes(period: int, amplitude: float, down: bool = False, side: int = 64) -> Tensor:
    """A cosine across or down, of an amplitude in levels of 255."""
    wave = torch.cos(2 * torch.pi * torch.arange(side) / period) * amplitude / 127.5
    return wave[:, None].expand(side, side) if down else wave.expand(side, side)


@pytest.mark.parametrize("down", [False, True], ids=["across", "down"])
@pytest.mark.parametrize(("period", "rms"), [(2, 10.0), (4, 10 / np.sqrt(2))])
def test_stripes_have_their_rms(period: int, rms: float, down: bool) -> None:
    grey = torch.zeros(2, 3, 64, 64)
    assert lines(grey + stripes(period, 10, down)).item() == pytest.approx(rms, rel=1e-3)
    added = checkerboard(smooth(0) + stripes(period, 10, down), smooth(1))
    assert added.item() == pytest.approx(rms, abs=0.3)


@pytest.mark.parametrize("period", [3, 5, 8, 16])
def test_other_periods_are_no_checkerboard(period: int) -> None:
    assert lines(smooth(0) + stripes(period, 20)).item() < 1


def test_pictures_without_a_pattern_have_no_lines() -> None:
    assert lines(smooth(0)).item() < 0.5
    assert abs(checkerboard(smooth(0), smooth(1)).item()) < 0.5
    assert lines(smooth(0, side=66)[..., :35]).item() < 0.7  # of no multiple of 4


def test_a_pattern_of_the_real_pictures_is_theirs() -> None:
    both = stripes(2, 10)
    assert abs(checkerboard(smooth(0) + both, smooth(1) + both).item()) < 0.3


def test_the_share_at_the_ends_is_that_beyond_what_real_pictures_have() -> None:
    real = smooth(0)
    real[:, :, :16] = 1.0  # a quarter is white
    made = real.clone()
    assert at_ends(made, real).item() == 0
    made[:, :, 16:40] = -1.0  # half of the rest is black
    assert at_ends(made, real).item() == pytest.approx(24 / 48)
    assert at_ends(torch.full_like(real, -1.0), real).item() == pytest.approx(1)
    assert at_ends(smooth(1), real).item() == pytest.approx(-1 / 3)
    one_hot = torch.where(smooth(2) > 0, 1.0, -1.0)
    assert at_ends(one_hot, one_hot).item() == 0


def test_the_spread_is_that_of_numpy_in_parts_of_the_smallest_other_one() -> None:
    made, real, inputs = smooth(0), smooth(1), smooth(2, channels=1) / 2

    def by_hand(pictures: Tensor) -> float:
        return np.std(pictures.numpy(), axis=0).mean()

    found = spread_beside(made, [real, inputs])
    assert found.item() == pytest.approx(by_hand(made) / by_hand(inputs), rel=1e-5)
    assert spread_beside(made[:1].expand(4, -1, -1, -1), [real]).item() == pytest.approx(
        0, abs=1e-6
    )
    assert spread_beside(made, [torch.zeros_like(real), real]).item() > 0.5
    assert spread_beside(made, [torch.zeros_like(real)]).item() == 1


def lab(pictures: Tensor) -> np.ndarray:
    return rgb2lab((pictures.numpy().transpose(0, 2, 3, 1) + 1) / 2)


def test_mean_colours_are_those_of_scikit_image() -> None:
    made, real = smooth(0), smooth(1) * 0.5 + 0.3
    apart = lab(made).mean((0, 1, 2)) - lab(real).mean((0, 1, 2))
    assert colours(made, real).item() == pytest.approx(np.linalg.norm(apart), rel=1e-3)
    assert colours(made, made).item() == 0
    grey = smooth(2, channels=1)
    assert colours(grey, grey.expand(-1, 3, -1, -1)).item() == pytest.approx(0, abs=1e-4)


def test_lightness_correlates_as_in_numpy_and_a_negative_goes_against_it() -> None:
    real = smooth(0, n=5)
    made = real * 0.5 + smooth(1, n=5) * 0.5
    pairs = zip(lab(made)[..., 0], lab(real)[..., 0], strict=True)
    each = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]
    assert lightness(made, real).item() == pytest.approx(np.median(each), abs=1e-3)
    assert lightness(-real, real).item() < -0.9
    assert lightness(torch.zeros_like(real), real).item() == 0


def test_of_large_pictures_the_middle_is_looked_at() -> None:
    rows, columns = torch.arange(300.0)[:, None], torch.arange(200.0)
    found = middle((1000 * rows + columns).expand(1, 1, 300, 200))
    assert found.shape == (1, 1, 256, 200)
    assert found[0, 0, 0, 0] == 22_000 and found[0, 0, -1, -1] == 277_199
