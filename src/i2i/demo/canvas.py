"""The sheet that a visitor draws on, and the pictures that go to it and come from it."""

import base64
import binascii
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from i2i.demo.drawing import Drawing
from i2i.demo.uploads import Limits
from i2i.errors import setting_error

PARTS = Path(__file__).parent / "canvas_parts"
PREFIX = "data:image/png;base64,"


def part(name: str) -> str:
    """A file of the sheet: its HTML, its style or its script."""
    return (PARTS / name).read_text(encoding="utf-8")


def sheet(drawing: Drawing | None, picture: np.ndarray | None = None, name: str = "drawing") -> Any:
    """What the script takes: colours and a picture; None hides it.

    Args:
        drawing: What is drawn with.
        picture: (H, W, 3) uint8; None: an empty sheet. It lies behind what is transparent.
        name: Of the picture.
    """
    if drawing is None:
        return None
    behind = picture if drawing.over else None
    if behind is not None:
        drawing, picture = replace(drawing, size=behind.shape[:2]), None
    return {
        "png": as_png(drawing.empty() if picture is None else picture),
        "behind": "" if behind is None else as_png(behind),
        "name": name,
        "colours": [[key, f"#{bytes(colour).hex()}"] for key, colour in drawing.colours.items()],
        "paper": f"#{bytes(drawing.paper).hex()}",
        "size": list(drawing.size),
        "width": drawing.width,
    }


def as_png(picture: np.ndarray) -> str:
    """A picture, (H, W, 3 or 4) uint8, as the address that a browser shows it from."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def drawn(value: Any, limits: Limits) -> np.ndarray:
    """The picture that a browser sends, (H, W, 4) uint8: colours, and 0 where nothing is drawn.

    Raises:
        SettingError: It sends something else, or too much.
    """
    text = value.get("png") if isinstance(value, Mapping) else None
    if not isinstance(text, str) or not text.startswith(PREFIX):
        raise bad("no picture")
    if len(text) > 8 * limits.shrink_above + 100_000:
        raise bad(f"{len(text):,} characters")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(text[len(PREFIX) :], validate=True)))
        if image.format != "PNG" or image.width * image.height > 2 * limits.shrink_above:
            raise bad(f"{image.format} of {image.width} x {image.height} pixels")
        return np.array(image.convert("RGBA"))
    except (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise bad(f"a picture that cannot be decoded ({error})") from error


def bad(found: str) -> Exception:
    """The error of a drawing that is none."""
    return setting_error("the drawing", found, "a PNG of the sheet", "Load the page again.")
