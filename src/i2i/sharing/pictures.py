"""Pictures that Python code hands over, as files of them would be read."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from i2i.errors import first_line, setting_error
from i2i.images.formats.header import Damaged
from i2i.images.orientation import upright
from i2i.images.profiles import in_srgb
from i2i.images.reading import Reading
from i2i.images.transparency import shown_over

EXPECTED = "a path, a PIL image, or a numpy array of (H, W) or (H, W, C)"
TODO = {
    "Tensor": "Convert it: levels of 8 bits, (H, W, C), by .permute(1, 2, 0).cpu().numpy().",
    "ndarray": "Whole numbers or floats are pictures; pass list(array) for (N, H, W, C).",
    "bytes": "Open it: PIL.Image.open(io.BytesIO(data)).",
}
OTHERWISE = "Give one of these, or a list or an iterator of them."
IN_MEMORY = Path("picture")  # what a picture without a file is called in errors
PLAIN_MODES = ("L", "RGB", "I", "I;16", "F")
ORIENTATION = 0x0112


def is_path(picture: Any) -> bool:
    """Whether a picture is to be read from a file."""
    return isinstance(picture, str | os.PathLike)


def is_pil(picture: Any) -> bool:
    """Whether a picture is one of Pillow's, which need not be installed for others."""
    return hasattr(picture, "getbands") and hasattr(picture, "convert")


def is_picture(picture: Any) -> bool:
    """Whether something is one picture, and not several."""
    return is_path(picture) or is_pil(picture) or isinstance(picture, np.ndarray)


def is_no_picture(picture: Any) -> bool:
    """Whether something that can be gone through holds no pictures, as a tensor or bytes."""
    return isinstance(picture, bytes | Mapping | torch.Tensor)


def as_read(picture: Any, reading: Reading) -> np.ndarray:
    """What the network's side of a data set makes of a picture, from wherever it comes.

    Args:
        picture: A path, a PIL image of any mode, or an array of (H, W) or (H, W, C).
        reading: Of the side.

    Returns:
        (H, W, C) as ``Reading.read`` gives it.

    Raises:
        SettingError: It is none, or not such as the model was trained on.
    """
    if is_path(picture):
        return reading.read(Path(picture).expanduser())
    width, height = picture.size if is_pil(picture) else np.shape(picture)[1::-1] or (0, 0)
    if height * width > reading.most_pixels:  # before a lazy image of Pillow's is decoded
        raise setting_error(
            "picture", f"{height} x {width} pixels", f"{reading.most_pixels:,} or fewer",
            "Load the model with a higher max_megapixels.",
        )  # fmt: skip
    stored = of_pil(picture, reading) if is_pil(picture) else of_array(picture)
    return reading.of(stored, IN_MEMORY)


def of_array(picture: Any) -> np.ndarray:
    """An array as a file would store it, (H, W, C).

    Raises:
        SettingError: It is no array of a picture.
    """
    good = isinstance(picture, np.ndarray) and picture.ndim in (2, 3) and picture.size > 0
    if not good or picture.dtype.kind not in "uif":
        what = getattr(picture, "shape", None)
        kind = type(picture).__name__
        found = kind if what is None else f"an array of {picture.dtype} {tuple(what)}"
        raise setting_error("picture", found, EXPECTED, TODO.get(kind, OTHERWISE))
    if picture.dtype.kind == "f" and not np.isfinite(picture).all():
        raise setting_error(
            "picture", "values that are no number (NaN or infinite)", "numbers everywhere",
            "Replace them, for example with np.nan_to_num.",
        )  # fmt: skip
    return picture[:, :, np.newaxis] if picture.ndim == 2 else picture


def of_pil(picture: Any, reading: Reading) -> np.ndarray:
    """An image of Pillow's as a file of it would be read: upright, in sRGB, over the background."""
    try:
        picture.load()  # a TIFF turns itself here, and is upright then
    except (OSError, ValueError, SyntaxError) as error:
        raise setting_error(
            "picture", f"an image of Pillow's that cannot be decoded ({first_line(error)})",
            "a whole one", "Open another file.",
        ) from error  # fmt: skip
    if picture.mode in ("LAB", "HSV"):
        raise setting_error(
            "picture", f"an image of Pillow's of mode {picture.mode}", "grey or RGB",
            "Convert it as you mean it: picture.convert(\"RGB\").",
        )  # fmt: skip
    orientation = 1
    with suppress(SyntaxError, ValueError, OSError, KeyError, TypeError):  # as of a file
        orientation = picture.getexif().get(ORIENTATION, 1)
    if picture.mode == "1":
        picture = picture.convert("L")
    if "transparency" in picture.info or picture.mode in ("PA", "La", "RGBa"):
        grey = picture.mode in ("L", "La")
        picture = picture.convert("LA" if grey else "RGBA")
    alpha = picture.mode in ("LA", "RGBA")
    if not alpha and picture.mode not in PLAIN_MODES:
        picture = picture.convert("I;16" if picture.mode.startswith("I;16") else "RGB")
    image = of_array(np.array(picture))
    colours, rest = (image[:, :, :-1], image[:, :, -1:]) if alpha else (image, None)
    profile = picture.info.get("icc_profile")
    if profile and colours.dtype == np.uint8:
        with suppress(Damaged):  # as of a file: a profile that cannot be used changes nothing
            colours = in_srgb(colours, profile)
    if rest is not None:
        both = np.concatenate([colours, rest], axis=2)
        colours = shown_over(both, reading.behind, premultiplied=False)
    return upright(colours, orientation if orientation in range(1, 9) else 1)
