"""What a visitor draws with: classes of a label map, a pen, or a hole; how colours become exact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from i2i.data.paired_transforms import as_size
from i2i.data.reading.pair_reader import role_of
from i2i.data.tasks.colorization import Colorization
from i2i.data.tasks.edges import Edges
from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.super_resolution import SuperResolution
from i2i.errors import setting_error
from i2i.inference.translator import Translator
from i2i.labels.palette import ClassPalette

Colour = tuple[int, ...]
KINDS = ("auto", "pen", "none")
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
HOLE, SEEN_THROUGH = (255, 0, 255, 255), (0, 0, 0, 0)  # magenta stands out from photographs
NEAR_AN_END = 64  # levels; lines that were scaled or went through JPEG are grey at their edges
SHARE_OF_LINES = 0.9  # of pixels near black or white, in what counts as a line drawing
BROADLY = 20  # brushes that lie side by side across a label map
MOST_INK = 0.4  # share of the rarer one of the two
HINTS = {
    Colorization: "The model is shown how light an upload is, and none of its colours.",
    Edges: "Dark lines on white. No edges are looked for in an upload: it is the drawing.",
    Inpainting: "Paint the hole. Without one, the model's own is filled, drawn from the seed.",
    SuperResolution: "Upload a small picture: it comes out with {task.scale} times as many pixels "
    "to each side.",
}
NO_CLASSES = (
    "The inputs are label maps, and the checkpoint does not know which colours stand for which "
    "classes (it was trained without dataset.classes). So there is no palette to draw with. Upload "
    "a map in the colours of the training set, or take an example."
)


@dataclass(frozen=True)
class Drawing:
    """Colours to draw with, by name, on a sheet of a size.

    Attributes:
        colours: (R, G, B), 0..255, by name; the first is taken in hand. With a fourth number, the
            opacity, where it is drawn over a picture.
        paper: The colour of an empty sheet.
        size: Height and width of an empty sheet, in pixels.
        classes: Of a label map, to whose colours everything snaps; None: colours stay as they are.
        width: Pixels, of the brush that is in hand at first.
    """

    colours: Mapping[str, Colour]
    paper: Colour
    size: tuple[int, int]
    classes: ClassPalette | None = None
    width: int = 2

    @property
    def over(self) -> bool:
        """Whether the picture stays as it is, and a hole is drawn over it."""
        return len(self.paper) == 4

    def snapped(self, picture: np.ndarray) -> np.ndarray:
        """The picture, (H, W, 3) uint8, in the exact colours of the classes, if there are some."""
        return picture if self.classes is None else snapped(picture, self.classes)

    def empty(self) -> np.ndarray:
        """An empty sheet, (H, W, 3) uint8, or (H, W, 4) where it lies over a picture."""
        return np.full((*self.size, len(self.paper)), self.paper, np.uint8)


def snapped(picture: np.ndarray, classes: ClassPalette, lossy: bool = False) -> np.ndarray:
    """A picture in the exact colours of classes, each pixel in the nearest one.

    Args:
        picture: (H, W, 3) uint8.
        classes: Whose colours.
        lossy: It comes from a JPEG; see ``ClassPalette.decode``.

    Returns:
        (H, W, 3) uint8.
    """
    return classes.encode_colours(classes.decode(picture, lossy))


def drawing_of(
    translator: Translator,
    dataset: Mapping[str, Any],
    kind: str = "auto",
    examples: Sequence[np.ndarray] = (),
) -> Drawing | None:
    """What the inputs of a translation are drawn with; None where they are photographs.

    Args:
        translator: Of the route.
        dataset: The options of the data set, as the route sees them.
        kind: ``auto``: classes of label maps, the hole of inpainting, and a pen where inputs are
            line drawings; ``pen``: a pen also for others; or ``none``.
        examples: Some inputs, (H, W, 3) uint8, which tell whether these are line drawings.

    Raises:
        SettingError: There is no such kind.
    """
    if kind not in KINDS:
        raise setting_error(
            f"draw={kind}", repr(kind), f"one of {', '.join(KINDS)}",
            "auto draws where the model's inputs are label maps, line drawings or have holes.",
        )  # fmt: skip
    if kind == "none":
        return None
    task, size = translator.task, as_size(dataset["image_size"])
    if isinstance(task, LabelTask) and task.role == "input":
        return of_classes(task.classes, size)
    if isinstance(task, Inpainting):
        colours = {"hole": HOLE, "picture": SEEN_THROUGH}
        return Drawing(colours, SEEN_THROUGH, size, width=max(1, min(size) // BROADLY))
    lines = isinstance(task, Edges) and translator.side == "input"
    if not (kind == "pen" or lines or are_lines(examples)):
        return None
    dark = bool(examples) and np.mean([np.mean(picture) for picture in examples]) < 127.5
    pen, paper = (WHITE, BLACK) if dark else (BLACK, WHITE)
    return Drawing({"pen": pen, "eraser": paper}, paper, size)


def hint_of(translator: Translator, dataset: Mapping[str, Any]) -> str:
    """What is to be known about the inputs of a translation; mostly nothing.

    Args:
        translator: Of the route.
        dataset: As in ``drawing_of``.
    """
    task = translator.task
    if holds_labels(translator, dataset) and task.classes is None:
        return NO_CLASSES
    words = [words for kind, words in HINTS.items() if isinstance(task, kind)]
    return words[0].format(task=task) if words else ""


def holds_labels(translator: Translator, dataset: Mapping[str, Any]) -> bool:
    """Whether inputs are label maps, of classes that are known or not."""
    role = role_of(dataset.get("label_side"), dataset["direction"])
    return translator.task.of_sides and role == "input"


def of_classes(classes: ClassPalette, size: tuple[int, int]) -> Drawing:
    """The classes of a label map by name; unlabelled is one of them where it has a colour."""
    names = [*classes.names, *(["unlabelled"] if classes.has_unlabelled_colour else [])]
    colours = {
        name: tuple(map(int, row)) for name, row in zip(names, classes.table, strict=False)
    }  # fmt: skip
    paper = [*colours.values()][-1 if classes.has_unlabelled_colour else 0]
    return Drawing(colours, paper, size, classes, width=max(1, min(size) // BROADLY))


def are_lines(examples: Sequence[np.ndarray]) -> bool:
    """Whether pictures, (H, W, 3) uint8, are all lines of black on white, or of white on black."""
    return bool(examples) and all(map(is_line_drawing, examples))


def is_line_drawing(picture: np.ndarray) -> bool:
    """Whether a picture is almost all black and white, and mostly one of them."""
    dark = (picture < NEAR_AN_END).all(2).mean()
    light = (picture > 255 - NEAR_AN_END).all(2).mean()
    return bool(dark + light > SHARE_OF_LINES and 0 < min(dark, light) < MOST_INK)
