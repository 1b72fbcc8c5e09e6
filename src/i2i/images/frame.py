"""What stands around the pixels of a JPEG or PNG file: its size and its end."""

import mmap
import re
from typing import Any

from i2i.errors import setting_error

_JPEG_START = b"\xff\xd8\xff"
PNG_START = b"\x89PNG\r\n\x1a\n"
# In entropy-coded JPEG data FF00 is a plain FF, FFD0 to FFD7 are restarts and FFFF is fill.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # T.81, Table B.1

# A header of 100 bytes may claim a billion pixels, for which 3 GB are taken before the first one
# comes. The largest real picture seen in this field has 100 million.
DEFAULT_MEGAPIXELS = 268
MOST_PIXELS = DEFAULT_MEGAPIXELS * 1_000_000
LARGEST_LIMIT = 1 << 30  # what OpenCV decodes at all


def pixel_limit(megapixels: Any, setting: str) -> int:
    """Pixels that a picture may have.

    Args:
        megapixels: The option, in millions.
        setting: Its name.

    Raises:
        SettingError: It is no number above 0, or more than OpenCV decodes.
    """
    most = LARGEST_LIMIT / 1e6
    number = isinstance(megapixels, int | float) and not isinstance(megapixels, bool)
    if not number or not 0 < megapixels <= most:
        raise setting_error(
            f"{setting}={megapixels}", repr(megapixels), f"millions of pixels, up to {most:,.1f}",
            f"{setting}={DEFAULT_MEGAPIXELS} is the default.",
        )  # fmt: skip
    return int(megapixels * 1e6)


def frame_defect(data: bytes | mmap.mmap, most_pixels: int) -> str | None:
    """Says what is wrong with a file's frame.

    Returns:
        None if it begins as JPEG or PNG, claims no more pixels than it may, and has its end.
    """
    if data[:3] == _JPEG_START:
        whole, size = _jpeg_has_end(data), _jpeg_size(data)
    elif data[:8] == PNG_START:
        whole = _png_has_end(data)
        size = int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    else:
        return "neither a JPEG nor a PNG file" if len(data) else "an empty file"
    if whole and size[0] * size[1] > most_pixels:
        return (
            f"an image of {size[0]} x {size[1]} pixels, more than {most_pixels / 1e6:,.0f} million "
            "(max_megapixels= of translate, dataset.max_megapixels= of a data set raise that)"
        )
    return None if whole else f"a file cut short ({len(data)} bytes, without its end marker)"


def _jpeg_size(data: bytes | mmap.mmap) -> tuple[int, int]:
    """Height and width that the frame header claims (ITU-T T.81, B.2.2); zeros where none is."""
    at = 2
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        marker, at = data[found.start() + 1], found.end()
        if marker in _FRAME_HEADERS:
            return (
                int.from_bytes(data[at + 3 : at + 5], "big"),
                int.from_bytes(data[at + 5 : at + 7], "big"),
            )
        if marker != 0x01:
            at += int.from_bytes(data[at : at + 2], "big")
    return 0, 0


def _jpeg_has_end(data: bytes | mmap.mmap) -> bool:
    """Looks for the end-of-image marker FFD9; padding or appended data may follow it.

    Where the last two bytes are not the marker, the segments are walked (ITU-T T.81, Annex B),
    because the thumbnail inside a header has an end marker too.
    """
    if data[len(data) - 2 : len(data)] == b"\xff\xd9":
        return True
    at = 2
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        marker, at = data[found.start() + 1], found.end()
        if marker == 0xD9:
            return True
        if marker != 0x01:  # TEM stands alone; every other segment here carries its length
            at += int.from_bytes(data[at : at + 2], "big")
    return False


def _png_has_end(data: bytes | mmap.mmap) -> bool:
    """Follows the chunks (length, type, data, checksum) up to IEND."""
    at = len(PNG_START)
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False
