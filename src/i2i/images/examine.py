"""A look at a picture's file without reading the picture: its header, and whether it is whole."""

import mmap
import os
from pathlib import Path

from i2i.files.ordinary import Unreadable, open_regular
from i2i.images.formats.header import Damaged, Header
from i2i.images.formats.known import format_of
from i2i.images.pixel_limit import MOST_PIXELS

MOST_CHECKED = 16_000_000  # pixels: a small file may hold a giant picture, and several are checked


class _Mapped(mmap.mmap):
    """A file in memory; zipfile asks for this method, which came with Python 3.13."""

    def seekable(self) -> bool:
        return True


def examine_image(path: Path, most_pixels: int = MOST_PIXELS, whole: bool = False) -> Header | str:
    """Reads what a file says of its picture, or says what is wrong with it.

    Args:
        path: The file.
        most_pixels: As in ``read_stored``.
        whole: Also looks whether the pixels can be decoded, at a fraction of the time of reading
            them where the format allows that; not of pictures above 16 million pixels.

    Returns:
        Size, type, channels and so on; or words.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                return "an empty file"
            with _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                known = format_of(data)
                header = known.header(data)
                defect = header.too_large(most_pixels)
                if defect is None and whole and header.height * header.width <= MOST_CHECKED:
                    known.check(bytes(data), header)
                return defect or header
    except (Unreadable, Damaged) as error:
        return str(error)
    except OSError as error:
        return (error.strerror or "a file that cannot be read").lower()
