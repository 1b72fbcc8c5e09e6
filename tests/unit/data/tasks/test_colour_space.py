"""Lab agrees with scikit-image, goes there and back, and lightness survives any colour."""

import itertools

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor

from i2i.data.tasks.colour_space import grey_of_lightness, lab_to_rgb, rgb_to_lab, with_lightness
from i2i.images.quantise import to_uint8

CORNERS = torch.tensor(list(itertools.product((0.0, 255.0), repeat=3)))
# 18 levels an axis, 0 and 255 among them, and steps at both ends of the transfer curve's line
GRID = torch.cartesian_prod(*[torch.tensor([0.0, 1, 2, 10, 11, 12, *range(15, 256, 20), 255])] * 3)
RANDOM = torch.randint(0, 256, (20_000, 3), generator=torch.Generator().manual_seed(0)).float()
COLOURS = {"corners": CORNERS, "grid": GRID, "random": RANDOM}


def image(rows: Tensor) -> Tensor:
    """(N, C) -> (1, C, 1, N)."""
    return rows.T[None, :, None, :]


def levels(picture: Tensor) -> Tensor:
    return to_uint8(picture).float()


def random_lab(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(ab, L), most of it outside the gamut, black and white among it."""
    generator = torch.Generator().manual_seed(seed)
    ab = (torch.rand(4, 2, 4, n, generator=generator) * 2 - 1) * 110
    lightness = torch.rand(4, 1, 4, n, generator=generator) * 100
    lightness[0, 0, 0], lightness[0, 0, 1] = 0.0, 100.0
    lightness[0, 0, 2] *= 0.03
    return ab, lightness


def far_outside(ab: Tensor, lightness: Tensor) -> Tensor:
    """(B, 1, H, W) bool, by scikit-image: clipping to the gamut moves the colour by over 1 unit."""
    lab = torch.cat([lightness, ab], 1).numpy().astype(np.float64)
    with pytest.warns(UserWarning, match="negative Z"):
        clipped = rgb2lab(lab2rgb(lab, channel_axis=1), channel_axis=1)
    return torch.from_numpy(np.linalg.norm(clipped - lab, axis=1, keepdims=True) > 1)


@pytest.mark.parametrize("name", COLOURS)
def test_lab_is_that_of_scikit_image(name: str) -> None:
    colours = COLOURS[name]
    ours = rgb_to_lab(image(colours / 127.5 - 1))[0, :, 0].T.numpy()
    assert np.abs(ours - rgb2lab(colours.numpy().astype(np.float64) / 255)).max() < 1e-3


def test_known_colours_by_hand() -> None:
    """White, black, and red: X Y Z = 0.412453 0.212671 0.019334 put into the CIE formulas."""
    lab = rgb_to_lab(image(torch.tensor([[1.0, 1, 1], [-1, -1, -1], [1, -1, -1]])))[0, :, 0].T
    y = 0.212671 ** (1 / 3)
    red = (
        116 * y - 16,
        500 * ((0.412453 / 0.95047) ** (1 / 3) - y),
        200 * (y - (0.019334 / 1.08883) ** (1 / 3)),
    )
    expected = torch.tensor([[100.0, 0, 0], [0, 0, 0], red])
    assert torch.allclose(lab, expected, atol=0.02)


@pytest.mark.parametrize("name", COLOURS)
def test_there_and_back_is_the_same_8_bit_colour(name: str) -> None:
    colours = image(COLOURS[name])
    lab = rgb_to_lab(colours / 127.5 - 1)
    assert torch.equal(levels(lab_to_rgb(lab)), colours)
    assert torch.equal(levels(with_lightness(lab[:, 1:], lab[:, :1])), colours)


def test_colours_outside_the_gamut_are_clipped_as_by_scikit_image() -> None:
    ab, lightness = random_lab(300)
    lab = torch.cat([lightness, ab], 1)
    with pytest.warns(UserWarning, match="negative Z"):
        theirs = lab2rgb(lab.numpy().astype(np.float64), channel_axis=1)
    # scikit-image sets a negative Z to 0 first; where it is not negative the two must agree
    usual = (lightness + 16) / 116 - ab[:, 1:] / 200 > 0.138
    ours = (lab_to_rgb(lab) + 1) / 2
    assert usual.float().mean() > 0.5
    assert (torch.from_numpy(theirs) - ours).abs().masked_fill(~usual, 0).max() < 1e-3


def test_lightness_comes_out_as_it_went_in() -> None:
    """Also of 8-bit pictures, where clipping alone would be far off."""
    ab, lightness = random_lab(20_000)
    assert far_outside(ab, lightness).float().mean() > 0.3
    picture = with_lightness(ab, lightness)
    assert picture.shape == (4, 3, 4, 20_000)
    assert picture.min() >= -1 and picture.max() <= 1
    assert (rgb_to_lab(picture)[:, :1] - lightness).abs().max() < 0.02
    rounded = levels(picture) / 127.5 - 1
    assert (rgb_to_lab(rounded)[:, :1] - lightness).abs().max() < 0.3
    clipped = lab_to_rgb(torch.cat([lightness, ab], 1))
    assert (rgb_to_lab(clipped)[:, :1] - lightness).abs().max() > 20


def test_only_chroma_is_reduced_and_only_as_far_as_needed() -> None:
    """The colour lies on the line to grey, and a little more chroma would be outside."""
    ab, lightness = random_lab(2000, seed=1)
    outside = far_outside(ab, lightness)
    lightness = lightness.clamp(5, 95)
    picture = with_lightness(ab, lightness)
    found = rgb_to_lab(picture)[:, 1:]
    chroma, wanted = found.norm(dim=1, keepdim=True), ab.norm(dim=1, keepdim=True)
    across = (found[:, :1] * ab[:, 1:] - found[:, 1:] * ab[:, :1]) / wanted
    assert across.abs().max() < 0.05
    assert ((found * ab).sum(1) > -0.05).all()
    assert (chroma < wanted + 0.05).all()
    reduced = outside & (chroma < wanted - 1)
    assert reduced.float().mean() > 0.3
    at_border = (picture.abs() > 1 - 0.06).any(1, keepdim=True)
    assert at_border[reduced].all()


def test_black_and_white_stay_black_and_white() -> None:
    ab = torch.full((1, 2, 1, 2), 100.0)
    lightness = torch.tensor([[[[-3.0, 105.0]]]])
    assert torch.equal(
        levels(with_lightness(ab, lightness)), torch.tensor([0.0, 255.0]).expand(1, 3, 1, 2)
    )


def test_nan_is_not_hidden() -> None:
    ab = torch.zeros(1, 2, 1, 3)
    ab[0, 0, 0, 1] = torch.nan
    picture = with_lightness(ab, torch.full((1, 1, 1, 3), 50.0))
    assert picture.isnan().any(1).flatten().tolist() == [False, True, False]


def test_grey_of_lightness_is_the_inverse_of_l() -> None:
    grey = torch.arange(256.0).reshape(1, 1, 1, 256)
    lightness = rgb_to_lab((grey / 127.5 - 1).expand(1, 3, 1, 256))[:, :1]
    assert torch.equal(levels(grey_of_lightness(lightness)), grey)


def test_autocast_changes_nothing() -> None:
    rgb = image(RANDOM[:500] / 127.5 - 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(lab_to_rgb(rgb_to_lab(rgb)), with_autocast_off(rgb))


def with_autocast_off(rgb: Tensor) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        return lab_to_rgb(rgb_to_lab(rgb))
