"""The file formats that pictures are written in, and what each can hold."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from i2i.errors import SettingError, setting_error
from i2i.files import atomic
from i2i.images.formats.png_writer import PngWriter
from i2i.images.image_io import cannot_write

# As output_format= names them; the first that holds a picture is the default.
FORMATS = ("png", "jpg", "webp", "tif", "npy")
SUFFIXES = {".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp", ".tif": "tif"}
SUFFIXES |= {".tiff": "tif", ".npy": "npy"}
OTHER_SUFFIXES = (
    ".avif", ".bmp", ".exr", ".gif", ".heic", ".jp2", ".jxl", ".npz", ".pgm", ".ppm", ".psd",
)  # fmt: skip
LOSSY = ("jpg", "webp")  # those that have a quality
QUALITY = 95  # where none is asked for
LARGEST_SIDE = {"jpg": 65500, "webp": 16383}  # libjpeg-turbo's and WebP's own


def holds(file_format: str, dtype: np.dtype | str, channels: int) -> bool:
    """Whether a format keeps every value of such pictures; JPEG and WebP nearly.

    Args:
        file_format: One of ``FORMATS``.
        dtype: Of the values.
        channels: 4 are colours and alpha in a PNG.
    """
    if file_format in LOSSY:
        return dtype == "uint8" and channels in (1, 3)
    if file_format == "png":
        return dtype in ("uint8", "uint16") and channels in (1, 3, 4)
    return True


def check_quality(quality: Any, file_format: str) -> int:
    """The quality to write with.

    Args:
        quality: The option: 1 to 100, or None for 95.
        file_format: One of ``FORMATS``.

    Raises:
        SettingError: It is no such number, or the format keeps every pixel anyway.
    """
    if quality is None:
        return QUALITY
    if file_format not in LOSSY:
        raise setting_error(
            f"quality={quality}", f"the format {file_format}, which keeps every pixel as it is",
            f"a format that has a quality ({' or '.join(LOSSY)})",
            "Leave quality out, or add output_format=jpg.",
        )  # fmt: skip
    if type(quality) is not int or not 1 <= quality <= 100:
        raise setting_error(
            f"quality={quality}", repr(quality), "a whole number from 1 to 100",
            f"quality={QUALITY} is what is written without it.",
        )  # fmt: skip
    return quality


def write_picture(path: Path, image: np.ndarray, quality: int = QUALITY) -> None:
    """Writes a picture in the format of its suffix: ``encode_picture``, then ``write_encoded``."""
    write_encoded(path, encode_picture(path, image, quality))


def encode_picture(path: Path, image: np.ndarray, quality: int = QUALITY) -> bytes:
    """A picture as the contents of its file.

    Args:
        path: The file, which ends in one of ``SUFFIXES``.
        image: (H, W, C): uint8 grey or RGB; or what else the format ``holds``.
        quality: 1 to 100, of JPEG and WebP; the others keep every pixel as it is.

    Raises:
        SettingError: The format holds no such size.
        ValueError: The format holds no such type or channels.
    """
    kind = SUFFIXES[path.suffix.lower()]
    refuse_size(path, *image.shape[:2])
    if not holds(kind, image.dtype, image.shape[2]):
        raise ValueError(f"image is {image.dtype} {image.shape}, which {kind} does not hold")
    by_opencv = kind != "npy" and holds("png", image.dtype, image.shape[2])
    if (by_opencv and image.shape[2] != 4) or kind == "png":
        return _by_opencv(image, kind, quality)
    return _array(image) if kind == "npy" else _tiff(image)


def write_encoded(path: Path, encoded: bytes) -> None:
    """Writes or replaces a picture's file, whole or not at all; makes its folder.

    Raises:
        SettingError: The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, encoded, durable=False)
    except OSError as error:
        raise cannot_write(path, error) from error


def _by_opencv(image: np.ndarray, kind: str, quality: int) -> bytes:
    import cv2

    options = {"jpg": [cv2.IMWRITE_JPEG_QUALITY], "webp": [cv2.IMWRITE_WEBP_QUALITY]}.get(kind, [])
    turned = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(image.shape[2])
    bgr = image if turned is None else cv2.cvtColor(image, turned)
    _, encoded = cv2.imencode(f".{kind}", bgr, [*options, quality] if options else [])
    return encoded.tobytes()


def _array(image: np.ndarray) -> bytes:
    """An array of numpy, (H, W) of one channel, (H, W, C) of several."""
    file = io.BytesIO()
    np.save(file, image[:, :, 0] if image.shape[2] == 1 else image, allow_pickle=False)
    return file.getvalue()


def _tiff(image: np.ndarray) -> bytes:
    """A TIFF of one page whose channels mean nothing in particular, unless they are three."""
    import tifffile

    file, several = io.BytesIO(), image.shape[2] > 1
    tifffile.imwrite(
        file, image if several else image[:, :, 0],
        photometric="rgb" if image.shape[2] == 3 else "minisblack",
        planarconfig="contig" if several else None, compression="zlib", metadata=None,
    )  # fmt: skip
    return file.getvalue()


def refuse_size(path: Path, height: int, width: int) -> None:
    """Makes sure that a format can hold a picture of so many pixels.

    Raises:
        SettingError: It cannot.
    """
    kind = SUFFIXES[path.suffix.lower()]
    most = LARGEST_SIDE.get(kind, max(height, width))
    if max(height, width) > most:
        raise setting_error(
            f"output_format={kind}", f"a picture of {height} x {width} pixels for '{path}'",
            f"sides of {most} pixels at most, which is what the format holds",
            "Use output_format=png or tif.",
        )  # fmt: skip


def row_writer(path: Path, height: int, width: int, quality: int = QUALITY) -> Any:
    """A writer that takes a picture row by row, with the methods of ``PngWriter``.

    PNG is written as rows come. The other formats are held until the last one.

    Args:
        path: As in ``write_picture``.
        height: Rows that will come.
        width: Pixels of each.
        quality: As in ``write_picture``.

    Raises:
        SettingError: The format holds no such size.
    """
    refuse_size(path, height, width)
    if SUFFIXES[path.suffix.lower()] == "png":
        return PngWriter(path, height, width)
    return _WholePicture(path, quality)


class _WholePicture:
    """Keeps the rows, and writes them at the end."""

    def __init__(self, path: Path, quality: int) -> None:
        self.path, self.quality = path, quality
        self.rows: list[np.ndarray] = []

    def __enter__(self) -> "_WholePicture":
        return self

    def write(self, rows: np.ndarray) -> None:
        """Takes the next rows, (h, width, C)."""
        self.rows.append(rows.copy())

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            write_picture(self.path, np.concatenate(self.rows), self.quality)


def wrong_format(value: Any) -> SettingError:
    """The error for an ``output_format`` that is none, to be raised."""
    return setting_error(
        f"output_format={value}", repr(value), f"one of {', '.join(FORMATS)}",
        f"For example output_format={FORMATS[0]}.",
    )  # fmt: skip
