"""What Python code hands over as a picture: read as its file is, or refused in words."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.errors import SettingError
from i2i.sharing.model import Model

PHOTO = np.random.default_rng(0).integers(0, 256, (20, 32, 3), dtype=np.uint8)
FLOATS = np.full((8, 8, 3), 7, np.float32)


def data_of(picture: np.ndarray, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, form, **options)
    return file.getvalue()


PNG = data_of(PHOTO, "png")


class BytesPath:
    """What os.fspath makes bytes of."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> bytes:
        return bytes(self.path)


def one(model: Model, picture: Any) -> np.ndarray:
    return np.asarray(model.translate(picture, name="a"))


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_tiff_that_was_turned_is_read_as_its_file(
    orientation: int, compression: str | None, model: Model, tmp_path: Path
) -> None:
    file = tmp_path / "a.tif"
    Image.fromarray(PHOTO).save(file, tiffinfo={274: orientation}, compression=compression)
    expected = one(model, file)
    assert expected.shape == ((20, 32, 3) if orientation < 5 else (32, 20, 3))
    decoded = Image.open(file)
    decoded.load()
    for opened in (Image.open(file), decoded, Image.open(file).copy()):
        assert np.array_equal(one(model, opened), expected)


def test_colours_that_are_not_read_are_named_in_both_ways(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    Image.new("LAB", (8, 8)).save(file)
    with pytest.raises(SettingError, match=r"a\.tif': found .*CIELAB, which are not read"):
        model.translate(file)
    with pytest.raises(SettingError, match="found an image of Pillow's of mode LAB; expected grey"):
        model.translate(Image.open(file))


def test_sixteen_bits_of_which_pillow_keeps_eight_are_refused(model: Model, tmp_path: Path) -> None:
    import cv2

    file = tmp_path / "a.png"
    assert cv2.imwrite(str(file), PHOTO.astype(np.uint16) * 255)
    assert one(model, file).shape == PHOTO.shape
    with pytest.raises(SettingError, match="16 bits a channel, of which Pillow keeps 8"):
        model.translate(Image.open(file))


@pytest.mark.parametrize("form", ["png", "jpeg", "tiff", "gif", "bmp"])
def test_half_a_file_is_an_error_of_ours(form: str, model: Model, tmp_path: Path) -> None:
    whole = data_of(PHOTO, form)
    half = whole[: len(whole) * 3 // 4]
    with pytest.raises(SettingError, match="found an image of Pillow's that cannot be") as error:
        model.translate(Image.open(io.BytesIO(half)))
    assert isinstance(error.value.__cause__, OSError)
    file = tmp_path / "a.img"
    file.write_bytes(half)
    with pytest.raises(SettingError, match=r"image '.*a\.img': found .*Give another file\.$"):
        model.translate(file)


def test_the_pixel_limit_comes_before_the_pixels(model: Model) -> None:
    lazy = Image.open(io.BytesIO(PNG))
    with pytest.raises(SettingError, match="found 20 x 32 pixels; expected 600 or fewer"):
        Model(model._translations, "cpu", 0.0006).translate(lazy)
    assert lazy._im is None  # Pillow holds none


def test_paths_of_any_kind_are_read(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(PNG)
    for path in (str(file), file, BytesPath(file)):
        assert np.array_equal(one(model, path), one(model, PHOTO)), type(path)


NO_PICTURES: list[tuple[Any, str]] = [
    (3, "picture: found a value of type int; expected a path, a PIL image"),
    (None, "found a value of type NoneType"),
    (np.int64(3), r"found an array of int64 \(\)"),
    (PNG, r"found a value of type bytes.*PIL\.Image\.open\(io"),
    (bytearray(PNG), r"found a value of type bytearray.*PIL\.Image\.open\(io"),
    (memoryview(PNG), r"found a value of type memoryview.*PIL\.Image\.open\(io"),
    (io.BytesIO(PNG), r"found a value of type BytesIO.*PIL\.Image\.open\(file\)"),
    (io.StringIO("a.png"), r"found a value of type StringIO.*or give the file's path"),
    ({"a": PHOTO}, "found a value of type dict"),
    (Image, "found a value of type module"),
    (Image.Image, "found a value of type type"),
    (torch.zeros(3, 64, 64), r"an array of torch\.float32 \(3, 64, 64\).*permute"),
    ([torch.zeros(3, 64, 64)], r"an array of torch\.float32 \(3, 64, 64\).*permute"),
    ([[1, 2], [3, 4]], "found a value of type list; expected a path"),
    ([PHOTO, None], "found a value of type NoneType"),
    (np.zeros((2, 8, 8, 3), np.uint8), r"pass list\(array\)"),
    (np.zeros((2, 2, 2, 2)), r"picture: found an array of float64 \(2, 2, 2, 2\)"),
    (np.array([None]), r"found an array of object \(1,\)"),
    (np.zeros((4, 4, 3), complex), "picture: found an array of complex128"),
    (np.zeros((0, 4, 3), np.uint8), r"an array of uint8 \(0, 4, 3\)"),
    (np.zeros((8, 8), bool), r"an array of bool \(8, 8\)"),
    (np.ma.masked_greater(PHOTO, 100), r"array\.filled\(value\)"),
    (np.zeros((8, 8, 5), np.uint8), "5 channels; expected 3"),
    (FLOATS * np.nan, "no number"),
    (FLOATS, "float32 values from 7 to 7; expected 0 to 1"),
    ("none.png", r"none\.png': found no such file or directory.*Give another file\.$"),
]  # fmt: skip


@pytest.mark.parametrize(("picture", "words"), NO_PICTURES, ids=[words for _, words in NO_PICTURES])
def test_what_is_no_picture_is_refused(picture: Any, words: str, model: Model) -> None:
    with pytest.raises(SettingError, match=words):
        model.translate(picture)


def test_a_list_is_looked_through_before_any_of_it_is_translated(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2i.sharing.model.made_of", lambda *_: pytest.fail("translated"))
    with pytest.raises(SettingError, match="found a value of type NoneType"):
        model.translate([*[PHOTO] * 30, None])


@pytest.mark.parametrize("options", [{}, {"tile": 8, "overlap": 0}], ids=["whole", "tiles"])
def test_what_comes_before_the_end_of_an_iterator_is_given(
    options: dict[str, Any], model: Model
) -> None:
    gone = OSError("the camera is gone")

    def camera() -> Iterator[np.ndarray]:
        for i in range(20):
            yield PHOTO + np.uint8(i)
        raise gone

    found = model.translate(camera(), **options)
    for i in range(20):
        assert np.array_equal(next(found), model.translate(PHOTO + np.uint8(i), **options))
    with pytest.raises(OSError) as error:
        next(found)
    assert error.value is gone
    with_none = model.translate(iter([PHOTO, None]), **options)
    assert next(with_none).shape == PHOTO.shape
    with pytest.raises(SettingError, match="found a value of type NoneType"):
        next(with_none)
