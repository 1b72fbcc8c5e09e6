"""Colorization shows L, answers colour, and hands the lightness through."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from conftest import Told
from i2i.data.tasks.colorization import Colorization
from i2i.data.tasks.colour_space import rgb_to_lab
from i2i.errors import SettingError
from i2i.images.quantise import to_uint8

CHANNELS = {"lab": 2, "rgb": 3}
SPACES = pytest.mark.parametrize("space", CHANNELS)


def colorization(space: str = "lab", keep: bool = True) -> Colorization:
    return Colorization(space=space, keep=keep, input_channels=1, target_channels=CHANNELS[space])


def photo(seed: int = 0, size: tuple[int, int] = (24, 40)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def random_answers(space: str) -> torch.Tensor:
    return (
        torch.rand(2, CHANNELS[space], 24, 40, generator=torch.Generator().manual_seed(1)) * 2 - 1
    )


def inputs(task: Colorization) -> torch.Tensor:
    return torch.stack([task.encode(photo(seed), 0).x for seed in (0, 1)])


def rounded_lightness(picture: torch.Tensor) -> torch.Tensor:
    return rgb_to_lab(to_uint8(picture).float() / 127.5 - 1)[:, :1]


@SPACES
def test_x_is_the_lightness_and_y_the_colour(space: str) -> None:
    image = photo()
    x, y = colorization(space).encode(image, 0)
    lab = rgb2lab(image).transpose(2, 0, 1)
    assert x.shape == (1, 24, 40) and x.dtype == y.dtype == torch.float32
    assert np.allclose(x.numpy(), lab[:1] / 50 - 1, atol=1e-4)
    expected = lab[1:] / 110 if space == "lab" else image.transpose(2, 0, 1) / 127.5 - 1
    assert np.allclose(y.numpy(), expected, atol=1e-4)


def test_the_whole_gamut_fits() -> None:
    """The faces of the RGB cube hold the colours of most chroma."""
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(52, -1, 3)
    x, y = colorization().encode(cube, 0)
    assert y.abs().max() < 0.99  # never clipped
    assert y.abs().max() > 0.95  # and no room is given away
    assert x.min() == -1 and x.max() > 0.9999 and x.max() <= 1


@SPACES
@pytest.mark.parametrize("keep", [True, False])
def test_true_answer_is_the_photograph(space: str, keep: bool) -> None:
    task, image = colorization(space, keep), photo()
    image[0, :8] = [[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    x, y = task.encode(image, 0)
    picture = to_uint8(task.output_picture(x[None], y[None]))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(picture, image)


@SPACES
def test_kept_lightness_is_the_inputs_whatever_the_network_says(space: str) -> None:
    task = colorization(space)
    x = inputs(task)
    picture = task.output_picture(x, random_answers(space))
    assert picture.shape == (2, 3, 24, 40) and picture.abs().max() <= 1
    assert (rounded_lightness(picture) - (x + 1) * 50).abs().max() < 0.3
    colours = picture.max(1).values - picture.min(1).values
    assert colours.mean() > 0.1  # it is not kept by leaving the picture grey


def test_without_keep_lab_is_clipped_and_rgb_left_alone() -> None:
    x = inputs(colorization())
    clipped = colorization("lab", keep=False).output_picture(x, random_answers("lab"))
    assert clipped.abs().max() <= 1
    assert (rounded_lightness(clipped) - (x + 1) * 50).abs().max() > 5
    y = random_answers("rgb")
    assert torch.equal(colorization("rgb", keep=False).output_picture(x, y), y)


@SPACES
def test_bfloat16_and_overshooting_answers_are_taken(space: str) -> None:
    task = colorization(space)
    x, y = inputs(task), (random_answers(space) * 1e4).bfloat16()
    picture = task.output_picture(x, y)
    assert picture.dtype == torch.float32 and torch.isfinite(picture).all()
    assert (rounded_lightness(picture) - (x + 1) * 50).abs().max() < 0.3


@SPACES
def test_nan_is_not_hidden(space: str) -> None:
    task, y = colorization(space), random_answers(space)
    y[0, 0, 3, 4] = torch.nan
    picture = task.output_picture(inputs(task), y)
    assert picture[0, :, 3, 4].isnan().any() and not picture[1].isnan().any()


def test_grey_input_of_one_or_three_channels() -> None:
    task = colorization()
    grey = photo()[:, :, :1]
    x = task.encode_input(grey, 0)
    assert x.shape == (1, 24, 40)
    assert torch.equal(x, task.encode_input(np.repeat(grey, 3, 2), 0))
    shown = to_uint8(task.input_picture(x[None]))
    assert np.array_equal(shown[0, 0].numpy(), grey[:, :, 0])
    assert torch.equal(task.encode_input(photo(), 0), task.encode(photo(), 0).x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_give_what_8_bits_give(dtype: type) -> None:
    task, image = colorization(), photo()
    for whole, floating in zip(
        task.encode(image, 0), task.encode(image.astype(dtype), 0), strict=True
    ):
        assert torch.equal(whole, floating)
    half = task.encode_input(np.full((2, 2, 3), 100.5, dtype), 0)
    below, above = (task.encode_input(np.full((2, 2, 3), v, np.uint8), 0) for v in (100, 101))
    assert (below < half).all() and (half < above).all()


def grey_photo(seed: int) -> np.ndarray:
    grey = np.repeat(photo(seed)[:, :, :1], 3, 2)
    return grey + np.array([0, 0, 2], np.uint8) * (grey < 250)  # as JPEG leaves it


@pytest.mark.parametrize("n_grey", [3, 4])
def test_mostly_grey_photographs_are_refused_by_name(n_grey: int) -> None:
    photos = [grey_photo(i) if i < n_grey else photo(i) for i in range(4)]
    names = ["old1", "old2", "old3", "new"]
    with pytest.raises(SettingError, match=rf"{n_grey} of 4 .*old1, old2, old3.*in colour.*Name"):
        colorization().check(photos, names)


def test_a_few_grey_photographs_are_a_warning(told: Told) -> None:
    photos = [grey_photo(0), grey_photo(1), photo(2), photo(3)]
    with told(r"2 of 4 .*\(old1, old2\)"):
        colorization().check(photos, ["old1", "old2", "new1", "new2"])


def test_many_names_are_cut_short() -> None:
    with pytest.raises(SettingError, match=r"\(0, 1, 2, 3, 4, \.\.\.\)"):
        colorization().check([grey_photo(i) for i in range(9)], [str(i) for i in range(9)])


def test_colour_photographs_pass_in_silence(recwarn: pytest.WarningsRecorder) -> None:
    pale = np.repeat(photo()[:, :, :1] // 2, 3, 2)
    pale[:, :3, 0] += 20  # colour in 7 percent of the pixels
    colorization().check([photo(), pale], ["a", "b"])
    assert len(recwarn) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space": "hsv"}, r"task\.space: found 'hsv'.*one of lab, rgb"),
        ({"input_channels": 3}, r"task\.input_channels=3.*expected 1,.*task\.space=lab"),
        ({"target_channels": 3}, r"task\.target_channels=3.*expected 2,.*Leave"),
        ({"space": "rgb"}, r"task\.target_channels=2.*expected 3,.*task\.space=rgb"),
    ],
)
def test_refused_settings(changes: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Colorization(**({"space": "lab", "input_channels": 1, "target_channels": 2} | changes))
