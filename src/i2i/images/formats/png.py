"""PNG files (ISO/IEC 15948:2004), read by libpng, which checks what it decodes."""

import logging
import zlib
from collections.abc import Iterator

import numpy as np

from i2i.images.formats.header import Damaged, Data, Format, Header, cut_short
from i2i.images.orientation import orientation_of

START = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}  # by colour type, alpha aside (section 11.2.2)
_WITH_ALPHA = (4, 6)
_CHECKED_WITH_THE_PIXELS = (b"IDAT", b"fdAT")
MOST_PROFILE = 16_000_000  # bytes of an unpacked profile; those of inks have a million

# It would say what is odd about a file without the file's name; what matters is raised.
logging.getLogger("imagecodecs").setLevel(logging.CRITICAL + 1)


def header(data: Data) -> Header:
    """Walks the chunks up to the end, and compares the checksums of all but the pixels' chunks."""
    alpha, orientation, profile, first = False, 1, None, None
    for kind, start, end in _chunks(data):
        if kind in _CHECKED_WITH_THE_PIXELS:
            continue
        _check(data, kind, start, end)
        if kind == b"IHDR":
            first = data[start:end]
        elif kind == b"tRNS":
            alpha = True
        elif kind == b"eXIf":
            orientation = orientation_of(data[start:end])
        elif kind == b"iCCP":
            profile = _unpacked(data[start:end])
    if first is None or len(first) != 13 or first[9] not in _CHANNELS:
        raise Damaged("a damaged header")
    width, height = int.from_bytes(first[:4], "big"), int.from_bytes(first[4:8], "big")
    if not height or not width:
        raise Damaged("a damaged header")
    dtype = np.dtype(np.uint16 if first[8] == 16 else np.uint8)
    alpha = alpha or first[9] in _WITH_ALPHA
    return Header(
        height, width, _CHANNELS[first[9]], dtype, alpha, orientation=orientation, profile=profile
    )


def pixels(data: Data, header: Header) -> np.ndarray:
    """Decodes a picture; of an animation the still one."""
    from imagecodecs import PngError, png_decode

    try:
        image = png_decode(data)
    except (PngError, ValueError) as error:  # ValueError: also where the error has no text
        words = "no text" if isinstance(error, UnicodeDecodeError) else error
        raise Damaged(f"damaged image data ({words})") from error
    return image if image.ndim == 3 else image[:, :, np.newaxis]


def check(data: Data, header: Header) -> None:
    """Compares the checksums of the pixels' chunks, for a hundredth of the time of decoding.

    Raises:
        Damaged: One is wrong.
    """
    for kind, start, end in _chunks(data):
        if kind in _CHECKED_WITH_THE_PIXELS:
            _check(data, kind, start, end)


def _chunks(data: Data) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each chunk up to IEND; a chunk is length, type, data, checksum."""
    at = len(START)
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        yield kind, at + 8, end
        if kind == b"IEND":
            return
        at = end + 4
    raise cut_short(data, "without its end marker")


def _check(data: Data, kind: bytes, start: int, end: int) -> None:
    with memoryview(data) as view:
        found = zlib.crc32(view[start - 4 : end])
    if found != int.from_bytes(data[end : end + 4], "big"):
        raise Damaged(f"damaged image data (a wrong checksum of {kind!r})")


def _unpacked(chunk: bytes) -> bytes:
    """The profile in an iCCP chunk: a name, a zero, the method, the packed profile (11.3.3.3)."""
    packed = chunk.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(packed, MOST_PROFILE) or b"empty"
    except zlib.error:
        return b"damaged"  # no profile at all, which is said where it would be used


PNG = Format("PNG", lambda start: start.startswith(START), header, pixels, check)
