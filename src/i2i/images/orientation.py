"""Which way up a picture stands, as EXIF says it (EXIF 2.3, section 4.6.4, tag 274)."""

import numpy as np

_TAG = 0x0112
_BY_OPENCV = ("uint8", "uint16", "int16", "float32")


def orientation_of(exif: bytes) -> int:
    """Reads the orientation out of a block of EXIF; 1, upright, where it says nothing sensible.

    Args:
        exif: The block, with or without the word "Exif" before it.
    """
    from PIL import Image

    block = Image.Exif()
    try:
        block.load(exif)
        found = block.get(_TAG)
    except (SyntaxError, ValueError, OSError, KeyError, IndexError, TypeError):
        return 1  # a damaged block says nothing of the pixels
    except Exception as error:  # struct.error is no subclass of these
        if type(error).__module__ != "struct":
            raise
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns and mirrors a picture that is stored otherwise.

    Args:
        image: (H, W, C).
        orientation: 1 to 8.

    Returns:
        (H, W, C), or (W, H, C) from 5 on.
    """
    # Rows go from the bottom up, columns from the right, after sides 5 to 8 have changed places.
    lies, rows, columns = (
        orientation >= 5, orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    )  # fmt: skip
    if image.dtype.name in _BY_OPENCV and image.shape[2] <= 4:
        return _by_opencv(image, lies, rows, columns)
    image = image.swapaxes(0, 1) if lies else image
    return np.ascontiguousarray(image[:: -1 if rows else 1, :: -1 if columns else 1])


def _by_opencv(image: np.ndarray, lies: bool, rows: bool, columns: bool) -> np.ndarray:
    """The same, up to twenty times as fast as numpy, which copies value by value."""
    import cv2

    turned = cv2.transpose(image) if lies else image
    if rows or columns:
        turned = cv2.flip(turned, -1 if rows and columns else 0 if rows else 1)
    return np.ascontiguousarray(turned).reshape(*turned.shape[:2], image.shape[2])
