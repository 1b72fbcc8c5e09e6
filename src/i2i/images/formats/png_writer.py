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
from i2i.images.formats.png import START
from i2i.images.image_io import cannot_write

_TYPES = (np.uint8, np.uint16)
_SUB = 1  # the filter: each byte less the one of the pixel to its left (section 9.2)
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels: grey, RGB, RGB and alpha (section 11.2.2)


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
        self.dtype: np.dtype | None = None  # that of the first rows
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
            rows: uint8 or uint16 (h, width, 1) for grey, (h, width, 3) for RGB or (h, width, 4) for
                RGB and alpha.

        Raises:
            ValueError: They are of another dtype or shape than the ones before, or too many.
        """
        channels = self.channels or rows.shape[-1]
        dtype = rows.dtype if self.dtype is None else self.dtype
        good = rows.dtype == dtype and dtype in _TYPES
        good = good and rows.shape == (len(rows), self.width, channels)
        if not good or channels not in _COLOUR_TYPES or self.rows + len(rows) > self.height:
            wanted = "uint8" if self.dtype is None else self.dtype
            raise ValueError(
                f"rows are {rows.dtype} {rows.shape} after {self.rows} of {self.height}; expected "
                f"{wanted} (h, {self.width}, {self.channels or '1, 3 or 4'})"
            )
        try:
            if not self.channels:
                self._begin(channels, rows.dtype)
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

    def _begin(self, channels: int, dtype: np.dtype) -> None:
        self.channels, self.dtype = channels, dtype
        self.file.write(START)
        colour = _COLOUR_TYPES[channels]
        size, bits = (self.width, self.height), 8 * dtype.itemsize
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0))

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
    """The bytes to compress, (h, 1 + bytes of a row): the filter's number, then differences."""
    height, pixel = len(rows), rows.shape[2] * rows.itemsize  # bytes
    flat = (
        np.ascontiguousarray(rows, rows.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    )
    out = np.empty((height, 1 + flat.shape[1]), np.uint8)
    out[:, 0] = _SUB
    out[:, 1 : 1 + pixel] = flat[:, :pixel]
    np.subtract(flat[:, pixel:], flat[:, :-pixel], out=out[:, 1 + pixel :])  # modulo 256
    return out
