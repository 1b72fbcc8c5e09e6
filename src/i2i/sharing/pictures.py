"""Pictures that Python code hands over, as files of them would be read."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from i2i.errors import SettingError, first_line, setting_error
from i2i.images.formats.header import Damaged
from i2i.images.formats.known import NAMES
from i2i.images.orientation import upright
from i2i.images.profiles import in_srgb
from i2i.images.reading import Reading
from i2i.images.stored import ImageError
from i2i.images.transparency import shown_over

EXPECTED = "a path, a PIL image, or a numpy array of (H, W) or (H, W, C)"
OPEN = "Open it: PIL.Image.open(io.BytesIO(data))."
ADVICE = {
    "Tensor": "Convert it: levels of 8 bits, (H, W, C), by .permute(1, 2, 0).cpu().numpy().",
    "ndarray": "Whole numbers or floats are pictures; pass list(array) for (N, H, W, C).",
    "MaskedArray": "Say what stands where it is masked: array.filled(value).",
    "bytes": OPEN, "bytearray": OPEN, "memoryview": OPEN,
}  # fmt: skip
OPEN_FILE = "Open it: PIL.Image.open(file); or give the file's path."
OTHERWISE = "Give one of these, or a list or an iterator of them."
IN_MEMORY = Path("picture")  # what a picture without a file is called in errors
PLAIN_MODES = ("L", "RGB", "I", "I;16", "F")
ORIENTATION = 0x0112


def is_path(picture: Any) -> bool:
    """Whether a picture is to be read from a file."""
    return isinstance(picture, str | os.PathLike)


def path_of(picture: Any) -> Path:
    """The file of a picture that is a path."""
    return Path(os.fsdecode(picture)).expanduser()


def is_pil(picture: Any) -> bool:
    """Whether a picture is one of Pillow's, which need not be installed for others."""
    its = hasattr(picture, "getbands") and hasattr(picture, "convert")
    return its and not isinstance(picture, type)


def is_picture(picture: Any) -> bool:
    """Whether something is one picture, and not several."""
    return is_path(picture) or is_pil(picture) or isinstance(picture, np.ndarray)


def is_no_picture(picture: Any) -> bool:
    """Whether something that can be gone through holds no pictures, as a tensor or bytes."""
    data = (bytes, bytearray, memoryview, Mapping, torch.Tensor)
    return isinstance(picture, data) or is_open_file(picture)


def is_open_file(picture: Any) -> bool:
    """Whether something is a file that was opened, or stands in for one."""
    return hasattr(picture, "read") and not is_picture(picture)


def as_read(picture: Any, reading: Reading, what: str = IN_MEMORY.name) -> np.ndarray:
    """What the network's side of a data set makes of a picture, from wherever it comes.

    Args:
        picture: A path, a PIL image of any mode, or an array of (H, W) or (H, W, C).
        reading: Of the side.
        what: What it is called in errors, where it has no path.

    Returns:
        (H, W, C) as ``Reading.read`` gives it.

    Raises:
        SettingError: It is none, or not such as the model was trained on.
    """
    if is_path(picture):
        with one_file(file := path_of(picture)):
            return reading.read(file)
    stored = None if is_pil(picture) else of_array(picture, what)
    width, height = picture.size if stored is None else stored.shape[1::-1]
    if height * width > reading.most_pixels:  # before a lazy image of Pillow's is decoded
        raise setting_error(
            what, f"{height} x {width} pixels", f"{reading.most_pixels:,} or fewer",
            "Load the model with a higher max_megapixels.",
        )  # fmt: skip
    return reading.of(of_pil(picture, reading, what) if stored is None else stored, Path(what))


@contextmanager
def one_file(file: Path) -> Iterator[None]:
    """Errors of reading a file in the words of a call, which cannot leave it out as commands can.

    Raises:
        SettingError: It cannot be read.
    """
    try:
        yield
    except ImageError as error:
        raise setting_error(
            f"image '{file}'", error.found, f"a whole picture ({NAMES})", "Give another file."
        ) from error


def no_picture(picture: Any, what: str = IN_MEMORY.name) -> SettingError:
    """The error of something that is no picture."""
    shape, kind = getattr(picture, "shape", None), type(picture).__name__
    found = f"a value of type {kind}"
    if shape is not None and hasattr(picture, "dtype"):
        found = f"an array of {picture.dtype} {tuple(shape)}"
    todo = OPEN_FILE if is_open_file(picture) else ADVICE.get(kind, OTHERWISE)
    return setting_error(what, found, EXPECTED, todo)


def of_array(picture: Any, what: str = IN_MEMORY.name) -> np.ndarray:
    """An array as a file would store it, (H, W, C).

    Raises:
        SettingError: It is no array of a picture.
    """
    good = isinstance(picture, np.ndarray) and picture.ndim in (2, 3) and picture.size > 0
    if not good or picture.dtype.kind not in "uif" or np.ma.is_masked(picture):
        raise no_picture(picture, what)
    if picture.dtype.kind == "f" and not np.isfinite(picture).all():
        raise setting_error(
            what, "values that are no number (NaN or infinite)", "numbers everywhere",
            "Replace them, for example with np.nan_to_num.",
        )  # fmt: skip
    return picture[:, :, np.newaxis] if picture.ndim == 2 else picture


def of_pil(picture: Any, reading: Reading, what: str = IN_MEMORY.name) -> np.ndarray:
    """An image of Pillow's as a file of it would be read: upright, in sRGB, over the background.

    Raises:
        SettingError: It cannot be decoded, or Pillow holds something else than the file does.
    """
    require_all_bits(picture, what)
    try:
        picture.load()  # a TIFF turns itself here, and is upright then
    except (OSError, ValueError, SyntaxError) as error:
        raise setting_error(
            what, f"an image of Pillow's that cannot be decoded ({first_line(error)})",
            "a whole one", "Open another file.",
        ) from error  # fmt: skip
    if picture.mode in ("LAB", "HSV"):
        raise setting_error(
            what, f"an image of Pillow's of mode {picture.mode}", "grey or RGB",
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
    image = of_array(np.array(picture), what)
    colours, rest = (image[:, :, :-1], image[:, :, -1:]) if alpha else (image, None)
    profile = picture.info.get("icc_profile")
    if profile and colours.dtype == np.uint8:
        with suppress(Damaged):  # as of a file: a profile that cannot be used changes nothing
            colours = in_srgb(colours, profile)
    if rest is not None:
        both = np.concatenate([colours, rest], axis=2)
        colours = shown_over(both, reading.behind, premultiplied=False)
    return upright(colours, orientation if orientation in range(1, 9) else 1)


def require_all_bits(picture: Any, what: str) -> None:
    """Refuses colours of 16 bits, of which Pillow would keep 8 in another rounding than ours.

    Raises:
        SettingError: The image has some, and is not decoded yet; later Pillow does not say.
    """
    stored = [str(tile[-1]) for tile in getattr(picture, "tile", None) or ()]
    if picture.mode in ("RGB", "RGBA", "LA") and any(";16" in its for its in stored):
        raise setting_error(
            what, "an image of Pillow's whose file has 16 bits a channel, of which Pillow keeps 8",
            "the file's path, or an array of all bits", "Give the path of the file.",
        )  # fmt: skip
