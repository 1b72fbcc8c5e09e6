"""How the pictures of one side of a data set are read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2i.errors import setting_error
from i2i.images.image_io import as_channels
from i2i.images.notes import note_once
from i2i.images.other_types import misfit, told
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.images.stored import read_stored
from i2i.images.transparency import DEFAULT_BACKGROUND, KEEP, Background, opaque
from i2i.images.values import BY_TYPE, Range, on_one_scale, type_name


@dataclass(frozen=True)
class Reading:
    """What is made of a picture's file.

    Attributes:
        channels: 3 for RGB (a grey file is replicated), 1 for luminance (ITU-R BT.601); else the
            files have as many.
        most_pixels: What a header may claim.
        background: What shows through where a picture is transparent; see ``read_stored``. ``keep``
            reads alpha as the last of 2 or 4 channels, and shows white on a side of 1 or 3.
        values: Which stored values are the lowest and the highest: "type", those of the type (0 and
            1 of floats), or two numbers; values outside of them are clipped.
        side: What the side is called in the names of options: input or target.
        trained: The type of the files that a network was trained on: others are told, or refused
            where they cannot be such. None: every type is read.
    """

    channels: int = 3
    most_pixels: int = MOST_PIXELS
    background: Background = DEFAULT_BACKGROUND
    values: Range = BY_TYPE
    side: str = "input"
    trained: str | None = None

    def read(self, path: Path) -> np.ndarray:
        """Decodes a file whole, or fails by name.

        Returns:
            (H, W, channels): uint8 as stored where the values are plain 8 bits, else float32 on the
            0..255 scale.

        Raises:
            SettingError: As in ``read_stored`` and ``of``.
        """
        return self.of(self.stored(path), path)

    def stored(self, path: Path) -> np.ndarray:
        """Decodes a file in its own type and with its own channels; see ``read_stored``."""
        return read_stored(path, self.most_pixels, self.behind)

    @property
    def behind(self) -> Background:
        """What shows through on this side."""
        keeps = self.background != KEEP or self.channels in WITH_ALPHA
        return self.background if keeps else DEFAULT_BACKGROUND

    def of(self, stored: np.ndarray, path: Path) -> np.ndarray:
        """Makes of a stored picture, or of a part of it, what ``read`` returns.

        Args:
            stored: (H, W, C) of any type.
            path: Where it comes from, for errors.

        Raises:
            SettingError: It has other channels, is of floats outside of 0..1 and nothing says which
                values are black and white, or cannot be what a network was trained on.
        """
        if self.behind == KEEP:
            stored = opaque(stored, self.channels)
        if stored.shape[2] != self.channels and (stored.shape[2], self.channels) not in WAYS:
            raise self.other_channels(stored.shape[2], path)
        if self.values == BY_TYPE and stored.dtype.kind == "f":
            self.require_unit_range(stored, path)
        if self.trained not in (None, type_name(stored.dtype)):
            self.judge_type(stored, path)
        if stored.dtype in _LEVELS:  # OpenCV weighs their levels in whole numbers
            return on_one_scale(as_channels(stored, self.channels), self.values)
        return as_channels(on_one_scale(stored, self.values), self.channels)

    def judge_type(self, stored: np.ndarray, path: Path) -> None:
        """Tells, once, of a picture of another type than the network was trained on.

        Raises:
            SettingError: It cannot be such a picture; see ``misfit``.
        """
        picture, name = f"image '{path}'", type_name(stored.dtype)
        if error := misfit(stored, self.trained, self.values, picture):
            raise error
        line = told(name, self.trained, self.values, picture, self.side)
        note_once(f"type {name}", f"Warning: {line}")

    def require_unit_range(self, stored: np.ndarray, path: Path) -> None:
        """Refuses floats that are not from 0 to 1, as those of ``type`` are.

        Raises:
            SettingError: They are not.
        """
        low, high = float(stored.min()), float(stored.max())
        if low < 0 or high > 1:
            raise setting_error(
                f"image '{path}'", f"{stored.dtype} values from {low:.6g} to {high:.6g}",
                f"0 to 1, which is what dataset.{self.side}_range=type takes for floats",
                f"Say which values are black and white: dataset.{self.side}_range=[low,high], or "
                "data for those of the training set." if self.trained is None
                else "Give floats from 0 to 1, or pictures of the type of the training set.",
            )  # fmt: skip

    def other_channels(self, found: int, path: Path) -> Exception:
        """The error for a file of which no picture of as many channels is made."""
        option = f"dataset.{self.side}_channels"
        return setting_error(
            f"image '{path}'", f"{found} channels", f"{self.channels}, as {option} says",
            f"Add {option}={found} if all files have as many; 1 is made of 3, and 3 of 1."
            if self.trained is None else
            "Give pictures of as many channels as in training; 1 is made of 3, and 3 of 1.",
        )  # fmt: skip


_LEVELS = (np.dtype(np.uint8), np.dtype(np.uint16))
WITH_ALPHA = (2, 4)  # channels of pictures whose last one may be alpha
WAYS = ((1, 3), (3, 1))  # channels of a file, and what can be made of them
COLOURS = Reading()
