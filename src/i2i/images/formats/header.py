"""What a picture's file says before its pixels: size, type, channels, what else has to be done."""

import io
import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NamedTuple

import numpy as np

from i2i.errors import first_line

Data = bytes | mmap.mmap
LARGEST_PIXEL = 16  # bytes that a pixel of the limit stands for: four channels of float32


class Damaged(ValueError):
    """A file cannot be used as a picture; the text says what it is, in a few words."""


class Header(NamedTuple):  # made once a file that is read: half the time of a dataclass
    """What a file says of its picture.

    Attributes:
        height: Pixels, as stored.
        width: Likewise.
        channels: Of the picture as it is read, alpha aside: 3 for a palette.
        dtype: Of its values as they are read.
        alpha: Whether a channel after these says how far each pixel is seen.
        premultiplied: Whether the colours were multiplied by it.
        orientation: As EXIF numbers them, 1 to 8 (EXIF 2.3, section 4.6.4).
        profile: The embedded ICC profile, if any.
        cmyk: Whether the pixels come in four inks, of which 255 is all.
    """

    height: int
    width: int
    channels: int
    dtype: np.dtype = np.dtype(np.uint8)
    alpha: bool = False
    premultiplied: bool = False
    orientation: int = 1
    profile: bytes | None = None
    cmyk: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the upright picture."""
        lies = self.orientation >= 5
        return (self.width, self.height) if lies else (self.height, self.width)

    @property
    def plain(self) -> bool:
        """Whether the stored pixels are the picture already."""
        return not (self.alpha or self.cmyk or self.profile is not None) and self.orientation == 1

    def too_large(self, most_pixels: int) -> str | None:
        """Says so in words if a file claims more than it may."""
        n_pixels, channels = (
            self.height * self.width,
            4 if self.cmyk else self.channels + self.alpha,
        )
        most_bytes = most_pixels * LARGEST_PIXEL
        if n_pixels <= most_pixels and n_pixels * channels * self.dtype.itemsize <= most_bytes:
            return None
        more = (
            f"more than {most_pixels / 1e6:,.6g} million "
            "(max_megapixels= of translate, dataset.max_megapixels= of a data set raise that)"
        )
        if n_pixels > most_pixels:
            return f"an image of {self.height} x {self.width} pixels, {more}"
        shape = f"{self.height} x {self.width} x {channels} of {self.dtype}"
        return f"an image of {shape}, as large as {LARGEST_PIXEL}-byte pixels {more}"


@dataclass(frozen=True)
class Format:
    """How files of one family are read.

    Attributes:
        name: What it is called in messages.
        starts: Whether a file that begins so, 32 bytes, is of this family.
        header: What the file says, nothing decoded; ``Damaged`` where it is cut short.
        pixels: The whole picture, (H, W, channels and alpha, or 4 inks); ``Damaged`` where it
            cannot be decoded whole.
        check: Raises ``Damaged`` where pixels are not whole, in less time than decoding them takes
            if there is such a way.
    """

    name: str
    starts: Callable[[bytes], bool]
    header: Callable[[Data], Header]
    pixels: Callable[[Data, Header], np.ndarray]
    check: Callable[[Data, Header], object]


@contextmanager
def in_a_few_words(what: str) -> Iterator[None]:
    """Turns whatever a library raises on a damaged file into ``Damaged``.

    Raises:
        Damaged: The block failed, for want of memory aside.
    """
    try:
        yield
    except (Damaged, MemoryError):
        raise
    except Exception as error:
        raise Damaged(f"{what} ({first_line(error, 80)})") from error


def as_file(data: Data) -> IO[bytes]:
    """The same bytes for what reads files."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    data.seek(0)
    return data


def cut_short(data: Data, lacks: str) -> Damaged:
    """The error for a file that ends too early, to be raised."""
    return Damaged(f"a file cut short ({len(data)} bytes, {lacks})")
