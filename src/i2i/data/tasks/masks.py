"""Holes for inpainting: drawn from a seed, or read from a file.

A mask is (H, W) bool, True where something is to be filled in. It is never empty and never covers
the whole picture.
"""

import math
from pathlib import Path
from typing import Literal

import numpy as np

from i2i.errors import setting_error
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.images.reading import Reading

MaskKind = Literal["centre", "boxes", "strokes"]
MASK_KINDS: tuple[MaskKind, ...] = ("centre", "boxes", "strokes")
MIN_SIDE = 8  # pixels of a picture that a mask is drawn for
BOXES = (1, 4)  # as many, least and most
BOX_SIDE = (1 / 8, 3 / 8)  # of the picture's side; so four boxes cover 9/16 at most
STROKES = (1, 4)
STROKE_VERTICES = (4, 12)
STROKE_LENGTH = (1 / 16, 1 / 4)  # between two vertices, of the picture's shorter side
BRUSH_WIDTH = (1 / 24, 1 / 8)  # of the picture's shorter side
TURN = 2 * math.pi / 5  # the largest angle between a stroke and its mean direction
FULL_SHARE = 1 / 2  # no stroke is begun or continued beyond this share of the picture
# The jitter's steps draw from the seed itself; of the same stream, the hole would follow the crop.
_STREAM = 0x6D61736B


def draw_mask(kind: MaskKind, height: int, width: int, seed: int) -> np.ndarray:
    """Draws a mask; the same arguments give the same one on every machine.

    Args:
        kind: "centre": the central rectangle of half the height and half the width (Pathak et al.
            2016, "Context Encoders", section 3.3). "boxes": 1 to 4 rectangles anywhere, sides
            1/8 to 3/8 of the picture's; they may overlap. "strokes": 1 to 4 free-form brush strokes
            (Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", Algorithm 1).
        height: Of the picture, at least 8 pixels.
        width: Likewise.
        seed: At least 0; a "centre" is the same for all.

    Returns:
        (height, width) bool. Shares covered: centre 1/4 (of even sides), boxes up to 9/16, strokes
        up to about 0.6.

    Raises:
        SettingError: A side is below 8 pixels.
    """
    if min(height, width) < MIN_SIDE:
        raise setting_error(
            f"task.mask={kind}", f"a picture of {height} x {width} pixels",
            f"sides of {MIN_SIDE} pixels or more",
            "Take larger pictures, or raise dataset.image_size.",
        )  # fmt: skip
    rng = np.random.default_rng((_STREAM, seed))
    if kind == "centre":
        return _centre(height, width)
    if kind == "boxes":
        return _boxes(height, width, rng)
    return _strokes(height, width, rng)


def read_mask(path: Path, size: tuple[int, int], most_pixels: int = MOST_PIXELS) -> np.ndarray:
    """Reads the mask that a user has drawn for a picture.

    Args:
        path: A picture; luminance above 127 (white) means: fill in. What is transparent counts as
            black.
        size: (height, width) of the picture.
        most_pixels: As in ``Reading``.

    Returns:
        (height, width) bool.

    Raises:
        SettingError: The file cannot be read, has another size than the picture, or marks nothing
            or everything.
    """
    image = Reading(1, most_pixels, background="black").read(path)
    return checked_mask(image[:, :, 0] > 127, size, f"mask '{path}'")


def checked_mask(mask: np.ndarray, size: tuple[int, int], setting: str) -> np.ndarray:
    """A mask that fits its picture and leaves something of it.

    Args:
        mask: (H, W) bool.
        size: (height, width) of the picture.
        setting: What it is called in errors.

    Raises:
        SettingError: It has another size than the picture, or marks nothing or everything.
    """
    white = "white (above 127) where the picture is to be filled in"
    if mask.shape != size:
        raise setting_error(
            setting, f"{mask.shape[0]} x {mask.shape[1]} pixels (height x width)",
            f"{size[0]} x {size[1]}, as the picture has", "Draw the mask in the picture's size.",
        )  # fmt: skip
    if not mask.any():
        raise setting_error(
            setting, "no pixel above 127, so nothing to fill in", white,
            "Paint the hole white and the rest black, not transparent.",
        )  # fmt: skip
    if mask.all():
        raise setting_error(
            setting, "every pixel above 127, so no picture to go by", white,
            "Paint black what is to stay, or swap black and white.",
        )  # fmt: skip
    return mask


def _centre(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    top, left = (height - height // 2) // 2, (width - width // 2) // 2
    mask[top : top + height // 2, left : left + width // 2] = True
    return mask


def _boxes(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    for _ in range(rng.integers(*BOXES, endpoint=True)):
        rows, columns = (
            rng.integers(math.ceil(side * BOX_SIDE[0]), int(side * BOX_SIDE[1]), endpoint=True)
            for side in (height, width)
        )
        top = rng.integers(height - rows, endpoint=True)
        left = rng.integers(width - columns, endpoint=True)
        mask[top : top + rows, left : left + columns] = True
    return mask


def _strokes(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draws Algorithm 1 of Yu et al. 2019; its constants are this project's (see above).

    A stroke zigzags: it leaves its mean direction to one side and to the other by turns.
    """
    canvas = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(*STROKES, endpoint=True)):
        if canvas.mean() < FULL_SHARE:
            _stroke(canvas, rng)
    return canvas.astype(bool)


def _stroke(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Draws one stroke, as ones."""
    import cv2

    height, width = canvas.shape
    shorter = min(height, width)
    direction = rng.uniform(0, 2 * math.pi)
    start = (int(rng.integers(width)), int(rng.integers(height)))
    for vertex in range(rng.integers(*STROKE_VERTICES, endpoint=True)):
        turn = rng.uniform(0, TURN)
        angle = direction + (turn if vertex % 2 == 0 else -turn)
        length = rng.uniform(*STROKE_LENGTH) * shorter
        brush = max(1, round(rng.uniform(*BRUSH_WIDTH) * shorter))
        aim = (
            round(start[0] + length * math.cos(angle)),
            round(start[1] + length * math.sin(angle)),
        )
        end = (min(max(aim[0], 0), width - 1), min(max(aim[1], 0), height - 1))
        cv2.line(canvas, start, end, 1, brush, cv2.LINE_8)  # 8: without anti-aliasing
        for joint in (start, end):
            cv2.circle(canvas, joint, brush // 2, 1, cv2.FILLED, cv2.LINE_8)
        if canvas.mean() >= FULL_SHARE:
            return
        if end != aim:  # at the border it turns back
            direction += math.pi
        start = end
