"""WebP, BMP, GIF and the PNM family, read by Pillow; of an animation the first frame."""

import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from i2i.images.formats.header import Damaged, Data, Format, Header, as_file, in_a_few_words
from i2i.images.orientation import orientation_of

# By Pillow's modes: what a picture is read as, and its channels, alpha aside.
_MODES = {
    "1": ("L", 1), "L": ("L", 1), "P": ("RGB", 3), "RGB": ("RGB", 3), "RGBX": ("RGB", 3),
    "LA": ("LA", 1), "PA": ("RGBA", 3), "RGBA": ("RGBA", 3),
}  # fmt: skip
_GREY_16 = ("I", "I;16", "I;16B")  # PGM of more than 8 bits
_SPACE = rb"(?:\s|#[^\n]*\n)+"
_PNM_HEADER = re.compile(rb"P([2356])" + 3 * (_SPACE + rb"(\d+)") + rb"\s")

# It would speak of a file without naming it; what matters is raised.
warnings.filterwarnings("ignore", module=r"PIL\.")


def pillow() -> Any:
    """Pillow without its own limit, which warns at a third of ours and cannot be raised."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    return Image


def header(kind: str, data: Data) -> Header:
    """What Pillow finds before it decodes.

    Args:
        kind: One of Pillow's formats.
        data: Of the file.
    """
    with in_a_few_words("a damaged header"), pillow().open(as_file(data), formats=[kind]) as image:
        width, height = image.size
        if image.mode in _GREY_16:
            return Header(height, width, 1, np.dtype(np.uint16))
        if image.mode not in _MODES:
            raise Damaged(f"a {kind} file of mode {image.mode}, which is not read")
        mode, channels = _MODES[image.mode]
        alpha = mode.endswith("A") or "transparency" in image.info
        deep = kind == "PPM" and channels == 3 and int(_pnm_header(data)[4]) > 255
        return Header(
            height, width, channels, np.dtype(np.uint16 if deep else np.uint8), alpha,
            orientation=orientation_of(image.info.get("exif") or b""),
            profile=image.info.get("icc_profile") or None,
        )  # fmt: skip


def pixels(kind: str, data: Data, header: Header) -> np.ndarray:
    """Decodes a picture whole; Pillow raises where it cannot."""
    if kind == "PPM" and header.dtype == np.uint16 and header.channels == 3:
        return _deep_pnm(data, header)
    with in_a_few_words("damaged image data"):
        with pillow().open(as_file(data), formats=[kind]) as image:
            image.load()
            if header.dtype == np.uint16:
                return np.array(image).astype(np.uint16)[:, :, np.newaxis]
            colours = "L" if header.channels == 1 else "RGB"
            wanted = {"L": "LA", "RGB": "RGBA"}[colours] if header.alpha else colours
            stored = np.array(image if image.mode == wanted else image.convert(wanted))
    return stored.reshape(header.height, header.width, -1)


def _pnm_header(data: Data) -> re.Match[bytes]:
    """Number of the kind, width, height and the value that is white, of all but bitmaps."""
    found = _PNM_HEADER.match(bytes(data[:4096]))
    if found is None:
        raise Damaged("a damaged header")
    return found


def _deep_pnm(data: Data, header: Header) -> np.ndarray:
    """The colours of a PPM file of 16 bits, of which Pillow would keep 8 (netpbm's ppm(5))."""
    found = _pnm_header(data)
    white, n_values = int(found[4]), header.height * header.width * 3
    with in_a_few_words("damaged image data"):
        if found[1] == b"6":
            values = np.frombuffer(data, ">u2", n_values, found.end())
        else:
            values = np.array(data[found.end() :].split()[:n_values], np.int64)
        image = values.reshape(header.height, header.width, 3).astype(np.float64)
    if image.max() > white:
        raise Damaged(f"damaged image data (values above {white}, which is white)")
    return np.rint(image * (65535 / white)).astype(np.uint16)


def _format(name: str, kind: str, starts: Callable[[bytes], bool]) -> Format:
    decode = partial(pixels, kind)
    return Format(name, starts, partial(header, kind), decode, decode)


WEBP = _format("WebP", "WEBP", lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP")
BMP = _format("BMP", "BMP", lambda start: start.startswith(b"BM"))
GIF = _format("GIF", "GIF", lambda start: start.startswith((b"GIF87a", b"GIF89a")))
PNM = _format("PNM", "PPM", lambda start: re.match(rb"P[1-6][\s#]", start) is not None)
