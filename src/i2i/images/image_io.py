"""What all pictures' files have in common: suffixes, channels, and writing them whole."""

import errno
from pathlib import Path

import numpy as np

from i2i.errors import SettingError, setting_error
from i2i.files import atomic

# Of the files that are taken for pictures; compare with the lower-cased suffix. What a file really
# is, its content says.
IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff",
    ".ppm", ".pgm", ".pbm", ".pnm", ".npy", ".npz",
)  # fmt: skip


def as_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Gives a grey or RGB image the wanted number of channels.

    Args:
        image: (H, W, C).
        channels: 3 repeats grey; 1 takes the luminance of RGB (ITU-R BT.601).

    Returns:
        (H, W, channels) of the same dtype.

    Raises:
        ValueError: If there is no way from C channels to as many.
    """
    import cv2

    stored = image.shape[2]
    if stored == channels:
        return image
    if (stored, channels) == (1, 3):
        return cv2.merge([image] * 3)  # ten times as fast as repeating by NumPy
    if (stored, channels) == (3, 1):
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[:, :, np.newaxis]
    raise ValueError(f"channels={channels}; expected {stored}, as the image of {image.shape} has")


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


def _words(error: OSError) -> str:
    return (error.strerror or "a header that cannot be read").lower()
