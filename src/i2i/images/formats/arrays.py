"""Arrays of numpy, .npy and .npz: (H, W) or (H, W, C) numbers."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from i2i.files.npy_header import read_npy_header
from i2i.images.formats.header import (
    Damaged,
    Data,
    Format,
    Header,
    as_file,
    cut_short,
    in_a_few_words,
)

_NPY_START, _ZIP_START = b"\x93NUMPY", b"PK\x03\x04"


def npy_header(data: Data) -> Header:
    """What an array says of itself; it has to have all of its bytes."""
    file = as_file(data)
    shape, dtype, _ = _described(file)
    header = _picture(shape, dtype)
    if len(data) - file.tell() < _bytes_of(shape, dtype):
        raise cut_short(data, "without its last values")
    return header


def npy_pixels(data: Data, header: Header) -> np.ndarray:
    """The array; truth values become 0 and 255."""
    return _values(as_file(data), header)


def npz_header(data: Data) -> Header:
    """What the one array of an archive says of itself."""
    with _member(data) as (file, size):
        shape, dtype, _ = _described(file)
        if size < _bytes_of(shape, dtype):
            raise cut_short(data, "without its last values")
        return _picture(shape, dtype)


def npz_pixels(data: Data, header: Header) -> np.ndarray:
    """The one array of an archive, whose checksum is compared."""
    with _member(data) as (file, _):
        with in_a_few_words("damaged image data"):
            image = _values(file, header)
            file.read(1)  # zipfile compares the checksum at the end
            return image


@contextmanager
def _member(data: Data) -> Iterator[tuple[IO[bytes], int]]:
    """The one array in an archive, opened, and its size when unpacked."""
    with in_a_few_words("a damaged archive"):
        with zipfile.ZipFile(as_file(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            if len(names) != 1:
                found = ", ".join(name.removesuffix(".npy") for name in names[:5]) or "none"
                raise Damaged(f"an archive of {len(names)} arrays ({found}) in place of one")
            with archive.open(names[0]) as file:
                yield file, archive.getinfo(names[0]).file_size


def _described(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Shape, type and whether columns come first."""
    with in_a_few_words("a damaged header"):
        try:
            shape, by_columns, dtype = read_npy_header(file)
        except KeyError as error:
            raise Damaged("an array of records, which is no picture") from error
    return shape, dtype, by_columns


def _picture(shape: tuple[int, ...], dtype: np.dtype) -> Header:
    if dtype.hasobject:
        raise Damaged("an array of Python objects, which are not read")
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise Damaged(f"an array of {dtype}, which is no picture")
    if len(shape) not in (2, 3) or min(shape) < 1:
        size = " x ".join(map(str, shape)) or "one value"
        raise Damaged(f"an array of {size}, which is neither (H, W) nor (H, W, C)")
    read_as = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    return Header(shape[0], shape[1], shape[2] if len(shape) == 3 else 1, read_as)


def _values(file: IO[bytes], header: Header) -> np.ndarray:
    shape, dtype, by_columns = _described(file)
    with in_a_few_words("damaged image data"):
        values = np.frombuffer(file.read(_bytes_of(shape, dtype)), dtype)
        image = values.reshape(shape, order="F" if by_columns else "C")
    if image.dtype.kind == "b":
        image = image * np.uint8(255)
    size = header.height, header.width, header.channels
    # A copy: nothing can be written into the bytes of a file.
    return np.array(image.reshape(size), dtype=header.dtype, order="C")


def _bytes_of(shape: tuple[int, ...], dtype: np.dtype) -> int:
    number = dtype.itemsize
    for side in shape:  # in whole numbers that do not overflow
        number *= side
    return number


NPY = Format("npy", lambda start: start.startswith(_NPY_START), npy_header, npy_pixels, npy_pixels)
NPZ = Format("npz", lambda start: start.startswith(_ZIP_START), npz_header, npz_pixels, npz_pixels)
