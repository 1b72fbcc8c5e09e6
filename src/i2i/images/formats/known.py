"""All formats that are read. A file's content says which it is, whatever its name."""

from i2i.images.formats.arrays import NPY, NPZ
from i2i.images.formats.by_pillow import BMP, GIF, PNM, WEBP
from i2i.images.formats.header import Damaged, Data, Format
from i2i.images.formats.jpeg import JPEG
from i2i.images.formats.png import PNG
from i2i.images.formats.tiff import TIFF

FORMATS = (JPEG, PNG, WEBP, TIFF, BMP, GIF, PNM, NPY, NPZ)
NAMES = ", ".join(known.name for known in FORMATS)


def format_of(data: Data) -> Format:
    """The format of a file's content.

    Raises:
        Damaged: It is empty, or of none that is read.
    """
    start = bytes(data[:32])
    for known in FORMATS:
        if known.starts(start):
            return known
    raise Damaged(f"a file of no format that is read ({NAMES})" if start else "an empty file")
