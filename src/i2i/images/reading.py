"""How the pictures of one side of a data set are read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2i.images.frame import MOST_PIXELS
from i2i.images.image_io import as_channels
from i2i.images.stored import read_stored


@dataclass(frozen=True)
class Reading:
    """What is made of a picture's file.

    Attributes:
        channels: 3 for RGB (a grey file is replicated), 1 for luminance (ITU-R BT.601).
        most_pixels: What a header may claim.
        background: What shows through where a picture is transparent; see ``read_stored``.
        values: Which stored values are the lowest and the highest: "type", those of the type.
    """

    channels: int = 3
    most_pixels: int = MOST_PIXELS
    background: str = "white"
    values: str = "type"

    def read(self, path: Path) -> np.ndarray:
        """Decodes a file whole, or fails by name.

        Returns:
            (H, W, channels): uint8, or for files of 16 bits a channel float32 on the 0..255 scale
            (value / 257).

        Raises:
            SettingError: As in ``read_stored``.
        """
        return self.of(self.stored(path))

    def stored(self, path: Path) -> np.ndarray:
        """Decodes a file in its own type and with its own channels; see ``read_stored``."""
        return read_stored(path, self.most_pixels, self.background)

    def of(self, stored: np.ndarray) -> np.ndarray:
        """Makes of a stored picture, or of a part of it, what ``read`` returns."""
        image = as_channels(stored, self.channels)
        return image.astype(np.float32) / 257 if image.dtype == np.uint16 else image


COLOURS = Reading()
