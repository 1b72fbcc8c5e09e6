"""JPEG files (ITU-T T.81), read by libjpeg-turbo, which says where data are damaged."""

import re
from collections.abc import Iterator

import numpy as np

from i2i.images.formats.by_pillow import pillow
from i2i.images.formats.header import (
    Damaged,
    Data,
    Format,
    Header,
    as_file,
    cut_short,
    in_a_few_words,
)
from i2i.images.orientation import orientation_of

_START = b"\xff\xd8\xff"
# In entropy-coded data FF00 is a plain FF, FFD0 to FFD7 are restarts and FFFF is fill.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # T.81, Table B.1
_TEM, _SCAN, _END, _APP1, _APP2, _PROGRESSIVE = 0x01, 0xDA, 0xD9, 0xE1, 0xE2, 0xC2
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
# Of what libjpeg warns of, these do not touch the pixels.
_HARMLESS = (
    "unknown JFIF revision",
    "Unknown Adobe color transform",
    "Invalid SOS parameters",
    "bad ICC marker",
)


def header(data: Data) -> Header:
    """Walks the segments up to the first scan, and looks for the end of the image."""
    if not _has_end(data):
        raise cut_short(data, "without its end marker")
    frame, orientation, profile = None, 1, {}
    for marker, start, end in _segments(data):
        if marker == _SCAN:
            break
        if marker in _FRAME_HEADERS:
            frame = data[start : start + 6]
        elif marker == _APP1 and data[start : start + 6] == _EXIF:
            orientation = orientation_of(data[start + 6 : end])
        elif marker == _APP2 and data[start : start + 12] == _ICC:
            profile[data[start + 12 : start + 13]] = data[start + 14 : end]
    if frame is None or len(frame) < 6:
        raise Damaged("a damaged header")
    bits, components = frame[0], frame[5]
    if bits != 8 or components not in (1, 3, 4):
        raise Damaged(f"a JPEG of {bits} bits and {components} channels, which is not read")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if not height or not width:
        raise Damaged("a damaged header")
    joined = b"".join(profile[number] for number in sorted(profile)) or None
    channels = 1 if components == 1 else 3
    return Header(
        height, width, channels, orientation=orientation, profile=joined, cmyk=components == 4
    )


def pixels(data: Data, header: Header) -> np.ndarray:
    """Decodes a picture; CMYK as Adobe stores it, inverted, is turned round."""
    space = "CMYK" if header.cmyk else "GRAY" if header.channels == 1 else "RGB"
    image = _decoded(data, space)
    return 255 - image if header.cmyk else image


def check(data: Data, header: Header) -> None:
    """Decodes an eighth of each side, for which all data are gone through in half the time."""
    space = "CMYK" if header.cmyk else "GRAY"
    _decoded(data, space, min_height=1, min_width=1, min_factor=8)


def _decoded(data: Data, space: str, **scaled: int) -> np.ndarray:
    from simplejpeg import decode_jpeg

    _require_all_scans(data)
    try:
        return decode_jpeg(data, space, strict=True, **scaled)
    except ValueError as error:
        if not any(words in str(error) for words in _HARMLESS):
            raise Damaged(f"damaged image data ({error})") from error
    with in_a_few_words("damaged image data"):  # Pillow's libjpeg passes over warnings
        with pillow().open(as_file(data), formats=["JPEG"]) as image:
            values = np.array(image)
    return 255 - values if space == "CMYK" else values.reshape(*values.shape[:2], -1)


def _require_all_scans(data: Data) -> None:
    """Makes sure that a progressive picture has all of its bits (T.81, G.1.1).

    Where a file was cut between two scans, and closed again, no decoder finds anything odd.

    Raises:
        Damaged: Bits of a coefficient are in no scan.
    """
    left: dict[int, list[int]] = {}  # by component: the lowest bit that each coefficient has so far
    for marker, start, end in _segments(data):
        if marker in _FRAME_HEADERS:
            if marker != _PROGRESSIVE:
                return
            left = {component: [1] * 64 for component in data[start + 6 : end : 3]}
        elif marker == _SCAN:
            first, last, bits = data[end - 3 : end].rjust(3, b"\0")
            for component in data[start + 1 : end - 3 : 2]:
                if component in left and first <= last < 64:
                    left[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    if any(any(bits) for bits in left.values()):
        raise Damaged("damaged image data (the last scans of a progressive JPEG are missing)")


def _segments(data: Data) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment up to the end of the image (T.81, Annex B)."""
    at = 2
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        marker, at = data[found.start() + 1], found.end()
        if marker == _END:
            return
        if marker != _TEM:  # stands alone; every other segment here carries its length
            start, at = at + 2, at + int.from_bytes(data[at : at + 2], "big")
            yield marker, start, at


def _has_end(data: Data) -> bool:
    """Looks for the end-of-image marker FFD9; padding or appended data may follow it.

    Where the last two bytes are not the marker, the segments are walked (T.81, Annex B), because
    the thumbnail inside a header has an end marker too.
    """
    if data[len(data) - 2 : len(data)] == b"\xff\xd9":
        return True
    at = 2
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        marker, at = data[found.start() + 1], found.end()
        if marker == _END:
            return True
        if marker != _TEM:
            at += int.from_bytes(data[at : at + 2], "big")
    return False


JPEG = Format("JPEG", lambda start: start.startswith(_START), header, pixels, check)
