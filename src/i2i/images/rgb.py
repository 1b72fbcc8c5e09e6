"""Pictures as (H, W, 3) uint8, as they are written and painted."""

import numpy as np
from torch import Tensor

from i2i.images.quantise import to_uint8


def rgb_of_tensor(image: Tensor) -> np.ndarray:
    """(C, H, W) in [-1, 1], 1 or 3 channels, any float type, as (H, W, 3) uint8 RGB."""
    return to_uint8(image.float().cpu()).expand(3, -1, -1).permute(1, 2, 0).numpy()


def with_three_channels(image: np.ndarray) -> np.ndarray:
    """Gives a picture three channels.

    Args:
        image: (H, W, 1 or 3).

    Returns:
        (H, W, 3), of the same type; grey is repeated.

    Raises:
        ValueError: It has another shape.
    """
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"image has shape {image.shape}; expected (H, W, 1 or 3)")
    return image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
