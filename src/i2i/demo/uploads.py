"""Pictures that a visitor brings: read, bounded, and told about in words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from i2i.data.reading.pair_reader import halves
from i2i.demo.drawing import Drawing, hint_of, holds_labels, snapped
from i2i.errors import SettingError
from i2i.images.ids import read_ids
from i2i.images.quantise import to_uint8
from i2i.images.ranges import to_float
from i2i.inference.side_by_side import input_side, looks_like_a_pair
from i2i.inference.translation import reading_of
from i2i.inference.translator import Translator
from i2i.labels.id_map import colours_of_ids
from i2i.labels.palette import ClassPalette

TOLD_FROM = 0.01  # share of snapped pixels that is worth a word
LOSSY = (".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Limits:
    """How large uploads may be.

    Attributes:
        most_pixels: Of an upload; larger ones are refused before they are decoded.
        shrink_above: Pixels; larger pictures are scaled down to as many.
    """

    most_pixels: int
    shrink_above: int


@dataclass(frozen=True)
class Taken:
    """A picture that is ready to be translated.

    Attributes:
        stored: (H, W, C) in the values of the data set.
        shown: (H, W, 3) uint8.
        name: What its noise depends on.
        words: What was done to it.
        hole: Where to fill in, (H, W) bool; None: the task draws it, if it needs one.
    """

    stored: np.ndarray
    shown: np.ndarray
    name: str
    words: str = ""
    hole: np.ndarray | None = None


@dataclass(frozen=True)
class Way:
    """The input of a route.

    Attributes:
        translator: Of the route.
        dataset: The options of the data set, as the route sees them.
        drawing: What inputs are drawn with; None: nothing.
    """

    translator: Translator
    dataset: dict[str, Any]
    drawing: Drawing | None = None

    @property
    def hint(self) -> str:
        """What is to be known about inputs."""
        return hint_of(self.translator, self.dataset)

    @property
    def classes(self) -> ClassPalette | None:
        """Those of inputs that are label maps."""
        task = self.translator.task
        return task.classes if task.role == "input" else None

    def take(self, file: Path, limits: Limits, photo: bool = False) -> Taken:
        """Reads a picture's file.

        Args:
            file: Of the picture.
            limits: Of its size.
            photo: It is what the task makes inputs from in training, and not an input.

        Raises:
            SettingError: It is none, or too large.
        """
        stored, words = self.read(file, limits.most_pixels), []
        before = stored.shape[:2]
        if looks_like_a_pair(stored, self.dataset):
            stored = halves(stored, file)[input_side(self.dataset) == "B"]
            words.append("It holds two pictures side by side: the input half is taken.")
        if photo:
            stored = self.translator.task.given(self.shown(stored, file))
        most = limits.shrink_above // self.translator.task.scale**2  # of what the network sees
        if stored.shape[0] * stored.shape[1] > most:
            stored = shrunk(stored, most, holds_labels(self.translator, self.dataset))
            words.append(
                f"{before[0] * before[1] / 1e6:.1f} megapixels, {before[1]} x {before[0]}: shrunk "
                f"to {stored.shape[1]} x {stored.shape[0]} (shrink_above= sets how far)."
            )
        if self.classes is not None:
            exact = snapped(stored, self.classes, file.suffix.lower() in LOSSY)
            share = np.mean((exact != stored).any(2))
            if share > TOLD_FROM:
                words.append(
                    f"{100 * share:.0f} % of its pixels had no class's colour and took a near one."
                )
            stored = exact
        return Taken(stored, self.shown(stored, file), file.stem, " ".join(words))

    def read(self, file: Path, most_pixels: int) -> np.ndarray:
        """A picture as stored, (H, W, C); a map of class ids in the colours of its classes."""
        reading = reading_of(self.dataset, most_pixels)
        if self.classes is not None and self.dataset.get("label_files") == "ids":
            ids = ids_or_none(file, most_pixels)
            if ids is not None:
                return colours_of_ids(ids, self.dataset.get("id_map"), self.classes)
        stored = reading.stored(file)
        return reading.of(stored, file) if self.classes is not None else stored

    def shown(self, stored: np.ndarray, file: Path = Path("picture")) -> np.ndarray:
        """What a screen shows of a picture: (H, W, 3) uint8."""
        image = reading_of(self.dataset).of(stored, file)
        kind = self.translator.task.kinds["input"]
        tensor = to_float(image)
        seen = kind.seen(tensor) if kind.shown is not None else tensor
        return for_screen(seen)


def for_screen(picture: torch.Tensor) -> np.ndarray:
    """A picture, (1 or 3, H, W) in [-1, 1], as (H, W, 3) uint8."""
    return to_uint8(picture).expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()


def ids_or_none(file: Path, most_pixels: int) -> np.ndarray | None:
    """A map of class ids, (H, W) uint8; None where a file holds colours or is no picture."""
    try:
        return read_ids(file, most_pixels)
    except SettingError:
        return None


def shrunk(stored: np.ndarray, pixels: int, of_classes: bool) -> np.ndarray:
    """A picture, (H, W, C), scaled down to about that many pixels; classes do not mix."""
    import cv2

    factor = (pixels / (stored.shape[0] * stored.shape[1])) ** 0.5
    height, width = (max(1, int(side * factor)) for side in stored.shape[:2])
    way = cv2.INTER_NEAREST if of_classes else cv2.INTER_AREA
    scaled = cv2.resize(stored, (width, height), interpolation=way)
    return scaled if scaled.ndim == 3 else scaled[:, :, np.newaxis]
