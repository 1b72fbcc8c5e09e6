"""The pictures of several runs beside one another, under headings."""

import math
import re
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

import numpy as np

from i2i.errors import setting_error
from i2i.images.grid import GAP, image_grid
from i2i.images.reading import Reading

CELL = 128  # pixels; smaller images are enlarged to at least that width, so that a heading fits
TEXT = 13  # pixels a line of a heading
MOST_ROWS, MOST_SIDE = 64, 4096  # of what a stranger's run may show
MOST_PIXELS = 4_000_000  # of all images together, which are 12 MB as PNG at most

Pictures = dict[str, list[np.ndarray]]  # by input, output, back and target


def has_pictures(run: Path) -> bool:
    """Whether ``read_pictures`` finds any."""
    return any((run / "samples" / "test").glob("*_output.png"))


def read_pictures(run: Path) -> Pictures:
    """A run's test pictures, (H, W, 3) uint8 each, by ``input``, ``output`` and ``target``.

    A run without pairs has no target.

    Raises:
        SettingError: One is missing, damaged or larger than a sample ever is.
    """
    stems = sorted((run / "samples" / "test").glob("*_output.png"))[:MOST_ROWS]
    kinds = ["input", "output", "target"]
    if not any((run / "samples" / "test").glob("*_target.png")):
        kinds.remove("target")
    found: Pictures = {kind: [] for kind in kinds}
    for stem in stems:
        for kind, images in found.items():
            file = stem.with_name(stem.name.replace("_output", f"_{kind}"))
            images.append(Reading(3, MOST_SIDE**2).read(file))
            if max(images[-1].shape) > MOST_SIDE:
                raise setting_error(
                    f"image '{file}'", " x ".join(map(str, images[-1].shape[:2])) + " pixels",
                    f"sides of {MOST_SIDE} pixels at most", "Take it away.",
                )  # fmt: skip
    return found


def picture(runs: Mapping[str, Pictures]) -> np.ndarray | None:
    """Rows of input | each run's output | target under headings; None without pictures.

    Runs of other data (other images, sizes or tasks) get a block of their own below. Images are
    made smaller where there are many.

    Args:
        runs: What ``read_pictures`` gave, by name; a run without pictures is left out.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    groups: dict[bytes, list[tuple[str, Pictures]]] = {}
    for name, shown in runs.items():
        if shown["output"]:
            key = b"".join(str(i.shape).encode() + i.tobytes() for i in shown["input"])
            key += b"".join(str(i.shape).encode() + i.tobytes() for i in shown.get("target", ()))
            groups.setdefault(key, []).append((name, shown))
    if not groups:
        return None
    blocks = []
    for members in groups.values():
        shown = members[0][1]
        outputs = [(name, pictures["output"]) for name, pictures in members]
        targets = [("target", shown["target"])] if "target" in shown else []
        columns = [("input", shown["input"]), *outputs, *targets]
        blocks.append(block(columns, MOST_PIXELS // len(groups)))
    width = max(b.shape[1] for b in blocks)
    rest = [((0, 0), (0, width - b.shape[1]), (0, 0)) for b in blocks]
    return np.concatenate(
        [np.pad(b, r, constant_values=255) for b, r in zip(blocks, rest, strict=True)]
    )


def block(columns: list[tuple[str, list[np.ndarray]]], most: int = MOST_PIXELS) -> np.ndarray:
    """Columns of images under their names; all are shown as large as the last one's.

    Args:
        columns: Of (H, W, 3) uint8 each.
        most: Pixels of all images together.
    """
    import cv2

    size = columns[-1][1][0].shape[:2]
    n = len(columns) * max(len(images) for _, images in columns)
    factor = min(max(1, -(-CELL // size[1])), math.sqrt(most / (n * math.prod(size))))
    height, width = (max(1, int(factor * side)) for side in size)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    headings = [heading(name, width) for name, _ in columns]
    top = max(head.shape[0] for head in headings)
    enlarged = [
        [cv2.resize(image, (width, height), interpolation=how) for image in images]
        for _, images in columns
    ]
    grid = image_grid(list(zip_longest(*enlarged)))
    band = np.full((top, grid.shape[1], 3), 255, np.uint8)
    for c, head in enumerate(headings):
        left = GAP + c * (width + GAP)
        band[top - len(head) :, left : left + width] = head  # down at the pictures
    return np.concatenate([band, grid])


def heading(text: str, width: int) -> np.ndarray:
    """Text in as many lines as the width asks for, (height, width, 3) uint8, black on white."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(TEXT)
    lines = [""]
    for piece in re.findall(r"[^\s,=+/]*[\s,=+/]*", text):
        if font.getlength((lines[-1] + piece).rstrip()) > width and lines[-1]:
            lines.append("")
        for letter in piece:  # a piece that is wider than the column is cut
            if font.getlength((lines[-1] + letter).rstrip()) > width:
                lines.append("")
            lines[-1] += letter
    image = Image.new("RGB", (width, len(lines) * (TEXT + 3) + GAP), "white")
    draw = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        draw.text((0, i * (TEXT + 3)), line, "black", font)
    return np.asarray(image)
