"""Pictures stand upright, in every format that says how they lie."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from i2i.images.examine import examine_image
from i2i.images.orientation import orientation_of, upright
from i2i.images.stored import read_stored

pytestmark = pytest.mark.numeric
IMAGE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
FORMATS = ("jpg", "png", "webp", "tif")


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", FORMATS)
def test_as_pillow_turns_it(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(IMAGE).save(path, exif=exif_of(orientation), **options)
    expected = np.array(ImageOps.exif_transpose(Image.open(path)))
    found = read_stored(path)
    assert np.array_equal(found, expected) and found.flags.c_contiguous
    assert examine_image(path).size == expected.shape[:2]
    assert examine_image(path).orientation == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_as_opencv_turns_a_jpeg(tmp_path: Path, orientation: int) -> None:
    """What was read before other formats came."""
    path = tmp_path / "a.jpg"
    Image.fromarray(IMAGE).save(path, exif=exif_of(orientation))
    by_opencv = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(read_stored(path), by_opencv)


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_any_number_of_channels(tmp_path: Path, channels: int) -> None:
    image = np.random.default_rng(1).random((5, 9, channels), np.float32)
    layout = {"planarconfig": "separate"} if channels > 1 else {}
    planes = np.moveaxis(image, 2, 0) if channels > 1 else image[:, :, 0]
    tag = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack", extratags=tag, **layout)
    assert np.array_equal(read_stored(tmp_path / "a.tif"), np.rot90(image, -1))
    assert np.array_equal(upright(image, 3), np.rot90(image, 2))


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"II*\0", b"nonsense", b"II*\0\xff\xff\xff\xff"]
)
def test_a_damaged_block_says_nothing(block: bytes) -> None:
    assert orientation_of(block) == 1


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_is_none(value: int) -> None:
    assert orientation_of(exif_of(value).tobytes()) == 1


TURNED = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2), 8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "int64", "float64"])
def test_every_type_is_turned_as_numpy_does(dtype: str, channels: int, orientation: int) -> None:
    image = np.random.default_rng(2).integers(0, 200, (5, 9, channels + 1)).astype(dtype)
    for some in (image[:, :, :channels], np.ascontiguousarray(image[:, :, 1:])):
        found = upright(some, orientation)
        assert found.dtype == dtype and found.flags.c_contiguous
        assert np.array_equal(found, TURNED[orientation](some))
