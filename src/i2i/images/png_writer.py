"""Writing of a PNG row by row, for pictures too large to be held twice.

OpenCV and Pillow want the whole picture and copy it; the format itself is a header and one zlib
stream (ISO/IEC 15948:2004).
"""

import struct
import zlib
from pathlib import Path
from types import TracebackType

import numpy as np

from i2i.files.atomic import replacing
from i2i.images.image_io import cannot_write

_START = b"\x89PNG\r\n\x1a\n"
_SUB = 1  # the filter: each byte less the one of the pixel to its left (section 9.2)
_COLOUR_TYPES = {1: 0, 3: 2}  # by channels: grey, RGB (section 11.2.2)


class PngWriter:
    """Writes rows as they come, so that the file is either whole or not there.

    Used in a ``with`` block: at its end the file gets its name; after an error there is none, and
    an older file of that name is left alone.

    Args:
        path: The file to write or to replace; its folder is made where needed.
        height: Rows that will come.
        width: Pixels of each.

    Raises:
        SettingError: The folder or the file cannot be written; from any method.
    """

    def __init__(self, path: Path, height: int, width: int) -> None:
        self.path, self.height, self.width = path, height, width
        self.channels = self.rows = 0
        # Level 1 with runs only, as OpenCV does: a quarter of the time of the default.
        self.packer = zlib.compressobj(1, strategy=zlib.Z_RLE)

    def __enter__(self) -> "PngWriter":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.renaming = replacing(self.path, durable=False)
            self.file = self.renaming.__enter__()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        return self

    def write(self, rows: np.ndarray) -> None:
        """Writes the next rows.

        Args:
            rows: uint8 (h, width, 1) for grey or (h, width, 3) for RGB.

        Raises:
            ValueError: They are of another dtype or shape than the ones before, or too many.
        """
        channels = self.channels or rows.shape[-1]
        good = rows.dtype == np.uint8 and rows.shape == (len(rows), self.width, channels)
        if not good or channels not in _COLOUR_TYPES or self.rows + len(rows) > self.height:
            raise ValueError(
                f"rows are {rows.dtype} {rows.shape} after {self.rows} of {self.height}; expected "
                f"uint8 (h, {self.width}, {self.channels or '1 or 3'})"
            )
        try:
            if not self.channels:
                self._begin(channels)
            self._data(self.packer.compress(_filtered(rows)))
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self.rows += len(rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            try:
                if kind is None:
                    self._end()
            except BaseException as found:
                self.renaming.__exit__(type(found), found, found.__traceback__)
                raise
            self.renaming.__exit__(kind, error, trace)
        except OSError as found:
            raise cannot_write(self.path, found) from found

    def _begin(self, channels: int) -> None:
        self.channels = channels
        self.file.write(_START)
        colour = _COLOUR_TYPES[channels]
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, colour, 0, 0, 0))

    def _end(self) -> None:
        if self.rows != self.height:
            raise ValueError(f"{self.rows} rows of {self.path.name}; expected {self.height}")
        self._data(self.packer.flush())
        self._chunk(b"IEND", b"")

    def _data(self, packed: bytes) -> None:
        if packed:
            self._chunk(b"IDAT", packed)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self.file.write(struct.pack(">I", len(data)) + kind)
        self.file.write(data)
        self.file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _filtered(rows: np.ndarray) -> np.ndarray:
    """The bytes to compress, (h, 1 + width * channels): the filter's number, then differences."""
    height, width, channels = rows.shape
    out = np.empty((height, 1 + width * channels), np.uint8)
    out[:, 0] = _SUB
    flat = rows.reshape(height, -1)
    out[:, 1 : 1 + channels] = flat[:, :channels]
    np.subtract(flat[:, channels:], flat[:, :-channels], out=out[:, 1 + channels :])  # modulo 256
    return out
