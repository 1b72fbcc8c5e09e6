"""What is transparent shows the background, and never the colours hidden below it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from i2i.errors import SettingError
from i2i.images.examine import examine_image
from i2i.images.reading import Reading
from i2i.images.stored import read_stored
from i2i.images.transparency import background_of

pytestmark = pytest.mark.numeric
RNG = np.random.default_rng(0)
RGBA = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
RGBA[:4, :, 3], RGBA[4:8, :, 3] = 0, 255  # hidden, and wholly seen
LA = np.ascontiguousarray(RGBA[:, :, 2:])
COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}


def over(image: np.ndarray, colour: tuple[int, int, int], most: int = 255) -> np.ndarray:
    """The definition, in floats: colour * alpha + background * (1 - alpha)."""
    alpha = image[:, :, -1:] / most
    behind = np.array(colour) * (most / 255)
    return image[:, :, :-1] * alpha + behind * (1 - alpha)


@pytest.mark.parametrize("background", ["white", "black", "grey", (200, 10, 90)])
@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_colours_with_alpha(tmp_path: Path, name: str, background) -> None:
    options = {"lossless": True, "exact": True} if name == "a.webp" else {}
    Image.fromarray(RGBA).save(tmp_path / name, **options)
    found = read_stored(tmp_path / name, background=background)
    colour = COLOURS.get(background, background)
    assert found.shape == (20, 30, 3) and found.dtype == np.uint8
    assert np.abs(found - over(RGBA, colour)).max() <= 0.5001
    assert (found[:4] == colour).all() and np.array_equal(found[4:8], RGBA[4:8, :, :3])
    behind = Image.new("RGBA", (30, 20), (*colour, 255))
    by_pillow = np.array(Image.alpha_composite(behind, Image.fromarray(RGBA)))[:, :, :3]
    assert np.abs(found.astype(int) - by_pillow).max() <= 1
    assert examine_image(tmp_path / name).alpha


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_grey_with_alpha(tmp_path: Path, name: str) -> None:
    Image.fromarray(LA, mode="LA").save(tmp_path / name)
    white = read_stored(tmp_path / name)
    assert white.shape == (20, 30, 1)
    assert np.abs(white - over(LA, (255,))).max() <= 0.5001
    red = read_stored(tmp_path / name, background=(255, 0, 0))
    assert red.shape == (20, 30, 3) and (red[:4] == (255, 0, 0)).all()


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_a_palette_with_a_transparent_colour(tmp_path: Path, name: str) -> None:
    numbers = RNG.integers(0, 3, (6, 8), dtype=np.uint8)
    picture = Image.fromarray(numbers, mode="P")
    colours = np.array([(10, 20, 30), (200, 100, 50), (0, 255, 0)], np.uint8)
    picture.putpalette(colours.ravel().tolist())
    picture.save(tmp_path / name, transparency=1)
    expected = colours[numbers]
    expected[numbers == 1] = 255
    assert np.array_equal(read_stored(tmp_path / name), expected)


def test_a_palette_of_half_transparent_colours(tmp_path: Path) -> None:
    numbers = RNG.integers(0, 3, (6, 8), dtype=np.uint8)
    picture = Image.fromarray(numbers, mode="P")
    picture.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0])
    picture.save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    by_pillow = np.array(Image.open(tmp_path / "a.png").convert("RGBA"))
    assert np.abs(read_stored(tmp_path / "a.png") - over(by_pillow, (255,) * 3)).max() <= 0.5001


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_one_transparent_value_of_a_png(tmp_path: Path, mode: str) -> None:
    image = np.ascontiguousarray(RGBA[:, :, 0] if mode == "L" else RGBA[:, :, :3])
    clear = image[10, 10].tolist()
    key = clear if mode == "L" else tuple(clear)
    Image.fromarray(image).save(tmp_path / "a.png", transparency=key)
    found = read_stored(tmp_path / "a.png", background="black").reshape(image.shape)
    hit = (image == clear) if mode == "L" else (image == clear).all(2)
    assert (found[hit] == 0).all() and np.array_equal(found[~hit], image[~hit]) and hit.any()


def test_16_bits_with_alpha(tmp_path: Path) -> None:
    image = RNG.integers(0, 65536, (20, 30, 4), dtype=np.uint16)
    image[:4, :, 3] = 0
    cv2.imwrite(str(tmp_path / "a.png"), image[:, :, [2, 1, 0, 3]])
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", extrasamples=["unassalpha"])
    for name in ("a.png", "a.tif"):
        found = read_stored(tmp_path / name, background="grey")
        assert found.dtype == np.uint16
        assert np.abs(found - over(image, (128,) * 3, 65535)).max() <= 0.5001
        assert (found[:4] == 128 * 257).all()


def test_colours_that_were_multiplied_by_alpha(tmp_path: Path) -> None:
    alpha = RGBA[:, :, 3:].astype(int)
    multiplied = np.dstack([np.rint(RGBA[:, :, :3] * (alpha / 255)), alpha]).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", multiplied, photometric="rgb", extrasamples=["assocalpha"])
    found = read_stored(tmp_path / "a.tif")
    assert np.abs(found - over(RGBA, (255,) * 3)).max() <= 1
    kept = read_stored(tmp_path / "a.tif", background="keep")
    seen = RGBA[:, :, 3] > 100
    assert np.abs(kept[seen].astype(int) - RGBA[seen]).max() <= 2
    assert (kept[:4, :, :3] == 0).all()


def test_other_channels_are_no_alpha(tmp_path: Path) -> None:
    """Near infrared beside red, green and blue, as satellites see it."""
    tifffile.imwrite(tmp_path / "a.tif", RGBA, photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(read_stored(tmp_path / "a.tif"), RGBA)


def test_alpha_is_kept_as_a_channel(tmp_path: Path) -> None:
    Image.fromarray(RGBA).save(tmp_path / "a.png")
    Image.fromarray(LA, mode="LA").save(tmp_path / "la.png")
    Image.fromarray(RGBA[:, :, :3]).save(tmp_path / "b.png")
    Image.fromarray(RGBA[:, :, 0]).save(tmp_path / "l.png")
    keeps = Reading(4, background="keep")
    assert np.array_equal(keeps.read(tmp_path / "a.png"), RGBA)
    opaque = keeps.read(tmp_path / "b.png")
    assert np.array_equal(opaque[:, :, :3], RGBA[:, :, :3]) and (opaque[:, :, 3] == 255).all()
    assert np.array_equal(keeps.read(tmp_path / "la.png"), LA[:, :, [0, 0, 0, 1]])
    assert np.array_equal(keeps.read(tmp_path / "l.png")[:, :, :3], RGBA[:, :, [0, 0, 0]])
    grey = Reading(2, background="keep")
    assert np.array_equal(grey.read(tmp_path / "la.png"), LA)
    white = Reading(3, background="keep").read(tmp_path / "a.png")
    assert np.array_equal(white, read_stored(tmp_path / "a.png"))


def test_it_is_said_once(tmp_path: Path, monkeypatch, capsys) -> None:
    Image.fromarray(RGBA).save(tmp_path / "a.png")
    for _ in range(3):
        read_stored(tmp_path / "a.png", background=(1, 2, 3))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert "a.png' has transparency" in said[0] and "[1, 2, 3] (dataset.background)" in said[0]


@pytest.mark.parametrize("value", ["white", "black", "grey", "keep", [1, 2, 255]])
def test_backgrounds(value: object) -> None:
    assert background_of(value) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("value", ["green", [1, 2], [0, 0, 256], [0.5, 0, 0], None, 7, "abc"])
def test_what_is_no_background(value: object) -> None:
    with pytest.raises(SettingError, match=r"dataset\.background=.*white, black, grey, keep, or "):
        background_of(value)
