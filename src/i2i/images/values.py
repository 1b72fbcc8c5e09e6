"""Which stored values of a picture are -1 and 1 in the network, and the way back to its type."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from i2i.errors import setting_error
from i2i.images.quantise import refuse_nan, to_uint8

BY_TYPE, BY_DATA = "type", "data"
Range = str | tuple[float, float]  # BY_TYPE, BY_DATA, or the two values themselves
WHOLE_TYPES = (
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
)  # fmt: skip
FLOAT = "float32"  # what all floating-point pictures are written as
_EIGHT_BITS = np.dtype(np.uint8)
WHITE = 255.0  # of the scale on which pictures are resized and jittered


def ends_of(dtype: np.dtype | str) -> tuple[float, float]:
    """The values that a type has as black and white: all of an integer's, 0 and 1 of floats."""
    if np.dtype(dtype).kind == "f":
        return 0.0, 1.0
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


def type_name(dtype: np.dtype) -> str:
    """A type as ``Values`` names it."""
    return FLOAT if dtype.kind == "f" else dtype.name


def in_digits(value: float) -> str:
    """A value in messages and headings: whole ones in full, others to six significant digits."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def words_of(ends: tuple[float, float]) -> str:
    """Two values in words: ``0 to 4095``."""
    return f"{in_digits(ends[0])} to {in_digits(ends[1])}"


@dataclass(frozen=True)
class Values:
    """The stored values of one side of a data set.

    Attributes:
        type: That of the files, by numpy's name; float32 for every floating-point type.
        low: What -1 is in the network.
        high: What 1 is.

    Raises:
        SettingError: It is no such type, or these are no two numbers in order.
    """

    type: str = "uint8"
    low: float = 0.0
    high: float = WHITE

    def __post_init__(self) -> None:
        numbers = all(type(end) in (int, float) and math.isfinite(end) for end in self.ends)
        if self.type not in (*WHOLE_TYPES, FLOAT) or not numbers or not self.low < self.high:
            raise setting_error(
                "the values of a data set", f"{self.type} from {self.low} to {self.high}",
                "a type of numpy and two finite numbers in order", "Use another checkpoint.",
            )  # fmt: skip

    @property
    def ends(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def plain(self) -> bool:
        """Whether they are 8 bits from 0 to 255."""
        return self == PLAIN

    @property
    def whole(self) -> bool:
        """Whether they are integers."""
        return self.type != FLOAT

    @property
    def peak(self) -> float:
        """From the lowest to the highest, which is the range of PSNR and SSIM."""
        return self.high - self.low

    @property
    def span(self) -> str:
        """Their ends in words, for headings: ``0-4095``."""
        dash = " to " if self.low < 0 else "-"
        return f"{in_digits(self.low)}{dash}{in_digits(self.high)}"

    def __str__(self) -> str:
        return f"{self.type}, {words_of(self.ends)}"

    def of(self, images: Tensor, names: Sequence[str] | None = None) -> Tensor:
        """Turns images in [-1, 1] into these values, as a file holds them.

        Args:
            images: Any shape, any floating dtype; what lies outside of [-1, 1] is clipped.
            names: One name an image along the first dimension, for the error.

        Returns:
            The same shape: uint8 where these are plain; float64 elsewhere, whole numbers of
            integer types and numbers of float32 for floats. On the CPU where Apple's GPU had them,
            which knows no float64.

        Raises:
            SettingError: There is a NaN, which no value stands for.
        """
        if self.plain:
            return to_uint8(images, names)
        refuse_nan(images, names)
        images = (images.cpu() if images.device.type == "mps" else images).double().clamp(-1, 1)
        values = (images + 1) * (self.peak / 2) + self.low
        if not self.whole:
            return values.float().double()
        # The type may end before the range does; what is written is inside of both.
        info = np.iinfo(self.type)
        least, most = max(math.ceil(self.low), info.min), min(math.floor(self.high), info.max)
        return values.round().clamp(least, most)

    def stored(self, images: Tensor, names: Sequence[str] | None = None) -> np.ndarray:
        """Does what ``of`` does, and returns an array of the type."""
        values = self.of(images, names).cpu().numpy()
        return values if self.plain else values.astype(self.type)

    def plain_values(self) -> dict[str, Any]:
        """For the configuration of a run."""
        return {"type": self.type, "low": self.low, "high": self.high}


PLAIN = Values()


def on_one_scale(image: np.ndarray, value_range: Range) -> np.ndarray:
    """Puts stored values on the 0..255 scale that all transforms know.

    Args:
        image: (H, W, C), any integer or floating type.
        value_range: "type", or which values become 0 and 255; those outside are clipped.

    Returns:
        The image itself where it is 8 bits from 0 to 255; else (H, W, C) float32 in [0, 255].
    """
    by_type = value_range == BY_TYPE
    if by_type and image.dtype == _EIGHT_BITS:
        return image
    ends = ends_of(image.dtype) if by_type else value_range
    if image.dtype == np.uint8 and tuple(ends) == PLAIN.ends:
        return image
    if by_type and image.dtype == np.uint16:
        return image.astype(np.float32) / 257
    small = image.dtype.itemsize <= 2
    image = image.astype(np.float32 if small else np.float64)  # float32 holds 16 bits exactly
    low, high = ends
    image -= low
    image *= WHITE / (high - low)
    return image.clip(0, WHITE).astype(np.float32, copy=False)


def understand_range(asked: Any, key: str) -> Range:
    """What ``dataset.input_range=`` or ``dataset.target_range=`` asks for.

    Args:
        asked: ``type``, ``data``, or a list of two numbers.
        key: Of the option.

    Raises:
        SettingError: It is something else, or the first number is not below the second.
    """
    if asked in (BY_TYPE, BY_DATA):
        return asked
    several = isinstance(asked, Sequence) and not isinstance(asked, str)
    ends = tuple(asked) if several else ()
    numbers = all(type(end) in (int, float) and math.isfinite(end) for end in ends)
    if len(ends) != 2 or not numbers or not ends[0] < ends[1]:
        raise setting_error(
            f"dataset.{key}={list(ends) if several else asked}",
            f"{len(ends)} values" if several and len(ends) != 2 else "no two numbers in order",
            "the stored values that are black and white, the lower one first, or type, or data",
            f"For example dataset.{key}=[0,4095] for 12 bits.",
        )  # fmt: skip
    return float(ends[0]), float(ends[1])
