"""A PNG written row by row is the PNG of the whole, or is not there."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from i2i.errors import SettingError
from i2i.images.examine import examine_image
from i2i.images.formats.png_writer import PngWriter
from i2i.images.reading import Reading


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def write(path: Path, image: np.ndarray, *cuts: int) -> None:
    with PngWriter(path, *image.shape[:2]) as writer:
        for rows in np.split(image, cuts):
            writer.write(rows)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("cuts", [(), (1,), (5, 6, 30)])
def test_other_programs_read_what_was_written(
    tmp_path: Path, channels: int, cuts: tuple[int, ...]
) -> None:
    image, path = noise(40, 7, channels), tmp_path / "new" / "a.png"
    write(path, image, *cuts)
    assert np.array_equal(Reading(channels).read(path), image)
    with Image.open(path) as other:
        assert other.mode == ("L" if channels == 1 else "RGB")
        assert np.array_equal(np.asarray(other).reshape(image.shape), image)
    assert examine_image(path).size == (40, 7)
    assert os.listdir(path.parent) == ["a.png"]


def test_rows_that_are_no_copy_and_pictures_of_one_pixel(tmp_path: Path) -> None:
    image = noise(3, 9, 11).transpose(1, 2, 0)
    write(tmp_path / "a.png", image)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[:, :, ::-1], image)
    write(tmp_path / "b.png", noise(1, 1, 1))
    assert np.array_equal(cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_GRAYSCALE), noise(1, 1))


def test_smooth_pictures_become_small(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 256, 0).repeat(3, 2)
    write(tmp_path / "a.png", ramp, 100)
    assert (tmp_path / "a.png").stat().st_size < ramp.nbytes / 50


def test_an_error_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(path, noise(4, 4, 3))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="stop"):
        with PngWriter(path, 8, 4) as writer:
            writer.write(noise(4, 4, 3))
            raise RuntimeError("stop")
    with pytest.raises(ValueError, match=r"4 rows of a\.png; expected 8"):
        with PngWriter(path, 8, 4) as writer:
            writer.write(noise(4, 4, 3))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.png"]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(SettingError, match=r"output file '.*a\.png': found no space left"):
        write(tmp_path / "a.png", noise(4, 4, 3))
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"output file '.*b\.png': found "):
        write(tmp_path / "file" / "b.png", noise(4, 4, 3))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (noise(2, 5, 3), r"uint8 \(2, 5, 3\) after 2 of 4; expected uint8 \(h, 4, 3\)"),
        (noise(2, 4, 1), r"\(2, 4, 1\) after 2"),
        (noise(3, 4, 3), r"\(3, 4, 3\) after 2 of 4"),
        (noise(2, 4, 3).astype(np.float32), "float32"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, rows: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with PngWriter(tmp_path / "a.png", 4, 4) as writer:
            writer.write(noise(2, 4, 3))
            writer.write(rows)
    with pytest.raises(ValueError, match="expected uint8"):
        with PngWriter(tmp_path / "a.png", 4, 4) as writer:
            writer.write(noise(2, 4, 5))
    assert os.listdir(tmp_path) == []
