"""Headers that claim more pixels than a picture may have."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.errors import SettingError
from i2i.images.examine import examine_image
from i2i.images.ids import read_ids
from i2i.images.pixel_limit import pixel_limit
from i2i.images.reading import Reading


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(height: int, width: int) -> bytes:
    """A whole PNG of 70 bytes, as far as its frame tells."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def jpeg_claiming(height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "jpeg")
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (png_claiming(100_000, 100_000), "100000 x 100000"),
        (png_claiming(2**31 - 1, 2**31 - 1), "2147483647 x 2147483647"),
        (png_claiming(1, 268_000_001), "1 x 268000001"),
        (jpeg_claiming(65_000, 65_001), "65000 x 65001"),
    ],
)
def test_bombs_are_refused_before_anything_is_decoded(
    data: bytes, size: str, tmp_path: Path
) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(data)
    found = f"{size} pixels, more than 268 million"
    assert found in examine_image(file)
    for read in (Reading().read, read_ids):
        with pytest.raises(SettingError, match=rf"bomb\.png.*{found}"):
            read(file)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_limit_can_be_moved(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{suffix}"
    Image.new("RGB", (40, 25)).save(file)
    assert Reading(3, 1000).read(file).shape == (25, 40, 3)
    assert examine_image(file, 1000).size == (25, 40)
    with pytest.raises(SettingError, match=r"25 x 40 pixels, more than"):
        Reading(3, 999).read(file)


def test_pillow_does_not_warn_below_our_limit(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "a.png").write_bytes(png_claiming(10_000, 20_000))
    assert examine_image(tmp_path / "a.png").size == (10_000, 20_000)
    assert not recwarn.list


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_no_picture_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    for name, found in {"a.png": "a pipe or a device", "b.png": "a folder"}.items():
        assert found in examine_image(tmp_path / name)
        for read in (Reading().read, read_ids):
            with pytest.raises(SettingError, match=found):
                read(tmp_path / name)


@pytest.mark.parametrize("value", [0, -1, 1074, "many", True, None, float("nan")])
def test_limits_that_are_none(value: object) -> None:
    with pytest.raises(SettingError, match=r"max_megapixels=.*up to 1,073\.7"):
        pixel_limit(value, "max_megapixels")
    assert pixel_limit(0.5, "x") == 500_000
