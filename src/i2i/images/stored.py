"""Pictures in the type that their files store them in."""

from pathlib import Path

import numpy as np

from i2i.files.ordinary import Unreadable, read_bytes
from i2i.images.frame import MOST_PIXELS, PNG_START, frame_defect
from i2i.images.image_io import MOST_FILE, image_error


def read_stored(
    path: Path, most_pixels: int = MOST_PIXELS, background: str = "white"
) -> np.ndarray:
    """Decodes a picture whole, or fails by name.

    A palette is replaced by its colours, and the picture stands upright.

    Args:
        path: The file.
        most_pixels: What its header may claim.
        background: What shows through where the picture is transparent.

    Returns:
        (H, W, C) in the stored type: uint8 or uint16.

    Raises:
        SettingError: If the file is missing, cut short, not an image, or too large.
    """
    import cv2

    try:
        data = read_bytes(path, MOST_FILE)
    except Unreadable as error:
        raise image_error(path, str(error)) from error
    defect = frame_defect(data, most_pixels)
    if defect is not None:
        raise image_error(path, defect)
    # UNCHANGED would keep alpha and ignore EXIF.
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH
    if data.startswith(PNG_START):
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)  # (H, W, 3), or None
    except cv2.error as error:
        raise image_error(path, f"a file that OpenCV refuses ({error.err})") from error
    if decoded is None:
        raise image_error(path, "damaged image data")
    return decoded
