"""Pixels that cannot be decoded whole are damage, whatever the format, and no library speaks."""

import io
import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from i2i.errors import SettingError
from i2i.images.examine import examine_image
from i2i.images.ids import read_ids
from i2i.images.stored import ImageError, read_stored

RNG = np.random.default_rng(0)
PHOTO = cv2.GaussianBlur(RNG.integers(0, 256, (64, 96, 3), dtype=np.uint8), (7, 7), 0)


def encoded(kind: str, image: np.ndarray = PHOTO, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def tiff(**options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, PHOTO, **options)
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, PHOTO)
    return file.getvalue()


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, PHOTO)
    return file.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "jpg": lambda: encoded("JPEG", quality=90),
    "progressive.jpg": lambda: encoded("JPEG", quality=90, progressive=True),
    "grey.jpg": lambda: encoded("JPEG", PHOTO[:, :, 0]),
    "png": lambda: encoded("PNG"),
    "webp": lambda: encoded("WEBP", lossless=True),
    "lossy.webp": lambda: encoded("WEBP"),
    "bmp": lambda: encoded("BMP"),
    "gif": lambda: encoded("GIF"),
    "ppm": lambda: encoded("PPM"),
    "tif": tiff,
    "lzw.tif": lambda: tiff(compression="lzw"),
    "deflate.tif": lambda: tiff(compression="deflate", tile=(16, 16)),
    "npy": npy,
    "npz": npz,
}


def refused(path: Path, capfd, caplog) -> str:
    """What is said of a file; nothing but that may come to the screen."""
    with caplog.at_level(logging.DEBUG), pytest.raises(ImageError) as caught:
        read_stored(path)
    out, err = capfd.readouterr()
    assert not out and not err and not caplog.records
    assert f"image '{path}': found " in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_are_none(tmp_path: Path, name: str, capfd, caplog) -> None:
    path = tmp_path / f"a.{name}"
    path.write_bytes(WHOLE[name]())
    assert not isinstance(examine_image(path, whole=True), str)
    assert read_stored(path).shape[:2] == PHOTO.shape[:2]
    assert capfd.readouterr() == ("", "") and not caplog.records


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9, 0.995])
@pytest.mark.parametrize("name", WHOLE)
def test_files_cut_short(tmp_path: Path, name: str, kept: float, capfd, caplog) -> None:
    path = tmp_path / f"a.{name}"
    data = WHOLE[name]()
    path.write_bytes(data[: int(len(data) * kept)])
    if name == "gif" and kept > 0.99:
        return  # all pixels are there: what lacks is the end of a list of frames
    assert isinstance(examine_image(path, whole=True), str)
    refused(path, capfd, caplog)


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("name", ["jpg", "progressive.jpg", "grey.jpg"])
def test_a_jpeg_cut_in_half_and_closed_again(
    tmp_path: Path, name: str, kept: float, capfd, caplog
) -> None:
    path = tmp_path / f"a.{name}"
    data = WHOLE[name]()
    path.write_bytes(data[: int(len(data) * kept)] + b"\xff\xd9")
    assert not isinstance(examine_image(path), str)  # the frame alone looks whole
    assert "damaged image data" in examine_image(path, whole=True)
    assert "damaged image data" in refused(path, capfd, caplog)


def test_a_progressive_jpeg_without_its_last_scans(tmp_path: Path, capfd, caplog) -> None:
    """Cut where no decoder finds anything odd: between two scans."""
    data = WHOLE["progressive.jpg"]()
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for at in scans[1:]:
        before = data[:at].rfind(b"\xff\xc4")  # each has its own tables in front of it
        cut = before if before > data[:at].rfind(b"\xff\xda") else at
        (tmp_path / "a.jpg").write_bytes(data[:cut] + b"\xff\xd9")
        assert "damaged image data" in examine_image(tmp_path / "a.jpg", whole=True)
        assert "damaged image data" in refused(tmp_path / "a.jpg", capfd, caplog)


@pytest.mark.parametrize("place", range(12))
def test_one_wrong_byte_in_a_png(tmp_path: Path, place: int, capfd, caplog) -> None:
    path = tmp_path / "a.png"
    data = bytearray(WHOLE["png"]())
    data[16 + place * (len(data) - 17) // 12] ^= 0x10
    path.write_bytes(data)
    assert isinstance(examine_image(path, whole=True), str)
    refused(path, capfd, caplog)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(packed: bytes, height: int = 8, width: int = 8, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *more, chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(bytes(8 * 9 - 3)),
        zlib.compress(bytes(8 * 9))[:-6],
        zlib.compress(bytes(8 * 9))[:-1] + b"\0",
        zlib.compress(b"\x09" * 8 * 9),
        b"no zlib",
        b"",
    ],
    ids=["too few", "cut", "checksum", "filter", "nonsense", "nothing"],
)
def test_a_png_whose_frame_is_right(tmp_path: Path, packed: bytes, capfd, caplog) -> None:
    """All checksums of its chunks are right, and the pixels are not there."""
    (tmp_path / "a.png").write_bytes(png_of(packed))
    assert "damaged image data" in refused(tmp_path / "a.png", capfd, caplog)


def test_oddities_that_touch_no_pixel_are_neither_damage_nor_said(
    tmp_path: Path, capfd, caplog
) -> None:
    odd = png_of(zlib.compress(bytes(8 * 9 + 50)), 8, 8, chunk(b"gAMA", b"\0\0\0\0"))
    (tmp_path / "a.png").write_bytes(odd)
    jpeg = WHOLE["jpg"]()
    at = jpeg.index(b"JFIF\0") + 5
    (tmp_path / "a.jpg").write_bytes(jpeg[:at] + b"\x09" + jpeg[at + 1 :] + b"appended")
    assert (read_stored(tmp_path / "a.png") == 0).all()
    assert np.array_equal(read_stored(tmp_path / "a.jpg"), np.array(Image.open(io.BytesIO(jpeg))))
    (tmp_path / "b.jpg").write_bytes(
        jpeg[:20] + b"\xff\xe2\x00\x10ICC_PROFILE\0\x09\x02" + jpeg[20:]
    )
    read_stored(tmp_path / "b.jpg")
    assert capfd.readouterr() == ("", "") and not caplog.records


def gif_claiming(height: int, width: int) -> bytes:
    data = bytearray(encoded("GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def webp_claiming(height: int, width: int) -> bytes:
    """An extended header whose canvas is that large."""
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_claiming(height: int, width: int) -> bytes:
    data = bytearray(encoded("BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def tiff_claiming(height: int, width: int) -> bytes:
    """As tifffile writes it for an array that is not there: all of it lies in no file."""
    data = bytearray(tiff())
    for tag, value in ((256, width), (257, height), (278, height)):
        at = data.index(struct.pack("<HH", tag, 4)) if struct.pack("<HH", tag, 4) in data else -1
        if at < 0:
            at = data.index(struct.pack("<HHI", tag, 3, 1))
            data[at + 2 : at + 4] = struct.pack("<H", 4)
        data[at + 8 : at + 12] = struct.pack("<I", value)
    return bytes(data)


def npy_claiming(height: int, width: int) -> bytes:
    file = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": False, "shape": (height, width)}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


GIANTS = {
    "a.gif": (gif_claiming, (60_000, 60_000)),
    "a.bmp": (bmp_claiming, (60_000, 60_000)),
    "a.pgm": (lambda h, w: b"P5\n%d %d\n255\n" % (w, h), (60_000, 60_000)),
    "a.tif": (tiff_claiming, (60_000, 60_000)),
    "a.npy": (npy_claiming, (60_000, 60_000)),
    "a.webp": (webp_claiming, (16_000, 16_800)),
}


@pytest.mark.parametrize("name", GIANTS)
def test_giants_are_refused_by_their_header(tmp_path: Path, name: str, capfd, caplog) -> None:
    write, (height, width) = GIANTS[name]
    (tmp_path / name).write_bytes(write(height, width))
    said = refused(tmp_path / name, capfd, caplog)
    whole = name in ("a.gif", "a.bmp", "a.pgm")  # of the others the header is seen to be false
    assert f"{height} x {width} pixels, more than 268 million (max_megapixels=" in said or not whole


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.gif", "a.ppm", "a.tif", "a.npy", "a.npz"]
)
def test_the_limit_holds_for_every_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(WHOLE[name[2:]]())
    n_pixels = PHOTO.shape[0] * PHOTO.shape[1]
    assert read_stored(path, n_pixels).shape == PHOTO.shape
    for use in (read_stored, read_ids):
        with pytest.raises(SettingError, match=r"64 x 96 pixels, more than .*max_megapixels"):
            use(path, n_pixels - 1)
    assert "64 x 96 pixels, more than" in examine_image(path, n_pixels - 1)


def test_a_thousand_channels_count_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 1000), np.float32))
    assert read_stored(tmp_path / "a.npy", 4000).shape == (4, 4, 1000)
    with pytest.raises(SettingError, match=r"4 x 4 x 1000 of float32.*max_megapixels"):
        read_stored(tmp_path / "a.npy", 3999)


def test_a_large_picture_in_a_small_file_is_not_decoded_before_training(tmp_path: Path) -> None:
    packed = zlib.compress(b"\x09" * (4001 * 4000), 1)  # no such filter
    (tmp_path / "a.bmp").write_bytes(encoded("BMP")[:-50])
    assert isinstance(examine_image(tmp_path / "a.bmp", whole=True), str)
    (tmp_path / "a.png").write_bytes(png_of(packed, 4001, 4000))
    assert not isinstance(examine_image(tmp_path / "a.png", whole=True), str)
