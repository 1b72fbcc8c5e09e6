"""Checking and writing of pictures' files.

Orientation: the EXIF tag of a JPEG is obeyed, as cameras need it and viewers show it; a PNG is
taken as stored. ``examine_image`` and ``read_stored`` agree on this.
"""

import errno
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np

from i2i.errors import SettingError, setting_error
from i2i.files import atomic
from i2i.files.ordinary import Unreadable, open_regular
from i2i.images.frame import MOST_PIXELS, frame_defect

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff",
    ".ppm", ".pgm", ".pbm", ".pnm", ".npy", ".npz",
)  # fmt: skip
# compare with the lower-cased suffix

_ORIENTATION_TAG = 0x0112  # values 5 to 8 lie on their side (EXIF 2.3, section 4.6.4)
MOST_FILE = 4_000_000_000  # bytes of a picture's file


def read_ids(path: Path, most_pixels: int = MOST_PIXELS) -> np.ndarray:
    """Reads a map of class ids: a grey or palette PNG whose pixel values are the ids.

    Args:
        path: The file.
        most_pixels: As in ``read_stored``.

    Returns:
        (H, W) uint8.

    Raises:
        SettingError: If the file is missing, cut short, or no such PNG.
    """
    check_image(path, most_pixels)
    with _pillow().open(path) as image:
        if image.format == "PNG" and image.mode in ("P", "L", "1"):
            try:
                grey = image.convert("L") if image.mode == "1" else image
                return np.array(grey, dtype=np.uint8)
            except (OSError, SyntaxError, ValueError) as error:
                raise image_error(path, "damaged image data") from error
        raise setting_error(
            f"image '{path}'",
            f"a {image.format} of mode {image.mode}",
            "a PNG of mode L or P, whose values are class ids, as dataset.label_files=ids says",
            "Set dataset.label_files=colours if the labels are colours.",
        )


def as_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Gives a grey or RGB image the wanted number of channels.

    Args:
        image: (H, W, 3) RGB of uint8, uint16 or float32; for 3 channels grey, (H, W, 1), too.
        channels: 3 repeats grey; 1 takes the luminance (ITU-R BT.601), exact for grey pixels.

    Returns:
        (H, W, channels) of the same dtype.

    Raises:
        ValueError: If ``channels`` is neither 1 nor 3, or the image of another shape.
    """
    import cv2

    if channels not in (1, 3):
        raise ValueError(f"channels={channels}; expected 1 or 3")
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"image has shape {image.shape}; expected (H, W, 1 or 3)")
    if channels == 3:
        return image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
    return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[:, :, np.newaxis]


def check_image(path: Path, most_pixels: int = MOST_PIXELS) -> tuple[int, int]:
    """Reads the size of an image and makes sure that the file has its end, without decoding it.

    Args:
        path: The file.
        most_pixels: As in ``read_stored``.

    Returns:
        (height, width) in pixels, as ``read_stored`` gives them.

    Raises:
        SettingError: If the file is missing, cut short, not an image, or too large.
    """
    found = examine_image(path, most_pixels)
    if isinstance(found, str):
        raise image_error(path, found)
    return found


def examine_image(path: Path, most_pixels: int = MOST_PIXELS) -> tuple[int, int] | str:
    """Does what ``check_image`` does, and returns what is wrong in words instead of raising it."""
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                return "an empty file"
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                defect = frame_defect(data, most_pixels)
            if defect is not None:
                return defect
            with _pillow().open(file) as header:
                return _upright_size(header)
    except Unreadable as error:
        return str(error)
    except OSError as error:  # also what Pillow raises for headers that it cannot make out
        return _words(error)
    except (SyntaxError, ValueError):
        return "a damaged header"


def write_png(path: Path, image: np.ndarray) -> None:
    """Writes an image so that the file is either whole or not there; makes the folder where needed.

    Args:
        path: The file to write or to replace.
        image: uint8, (H, W) or (H, W, 1) for grey, (H, W, 3) for RGB.

    Raises:
        SettingError: If the folder or the file cannot be written.
        ValueError: If ``image`` has another shape or dtype.
    """
    import cv2

    grey = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)
    if image.dtype != np.uint8 or not (grey or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"image is {image.dtype} {image.shape}; expected uint8, grey or RGB")
    _, encoded = cv2.imencode(".png", image if grey else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, encoded.tobytes(), durable=False)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> SettingError:
    """The error for an output file that cannot be written, to be raised."""
    return setting_error(
        f"output file '{path}'",
        _words(error),
        "a place that can be written",
        "Shorten the name." if error.errno == errno.ENAMETOOLONG else "Choose another folder.",
    )


def _pillow() -> Any:
    """Pillow without its own limit, which warns at a third of ours and cannot be raised."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    return Image


def _upright_size(header) -> tuple[int, int]:
    """The size as displayed: a JPEG with orientation 5 to 8 is turned by a right angle.

    The EXIF block alone is asked, as OpenCV does: Pillow's ``getexif`` would take XMP's word too.
    """
    from PIL import Image

    width, height = header.size
    if header.format in ("JPEG", "MPO") and header.info.get("exif"):
        exif = Image.Exif()
        exif.load(header.info["exif"])
        if exif.get(_ORIENTATION_TAG) in (5, 6, 7, 8):
            return width, height
    return height, width


def _words(error: OSError) -> str:
    return (error.strerror or "a header that cannot be read").lower()


def image_error(path: Path, found: str) -> SettingError:
    """The error for a file that cannot be read as a picture, to be raised."""
    return setting_error(
        f"image '{path}'", found, "a whole JPEG or PNG image", "Replace the file or take it away."
    )
