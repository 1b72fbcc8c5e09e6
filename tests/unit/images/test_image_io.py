"""Image files are read right, or refused by name."""

import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.errors import SettingError
from i2i.images.examine import examine_image
from i2i.images.image_io import write_png
from i2i.images.reading import Reading

PALETTE = [(10, 20, 30), (200, 100, 50), (0, 255, 0), (255, 255, 255)]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def jpeg_bytes(image: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def write_png16(path: Path, image: np.ndarray) -> None:
    import cv2

    assert image.dtype == np.uint16
    cv2.imwrite(str(path), image if image.ndim == 2 else image[:, :, ::-1])


def test_rgb_png_is_read_exactly(tmp_path: Path) -> None:
    image = noise(5, 7, 3)
    Image.fromarray(image).save(tmp_path / "a.png")
    read = Reading().read(tmp_path / "a.png")
    assert read.dtype == np.uint8 and np.array_equal(read, image)


def test_jpeg_is_rgb_and_not_bgr(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(np.full((16, 16, 3), (200, 30, 60), np.uint8)))
    read = Reading().read(tmp_path / "a.jpg")
    assert np.abs(read.astype(int) - (200, 30, 60)).max() <= 3


def test_palette_png_gives_its_colours(tmp_path: Path) -> None:
    classes = np.random.default_rng(1).integers(0, 4, (6, 8), dtype=np.uint8)
    picture = Image.fromarray(classes, mode="P")
    picture.putpalette([value for colour in PALETTE for value in colour])
    picture.save(tmp_path / "a.png")
    assert np.array_equal(Reading().read(tmp_path / "a.png"), np.array(PALETTE, np.uint8)[classes])


def test_grey_file_is_replicated_or_kept(tmp_path: Path) -> None:
    image = noise(6, 8)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert np.array_equal(Reading(1).read(tmp_path / "a.png"), image[:, :, np.newaxis])
    assert np.array_equal(Reading().read(tmp_path / "a.png"), np.repeat(image[:, :, None], 3, 2))


def test_one_channel_of_a_colour_file_is_its_luminance(tmp_path: Path) -> None:
    image = noise(6, 8, 3)
    Image.fromarray(image).save(tmp_path / "a.png")
    read = Reading(1).read(tmp_path / "a.png")
    assert read.shape == (6, 8, 1)
    assert np.abs(read[:, :, 0] - image @ np.array([0.299, 0.587, 0.114])).max() <= 0.51


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)])
def test_16_bit_png_keeps_its_precision(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(2).integers(0, 65536, shape, dtype=np.uint16)
    image.flat[:3] = (0, 65535, 300)
    write_png16(tmp_path / "a.png", image)
    channels = 1 if len(shape) == 2 else 3
    read = Reading(channels).read(tmp_path / "a.png")
    assert read.dtype == np.float32 and read.shape == (6, 8, channels)
    assert np.abs(read.reshape(shape) - image / 257.0).max() < 1e-4
    assert read.max() == 255.0 and read.min() == 0.0


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_truncated_jpeg_is_named(tmp_path: Path, progressive: bool, kept: float) -> None:
    data = jpeg_bytes(noise(64, 64, 3), progressive=progressive, quality=90)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[: int(len(data) * kept)])
    assert "cut short" in examine_image(path)
    with pytest.raises(SettingError, match=r"cut\.jpg.*cut short"):
        Reading().read(path)


def test_a_thumbnail_s_end_marker_does_not_pass_for_the_picture_s(tmp_path: Path) -> None:
    thumbnail = jpeg_bytes(noise(8, 8, 3))
    data = jpeg_bytes(noise(64, 64, 3))
    segment = b"\xff\xe1" + (2 + len(thumbnail)).to_bytes(2, "big") + thumbnail
    (tmp_path / "cut.jpg").write_bytes((data[:2] + segment + data[2:])[:-500])
    assert "cut short" in examine_image(tmp_path / "cut.jpg")


@pytest.mark.parametrize("tail", [bytes(37), b"\0\xff\0 appended by a camera"])
def test_bytes_after_the_end_of_a_jpeg_are_allowed(tmp_path: Path, tail: bytes) -> None:
    data = jpeg_bytes(noise(24, 40, 3), progressive=True)
    (tmp_path / "a.jpg").write_bytes(data + tail)
    assert examine_image(tmp_path / "a.jpg").size == (24, 40)
    assert Reading().read(tmp_path / "a.jpg").shape == (24, 40, 3)


def test_zeros_in_place_of_the_end_are_a_truncated_jpeg(tmp_path: Path) -> None:
    data = jpeg_bytes(noise(24, 40, 3))
    (tmp_path / "cut.jpg").write_bytes(data[:-200] + bytes(200))
    assert "cut short" in examine_image(tmp_path / "cut.jpg")


def test_truncated_png_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    write_png(path, noise(64, 64, 3))
    path.write_bytes(path.read_bytes()[:-9])
    assert "cut short" in examine_image(path)
    with pytest.raises(SettingError, match=r"cut\.png.*cut short"):
        Reading().read(path)


def test_damaged_pixels_are_named_when_read(tmp_path: Path) -> None:
    path = tmp_path / "damaged.png"
    write_png(path, noise(64, 64, 3))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SettingError, match=r"damaged\.png.*damaged image data"):
        Reading().read(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"<html>404</html>", "a file of no format that is read .JPEG, PNG, WebP"),
        (None, "no such file"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "b.jpg"
    if content is not None:
        path.write_bytes(content)
    assert re.match(found, examine_image(path))
    with pytest.raises(SettingError, match=rf"b\.jpg.*{found}"):
        Reading().read(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_check_and_read_agree_on_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(16, 32, 3)).save(path, exif=exif)
    turned = orientation >= 5
    assert examine_image(path).size == ((32, 16) if turned else (16, 32))
    assert Reading().read(path).shape[:2] == examine_image(path).size


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 1), (6, 8, 3)])
def test_written_png_reads_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    path = tmp_path / "new" / "a.png"
    write_png(path, image)
    channels = 3 if shape[-1] == 3 else 1
    assert np.array_equal(Reading(channels).read(path), image.reshape(6, 8, channels))
    assert os.listdir(path.parent) == ["a.png"]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.png"
    write_png(path, noise(4, 4))
    before = path.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(SettingError, match=r"a\.png.*no space left"):
        write_png(path, noise(4, 4, seed=1))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.png"]


def test_floats_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float32"):
        write_png(tmp_path / "a.png", np.zeros((4, 4), np.float32))
    assert not (tmp_path / "a.png").exists()


def test_other_channel_counts_are_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", noise(4, 4))
    with pytest.raises(
        SettingError, match=r"a.png.*channels; expected 4, as dataset\.input_channels"
    ):
        Reading(4).read(tmp_path / "a.png")
