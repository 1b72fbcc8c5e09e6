"""What the pictures of one side of a data set are to those who score, show and write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.images.values import PLAIN, Values

SHOWN = (1, 3)  # channels that a screen, Inception and LPIPS take


@dataclass(frozen=True)
class PictureKind:
    """The stored values of pictures, and which of their channels people and networks look at.

    Attributes:
        values: What -1 and 1 are in the files.
        shown: Numbers of the channels, 1 or 3; None for all, of which there are 1 or 3 then.
    """

    values: Values = PLAIN
    shown: tuple[int, ...] | None = None

    def seen(self, pictures: Tensor) -> Tensor:
        """The channels that are looked at: (..., C, H, W) to (..., 1 or 3, H, W)."""
        if self.shown is None:
            return pictures
        return pictures.index_select(-3, torch.tensor(self.shown, device=pictures.device))


PLAIN_PICTURES = PictureKind()


def understand_shown(asked: Any, channels: int, key: str) -> tuple[int, ...] | None:
    """What ``dataset.input_shown=`` or ``dataset.target_shown=`` asks for.

    Args:
        asked: A list of 1 or 3 numbers of channels, counted from 0; None: all where there are 1 or
            3, else the first three, else the first.
        channels: How many there are.
        key: Of the option.

    Returns:
        What ``PictureKind.shown`` is.

    Raises:
        SettingError: It is something else, or there are no such channels.
    """
    if asked is None:
        return None if channels in SHOWN else (0, 1, 2) if channels > 3 else (0,)
    several = isinstance(asked, Sequence) and not isinstance(asked, str)
    chosen = tuple(asked) if several else ()
    if len(chosen) not in SHOWN or not all(
        type(number) is int and 0 <= number < channels for number in chosen
    ):
        most = channels - 1
        raise setting_error(
            f"dataset.{key}={list(chosen) if several else asked}", f"{channels} channels",
            f"a list of one or three of their numbers, 0 to {most}",
            f"For example dataset.{key}=[{min(2, most)},{min(1, most)},0].",
        )  # fmt: skip
    return chosen
