"""The formats that pictures are written in."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from i2i.errors import SettingError
from i2i.images.formats.picture_formats import SUFFIXES, check_quality, row_writer, write_picture

FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF"}


@pytest.fixture
def picture() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return cv2.resize(coarse, (53, 31), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".PNG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_suffix_decides_and_pixels_are_kept(
    suffix: str, channels: int, picture: np.ndarray, tmp_path: Path
) -> None:
    from PIL import Image

    image, kind = picture[:, :, :channels], SUFFIXES[suffix.lower()]
    write_picture(tmp_path / "new" / f"a{suffix}", image)
    if kind == "npy":
        shape = image.shape if channels > 1 else image.shape[:2]
        assert np.array_equal(np.load(tmp_path / "new" / f"a{suffix}"), image.reshape(shape))
        return
    with Image.open(tmp_path / "new" / f"a{suffix}") as opened:
        assert opened.format == FORMATS[kind]
        read = np.array(opened.convert("RGB")).astype(int)
    wrong = np.abs(read - image).max()
    assert wrong == 0 if kind in ("png", "tif") else 0 < wrong < 60
    assert [p.name for p in (tmp_path / "new").iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_quality_takes_effect(kind: str, picture: np.ndarray, tmp_path: Path) -> None:
    for quality in (10, 95):
        write_picture(tmp_path / f"{quality}.{kind}", picture, quality)
    write_picture(tmp_path / f"default.{kind}", picture)
    sizes = [(tmp_path / f"{name}.{kind}").stat().st_size for name in (10, 95, "default")]
    assert sizes[0] < sizes[1] == sizes[2]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_one_by_one_give_the_same_pixels(
    suffix: str, picture: np.ndarray, tmp_path: Path
) -> None:
    write_picture(tmp_path / f"whole{suffix}", picture, 80)
    with row_writer(tmp_path / f"rows{suffix}", 31, 53, 80) as writer:
        for top in range(0, 31, 7):
            writer.write(picture[top : top + 7])
    read = np.load if suffix == ".npy" else cv2.imread
    whole, rows = (read(str(tmp_path / f"{name}{suffix}")) for name in ("whole", "rows"))
    assert np.array_equal(whole, rows)


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65501), (".webp", 16384)])
def test_sizes_that_a_format_does_not_hold_are_refused(
    suffix: str, side: int, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=rf"found a picture of 1 x {side} pixels.*at most"):
        write_picture(tmp_path / f"a{suffix}", np.zeros((1, side, 1), np.uint8))
    with pytest.raises(SettingError, match="output_format=png or tif"):
        row_writer(tmp_path / f"a{suffix}", side, 1)


@pytest.mark.parametrize(
    ("quality", "kind", "found"),
    [
        (90, "png", "quality=90: found the format png, which keeps every pixel"),
        (90, "tif", "found the format tif"),
        (0, "jpg", "quality=0: found 0; expected a whole number from 1 to 100"),
        (101, "webp", "found 101"), (9.5, "jpg", "found 9.5"), (True, "jpg", "found True"),
        ("high", "jpg", "found 'high'"),
    ],
)  # fmt: skip
def test_qualities_that_are_none(quality: object, kind: str, found: str) -> None:
    with pytest.raises(SettingError, match=found):
        check_quality(quality, kind)
    assert check_quality(None, kind) == 95 and check_quality(1, "jpg") == 1
