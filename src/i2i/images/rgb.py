"""Pictures as (H, W, 3) uint8, as they are written and painted."""

import numpy as np
from torch import Tensor

from i2i.images.quantise import to_uint8


def rgb_of_tensor(image: Tensor) -> np.ndarray:
    """(C, H, W) in [-1, 1], 1 or 3 channels, any float type, as (H, W, 3) uint8 RGB."""
    return to_uint8(image.float().cpu()).expand(3, -1, -1).permute(1, 2, 0).numpy()
