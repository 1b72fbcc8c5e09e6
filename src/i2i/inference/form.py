"""As what a model's pictures are written: in the values of its targets, or in 8 bits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from i2i.data.reading.pair_reader import role_of
from i2i.errors import setting_error
from i2i.images.formats.picture_formats import FORMATS, LOSSY, SUFFIXES, holds
from i2i.images.picture_kind import PLAIN_PICTURES, PictureKind
from i2i.images.quantise import to_uint8
from i2i.images.transparency import KEEP
from i2i.images.values import in_digits
from i2i.inference.outputs import Output


@dataclass(frozen=True)
class Form:
    """What becomes of pictures in [-1, 1] when they are written.

    Attributes:
        kind: What the targets of the data set are.
        reduced: Whether 8 bits of the channels that are shown are written instead.
    """

    kind: PictureKind = PLAIN_PICTURES
    reduced: bool = False

    def arrays(self, pictures: Tensor, names: Sequence[str] | None = None) -> np.ndarray:
        """Pictures as they are written.

        Args:
            pictures: (B, C, H, W) in [-1, 1].
            names: One a picture, for errors.

        Returns:
            (B, H, W, C) in the type of the files.

        Raises:
            SettingError: There is a NaN.
        """
        if self.reduced:
            found = to_uint8(self.kind.seen(pictures), names).cpu().numpy()
        else:
            found = self.kind.values.stored(pictures, names)
        return found.transpose(0, 2, 3, 1)


IN_8_BITS = Form()


def default_format(kind: PictureKind, channels: int, background: Any = None) -> str:
    """The format of pictures where none is asked for: png where it holds them, else tif.

    Args:
        kind: What the targets are.
        channels: Of the pictures.
        background: ``dataset.background``: four channels are colours and alpha where that is kept.
    """
    alpha = channels != 4 or background == KEEP
    return FORMATS[0] if alpha and holds(FORMATS[0], kind.values.type, channels) else "tif"


def form_of(kind: PictureKind, channels: int, output: Output) -> Form:
    """How pictures are written in the format of an output.

    Args:
        kind: What the targets are.
        channels: Of the pictures.
        output: Its suffix names the format.

    Raises:
        SettingError: The format does not hold them. JPEG and WebP, which nobody asks for to keep
            values, get 8 bits of the channels that are shown.
    """
    chosen = SUFFIXES[output.suffix.lower()]
    if holds(chosen, kind.values.type, channels) and (kind.values.plain or chosen not in LOSSY):
        return Form(kind)
    if chosen in LOSSY:
        return Form(kind, reduced=True)
    raise setting_error(
        f"output_format={chosen}", f"pictures of {channels} channels ({kind.values}), as the "
        "model's targets are", "tif or npy, which hold them",
        "Leave output_format out for the one that fits, or ask for jpg: 8 bits of the channels "
        "that are shown.",
    )  # fmt: skip


def in_words(form: Form, output: Output) -> str:
    """What to tell the user about how pictures are written; "" for nothing."""
    values, shown = form.kind.values, form.kind.shown
    if not form.reduced and values.plain:
        return ""
    if not form.reduced:
        return f"Written as {output.suffix[1:]} in the target's values: {values}"
    which = "" if shown is None else f" of channels {', '.join(map(str, shown))}"
    return (
        f"Written as {output.suffix[1:]} in 8 bits{which}: {in_digits(values.low)} is 0 and "
        f"{in_digits(values.high)} is 255 (tif and npy keep the target's values)"
    )


def channels_of(dataset: Mapping[str, Any]) -> int:
    """Channels of the pictures that a model makes; those of label maps and tasks are colours.

    Args:
        dataset: The options of the data set, as the route sees them.
    """
    labels = role_of(dataset.get("label_side"), dataset["direction"]) == "target"
    return 3 if labels or dataset.get("task") else dataset["target_channels"]
