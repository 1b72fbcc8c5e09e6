"""Colour for black-and-white photographs."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from i2i.data.option_checks import one_of
from i2i.data.tasks.colour_space import grey_of_lightness, lab_to_rgb, rgb_to_lab, with_lightness
from i2i.data.tasks.task import Encoded, PhotoTask
from i2i.errors import setting_error
from i2i.images.image_io import as_channels
from i2i.images.ranges import to_float
from i2i.messages import warn

AB_SCALE = 110.0  # of all sRGB colours, |a| and |b| reach 107.86 at most (pure blue)
GREY_LEVELS = 2  # of 255: what JPEG may put between the channels of a grey picture
GREY_SHARE = 0.99  # of the pixels; a stamp or a coloured border does not make a colour photograph
_NAMES_SHOWN = 5


class Colorization(PhotoTask):
    """Lightness in, colour out (Zhang et al. 2016; Isola et al. 2017, section 4).

    x is the L of CIE Lab, ``L / 50 - 1``. For ``space="lab"`` y is (a, b) / 110, which holds the
    whole sRGB gamut; these are the input and output of Zhang et al. 2016, section 2, who classify
    ab where pix2pix makes it directly. For ``space="rgb"`` y is the photograph.

    Args:
        space: "lab" or "rgb", what the network answers in.
        keep: The picture has exactly the L of the input: in Lab, colours that cannot be displayed
            lose chroma, not lightness; in RGB, only the answer's ab is taken. False clips each
            channel in Lab, which changes lightness, and takes the answer as it is in RGB.
        input_channels: 1.
        target_channels: 2 in Lab, 3 in RGB.

    Raises:
        SettingError: ``space`` or a number of channels is another.
    """

    def __init__(
        self,
        *,
        space: Literal["lab", "rgb"] = "lab",
        keep: bool = True,
        input_channels: int,
        target_channels: int,
    ) -> None:
        self.space = one_of("space", space, ("lab", "rgb"), "task")
        self.keep = keep
        name, made = f"colorization with task.space={space}", (1, 2 if space == "lab" else 3)
        super().__init__(name, (input_channels, target_channels), made)

    def encode(self, photo: np.ndarray, seed: int) -> Encoded:
        rgb = to_float(photo)  # (3, H, W)
        lab = rgb_to_lab(rgb)
        target = rgb if self.space == "rgb" else (lab[1:] / AB_SCALE).clamp(-1, 1)
        return Encoded(_from_lightness(lab[:1]), target)

    def encode_input(self, image: np.ndarray, seed: int, mask: np.ndarray | None = None) -> Tensor:
        """Takes grey and colour pictures, (H, W, 1 or 3); of the latter, L alone is looked at."""
        return _from_lightness(rgb_to_lab(to_float(as_channels(image, 3)))[:1])

    def input_picture(self, x: Tensor) -> Tensor:
        return grey_of_lightness(_to_lightness(x))  # (B, 1, H, W)

    def output_picture(self, x: Tensor, y: Tensor) -> Tensor:
        lightness = _to_lightness(x)
        if self.space == "rgb":
            return with_lightness(rgb_to_lab(y)[:, 1:], lightness) if self.keep else y
        ab = y.float().clamp(-1, 1) * AB_SCALE
        if self.keep:
            return with_lightness(ab, lightness)
        return lab_to_rgb(torch.cat([lightness, ab], 1))

    def check(self, photos: Sequence[np.ndarray], names: Sequence[str]) -> None:
        """Refuses a data set of grey photographs, which teach the network to answer grey.

        Args:
            photos: (H, W, 3) uint8 each.
            names: One each.

        Raises:
            SettingError: More than half of the photographs are grey. Fewer are a warning.
        """
        grey = [name for photo, name in zip(photos, names, strict=True) if _is_grey(photo)]
        if not grey:
            return
        shown = ", ".join(grey[:_NAMES_SHOWN]) + (", ..." if len(grey) > _NAMES_SHOWN else "")
        found = f"{len(grey)} of {len(photos)} photographs looked at are grey ({shown})"
        if 2 * len(grey) > len(photos):
            raise setting_error(
                "task=colorization with this dataset.root",
                found,
                "photographs in colour, from which to learn it",
                "Name a folder of colour photographs, or take the grey ones away.",
            )
        warn(f"{found}: from these the network learns to leave pictures grey.")


def _from_lightness(lightness: Tensor) -> Tensor:
    return (lightness / 50 - 1).clamp(-1, 1)


def _to_lightness(x: Tensor) -> Tensor:
    return (x.float() + 1) * 50


def _is_grey(photo: np.ndarray) -> bool:
    spread = photo.max(axis=2) - photo.min(axis=2)
    return bool((spread <= GREY_LEVELS).mean() >= GREY_SHARE)
