"""Every format that is read, against what was written and against an independent reading."""

import io
import zipfile
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
from i2i.images.formats.header import Header
from i2i.images.ids import read_ids
from i2i.images.image_io import IMAGE_SUFFIXES
from i2i.images.stored import read_stored

pytestmark = pytest.mark.numeric
H, W = 24, 36


def drawn(*shape: int, dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 500, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


RGB, GREY, BITS = drawn(H, W, 3), drawn(H, W, 1, seed=1), drawn(H, W, 1, seed=2) > 127
RGB16, GREY16 = drawn(H, W, 3, dtype="uint16"), drawn(H, W, 1, dtype="uint16", seed=3)
FIVE = drawn(H, W, 5, dtype="uint16", seed=4)
FLOATS, FLOATS7 = drawn(H, W, 1, dtype="float32"), drawn(H, W, 7, dtype="float32", seed=5)
SIGNED = drawn(H, W, 1, dtype="int16", seed=6)
FEW_COLOURS = np.array([(10, 20, 30), (200, 100, 50), (0, 255, 0)], np.uint8)[RGB[:, :, 0] % 3]


def pil(image: np.ndarray, kind: str | None = None, **options) -> Callable[[Path], None]:
    plane = image[:, :, 0] if image.shape[2] == 1 else image
    return lambda path: Image.fromarray(plane).save(path, kind, **options)


def tif(image: np.ndarray, **options) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, image, **options)


def opencv(image: np.ndarray) -> Callable[[Path], None]:
    bgr = image[:, :, ::-1] if image.shape[2] == 3 else image
    return lambda path: path.write_bytes(cv2.imencode(path.suffix, bgr)[1].tobytes())


def palette(image: np.ndarray) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(image).quantize(8).save(path)


def pages(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, 2, 0)


def plain_text(image: np.ndarray, most: int) -> Callable[[Path], None]:
    head = f"P3\n# written by hand\n{W} {H}\n{most}\n"
    return lambda path: path.write_text(head + " ".join(map(str, image.ravel())) + "\n")


TABLE = {
    "rgb.png": (opencv(RGB), RGB),
    "grey.png": (opencv(GREY), GREY),
    "bits.png": (pil(BITS), BITS * np.uint8(255)),
    "palette.png": (palette(FEW_COLOURS), FEW_COLOURS),
    "rgb16.png": (opencv(RGB16), RGB16),
    "grey16.png": (opencv(GREY16), GREY16),
    "rgb.webp": (pil(RGB, lossless=True), RGB),
    "rgb.bmp": (pil(RGB), RGB),
    "grey.bmp": (pil(GREY), GREY),
    "palette.bmp": (palette(FEW_COLOURS), FEW_COLOURS),
    "palette.gif": (palette(FEW_COLOURS), FEW_COLOURS),
    "rgb.ppm": (pil(RGB), RGB),
    "rgb16.ppm": (opencv(RGB16), RGB16),
    "text.ppm": (plain_text(RGB, 255), RGB),
    "text16.ppm": (plain_text(RGB16, 65535), RGB16),
    "grey.pgm": (pil(GREY), GREY),
    "grey16.pgm": (opencv(GREY16), GREY16),
    "bits.pbm": (pil(BITS), BITS * np.uint8(255)),
    "rgb.tif": (tif(RGB), RGB),
    "lzw.tiff": (tif(RGB, compression="lzw", predictor=True), RGB),
    "deflate.tif": (tif(RGB16, compression="deflate", tile=(16, 16)), RGB16),
    "zstd.tif": (
        tif(FLOATS7, compression="zstd", photometric="minisblack", planarconfig="contig"), FLOATS7,
    ),
    "planes.tif": (tif(pages(RGB), planarconfig="separate", photometric="rgb"), RGB),
    "five_planes.tif": (
        tif(pages(FIVE), planarconfig="separate", photometric="minisblack"), FIVE,
    ),
    "five_pages.tif": (tif(pages(FIVE)), FIVE),
    "imagej.tif": (tif(pages(FIVE), imagej=True, metadata={"axes": "CYX"}), FIVE),
    "ome.tif": (tif(pages(FIVE), ome=True, metadata={"axes": "CYX"}), FIVE),
    "rows_as_pages.tif": (tif(FIVE), FIVE),
    "grey.tif": (tif(GREY[:, :, 0]), GREY),
    "big_endian.tif": (tif(GREY16[:, :, 0], byteorder=">"), GREY16),
    "big.tif": (tif(GREY16[:, :, 0], bigtiff=True), GREY16),
    "signed.tif": (tif(SIGNED[:, :, 0]), SIGNED),
    "float.tif": (tif(FLOATS[:, :, 0]), FLOATS),
    "white_is_0.tif": (tif(255 - GREY[:, :, 0], photometric="miniswhite"), GREY),
    "bits.tif": (pil(BITS), BITS * np.uint8(255)),
    "palette.tif": (palette(FEW_COLOURS), FEW_COLOURS),
    "rgb.npy": (lambda path: np.save(path, RGB), RGB),
    "grey.npy": (lambda path: np.save(path, GREY[:, :, 0]), GREY),
    "columns.npy": (lambda path: np.save(path, np.asfortranarray(FIVE)), FIVE),
    "big_endian.npy": (lambda path: np.save(path, FLOATS.astype(">f4")), FLOATS),
    "double.npy": (lambda path: np.save(path, FLOATS.astype("f8")), FLOATS.astype("f8")),
    "bits.npy": (lambda path: np.save(path, BITS), BITS * np.uint8(255)),
    "signed.npz": (lambda path: np.savez(path, SIGNED), SIGNED),
    "packed.npz": (lambda path: np.savez_compressed(path, scan=FLOATS7), FLOATS7),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    write, expected = TABLE[name]
    path = tmp_path / name
    write(path)
    found = read_stored(path)
    assert found.dtype == expected.dtype and np.array_equal(found, expected)
    assert found.dtype.isnative and found.flags.c_contiguous
    for whole in (False, True):
        header = examine_image(path, whole=whole)
        assert isinstance(header, Header) and header.plain
        assert (*header.size, header.channels) == expected.shape
        assert header.dtype == expected.dtype and not header.alpha


@pytest.mark.parametrize("name", [name for name in TABLE if name[-3:] not in ("npy", "npz")])
def test_the_content_says_what_a_file_is(tmp_path: Path, name: str) -> None:
    """A file of one format under the name of another, as of a careless converter."""
    write, expected = TABLE[name]
    write(tmp_path / name)
    for lie in ("A.JPG", "b.Png", "c.npy"):
        (tmp_path / name).rename(tmp_path / lie)
        assert np.array_equal(read_stored(tmp_path / lie), expected)
        (tmp_path / lie).rename(tmp_path / name)


def test_every_suffix_is_in_the_table() -> None:
    written = {Path(name).suffix for name in TABLE} | {".jpg", ".jpeg", ".pnm"}
    assert written == set(IMAGE_SUFFIXES)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_a_jpeg_is_what_pillow_and_opencv_make_of_it(tmp_path: Path, mode: str, options) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(cv2.GaussianBlur(RGB, (9, 9), 0)).convert(mode).save(path, **options)
    found = read_stored(path)
    by_pillow = np.array(Image.open(path)).reshape(H, W, -1)
    assert np.array_equal(found, by_pillow)
    by_opencv = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(np.broadcast_to(found, by_opencv.shape), by_opencv)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_inks_are_mixed_as_pillow_mixes_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    inks = drawn(H, W, 4)
    Image.fromarray(cv2.GaussianBlur(inks, (9, 9), 0), mode="CMYK").save(path)
    assert np.array_equal(read_stored(path), np.array(Image.open(path).convert("RGB")))
    assert examine_image(path).channels == 3


@pytest.mark.parametrize("most", [255, 4095])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6"])
def test_the_largest_value_of_a_pnm_is_white(tmp_path: Path, kind: str, most: int) -> None:
    channels = 3 if kind in ("P3", "P6") else 1
    levels = np.random.default_rng(1).integers(0, most, (H, W, channels), endpoint=True)
    head = f"{kind}\n{W} {H}\n{most}\n".encode()
    body = levels.astype("u1" if most < 256 else ">u2").tobytes()
    text = " ".join(map(str, levels.ravel())).encode() + b"\n"
    (tmp_path / "a.pnm").write_bytes(head + (text if kind in ("P2", "P3") else body))
    white = 255 if most == 255 else 65535
    found = read_stored(tmp_path / "a.pnm")
    assert found.dtype == (np.uint8 if most == 255 else np.uint16)
    assert np.abs(found - levels * (white / most)).max() <= 0.5001


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200)]
    for name in ("a.gif", "a.webp", "a.png"):
        options = {"lossless": True} if name == "a.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
        assert np.array_equal(np.unique(read_stored(tmp_path / name)), [10])


def test_pages_that_are_no_channels_leave_the_first(tmp_path: Path) -> None:
    scan, thumbnail = Image.fromarray(RGB), Image.fromarray(RGB[:4, :4])
    scan.save(tmp_path / "a.tif", save_all=True, append_images=[thumbnail])
    assert np.array_equal(read_stored(tmp_path / "a.tif"), RGB)


def test_a_jpeg_in_a_tiff_is_decoded_as_rgb(tmp_path: Path) -> None:
    smooth = cv2.GaussianBlur(RGB, (9, 9), 0)
    tifffile.imwrite(tmp_path / "a.tif", smooth, compression="jpeg", compressionargs={"level": 95})
    assert np.abs(read_stored(tmp_path / "a.tif").astype(int) - smooth).mean() < 6


REFUSED = {
    "objects.npy": (lambda p: np.save(p, np.array([[{}]]), allow_pickle=True), "Python objects"),
    "line.npy": (lambda p: np.save(p, np.zeros(5)), "an array of 5, which is neither"),
    "empty.npy": (lambda p: np.save(p, np.zeros((0, 4))), "an array of 0 x 4"),
    "complex.npy": (lambda p: np.save(p, np.zeros((4, 4), complex)), "complex128"),
    "text.npy": (lambda p: np.save(p, np.full((4, 4), "a")), "an array of <U1"),
    "two.npz": (lambda p: np.savez(p, a=RGB, b=RGB), r"2 arrays \(a, b\) in place of one"),
    "none.npz": (lambda p: np.savez(p), r"0 arrays \(none\)|no format"),
    "nan.npy": (lambda p: np.save(p, np.full((4, 4), np.nan)), "16 of 16 values that are no num"),
    "inf.tif": (tif(np.full((4, 4), np.inf, "f4")), "16 of 16 values that are no number"),
    "page.html": (lambda p: p.write_text("<html>"), "no format that is read"),
    "a.jp2": (lambda p: p.write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n"), "no format that is read"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_named(tmp_path: Path, name: str) -> None:
    write, found = REFUSED[name]
    write(tmp_path / name)
    with pytest.raises(SettingError, match=rf"image '.*{name}': found .*(?:{found})"):
        read_stored(tmp_path / name)


def test_no_pickle_is_opened(tmp_path: Path) -> None:
    """An array of objects would run code when it is unpickled."""
    opened = tmp_path / "opened"

    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (opened,)

    np.save(tmp_path / "a.npy", np.array([[Trap()]]), allow_pickle=True)
    np.savez(tmp_path / "a.npz", np.array([[Trap()]]))
    for name in ("a.npy", "a.npz"):
        assert "Python objects" in examine_image(tmp_path / name, whole=True)
        with pytest.raises(SettingError, match="Python objects"):
            read_stored(tmp_path / name)
    assert not opened.exists()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy", "a.npz", "a.bmp", "p.png", "p.gif"])
def test_class_ids_of_every_format_that_keeps_them(tmp_path: Path, name: str) -> None:
    ids = np.random.default_rng(0).integers(0, 3, (H, W), dtype=np.uint8)
    path = tmp_path / name
    if name.startswith("p"):
        picture = Image.fromarray(ids, mode="P")
        picture.putpalette([9, 9, 9, 80, 0, 0, 0, 0, 80])
        picture.save(path)
    elif name == "a.npy":
        np.save(path, ids.astype(np.int64))
    elif name == "a.npz":
        np.savez(path, ids.astype(bool).astype(np.int16) * 2)
        ids = ids.astype(bool) * np.uint8(2)
    else:
        Image.fromarray(ids).save(path)
    assert np.array_equal(read_ids(path), ids) and read_ids(path).dtype == np.uint8


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (RGB, "3 channels of uint8"),
        (GREY16, "ids from .* to 655"),
        (FLOATS, "1 channels of float32"),
        (SIGNED, "ids from -"),
    ],
)
def test_what_are_no_class_ids(tmp_path: Path, image: np.ndarray, found: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", image)
    with pytest.raises(SettingError, match=rf"a\.tif.*{found}.*label_files=colours"):
        read_ids(tmp_path / "a.tif")


def test_the_checksum_of_an_archive_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, RGB)  # not compressed: the values lie in it as they are
    data = bytearray(path.read_bytes())
    data[data.index(RGB.tobytes()) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(SettingError, match="damaged"):
        read_stored(path)


def test_a_bomb_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (100_000, 100_000)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header.getvalue() + zlib.compress(b""))
    assert "cut short" in examine_image(tmp_path / "a.npz")
