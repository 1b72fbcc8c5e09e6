"""Which way up a picture stands, as EXIF says it (EXIF 2.3, section 4.6.4, tag 274)."""

import numpy as np

_TAG = 0x0112


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
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    # After that, rows go from the bottom up in 3, 4, 7 and 8... columns from the right in others.
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(image[::rows, ::columns])
