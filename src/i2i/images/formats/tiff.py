"""TIFF files, read by tifffile, with the decoders of imagecodecs.

Several pages of one size and type with one channel each are the channels of one picture, as
microscopes and satellites store them. Of other files with several pages the first is read.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from i2i.images.formats.header import (
    Damaged,
    Data,
    Format,
    Header,
    as_file,
    cut_short,
    in_a_few_words,
)

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF and BigTIFF, of both byte orders
_ORIENTATION = 274
_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _INKS, _YCBCR = 0, 1, 2, 3, 5, 6
_JPEG = (6, 7)
_PREMULTIPLIED, _STRAIGHT = 1, 2  # kinds of extra samples (TIFF 6.0, page 31)

# It would say what is odd about a file without the file's name; what matters is raised.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


def header(data: Data) -> Header:
    """Reads the directories; the data of all strips or tiles have to lie inside the file."""
    with _pages(data) as pages, in_a_few_words("a damaged header"):
        page = pages[0]
        for each in pages:
            _refuse_gaps(each, data)
        height, width = page.imagelength, page.imagewidth
        colour, alpha = _channels(page)
        dtype = _type(page)
        tag = page.tags.get(_ORIENTATION)
        turned = int(tag.value) if tag is not None and tag.value in range(1, 9) else 1
        in_inks = page.photometric == _INKS and colour == 4
        if len(pages) > 1 and _by_rows(pages):
            height, width, colour = len(pages), page.imagelength, page.imagewidth
        elif len(pages) > 1:
            colour = len(pages)
        return Header(
            height, width, 3 if in_inks else colour, dtype, alpha is not None,
            premultiplied=alpha == _PREMULTIPLIED, orientation=turned, cmyk=in_inks,
            profile=_profile(page, dtype, colour),
        )  # fmt: skip


def pixels(data: Data, header: Header) -> np.ndarray:
    """Decodes the first page, or all pages as channels."""
    with _pages(data) as pages, in_a_few_words("damaged image data"):
        found = [_decoded(page) for page in pages]
        if len(found) == 1:
            image = found[0]
        elif _by_rows(pages):
            image = np.stack(found)[:, :, :, 0]
        else:
            image = np.concatenate(found, axis=2)
        channels = 4 if header.cmyk else header.channels + header.alpha
        if image.shape[2] > channels:  # channels behind alpha, which mean nothing to us
            image = image[:, :, :channels]
        return np.ascontiguousarray(image.reshape(header.height, header.width, channels))


@contextmanager
def _pages(data: Data) -> Iterator[Sequence[Any]]:
    """The pages that make the picture."""
    from tifffile import TiffFile

    with in_a_few_words("a damaged header"):
        tiff = TiffFile(as_file(data))
        pages = list(tiff.pages)
        if not pages:
            raise Damaged("a TIFF file without a picture")
        for page in pages[:1]:
            _refuse_kind(page)
        first = pages[0]
        alike = all(
            page.samplesperpixel == 1
            and page.photometric in (_WHITE_IS_0, _BLACK_IS_0)
            and (page.shape, page.dtype) == (first.shape, first.dtype)
            for page in pages
        )
    yield pages if alike else pages[:1]


def _by_rows(pages: Sequence[Any]) -> bool:
    """Whether an array (H, W, C) was written whose every row became a page, as tifffile does."""
    page = pages[0]
    return page.imagewidth < min(page.imagelength, len(pages))


def _refuse_kind(page: Any) -> None:
    if page.dtype is None or page.dtype.kind not in "buif" or page.dtype.itemsize > 8:
        raise Damaged(f"a TIFF file of {page.dtype or 'unknown values'}, which is not read")
    if page.imagedepth != 1 or not page.imagelength or not page.imagewidth:
        raise Damaged("a TIFF file without a flat picture")
    kinds = (_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _INKS)
    if page.photometric not in kinds and not (
        page.photometric == _YCBCR and page.compression in _JPEG
    ):
        name = getattr(page.photometric, "name", page.photometric)
        raise Damaged(f"a TIFF file of colours as {name}, which are not read")


def _refuse_gaps(page: Any, data: Data) -> None:
    ends = [at + n for at, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=0) > len(data):
        raise cut_short(data, "without its last pixels")
    if not ends or not min(page.databytecounts):
        raise Damaged("a TIFF file that lacks a part of its pixels")


def _channels(page: Any) -> tuple[int, int | None]:
    """Channels besides alpha, and the kind of alpha, if any."""
    if page.photometric == _PALETTE:
        return 3, None
    kinds = [int(kind) for kind in page.extrasamples or ()]
    first = page.samplesperpixel - len(kinds)
    if kinds and kinds[0] in (_PREMULTIPLIED, _STRAIGHT) and first in (1, 3):
        return first, kinds[0]
    return page.samplesperpixel, None


def _type(page: Any) -> np.dtype:
    """Of the values as they are read: below 8 bits and for truth values, all of uint8."""
    if page.dtype.kind == "b" or page.photometric == _PALETTE:
        return np.dtype(np.uint8)
    return page.dtype.newbyteorder("=")


def _profile(page: Any, dtype: np.dtype, colour: int) -> bytes | None:
    if dtype not in (np.uint8, np.uint16) or colour not in (1, 3, 4):
        return None  # of measured values there is no colour to convert
    return page.iccprofile or None


def _decoded(page: Any) -> np.ndarray:
    """The values of one page, (H, W, C)."""
    image = page.asarray()
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    elif page.planarconfig == 2 and page.samplesperpixel > 1:
        image = np.moveaxis(image, 0, 2)
    if page.photometric == _PALETTE:
        table = np.asarray(page.colormap)  # (3, 2 ** bits) of 16 bits
        table = table >> 8 if table.max() > 255 else table
        return table.T[image[:, :, 0]].astype(np.uint8)
    bits = page.bitspersample
    bits = bits if isinstance(bits, int) else min(bits)
    if image.dtype.kind == "b" or bits < 8:
        image = image.astype(np.uint8) * np.uint8(255 // (2**bits - 1))
    if page.photometric == _WHITE_IS_0:
        if image.dtype.kind != "u":
            raise Damaged("a TIFF file that calls 0 white, of values without a largest one")
        image = np.iinfo(image.dtype).max - image
    return image.astype(image.dtype.newbyteorder("="), copy=False)


TIFF = Format("TIFF", lambda start: start.startswith(_STARTS), header, pixels, pixels)
