"""The one door from pixels on the 0..255 scale to the [-1, 1] that networks see."""

import numpy as np
import torch


def to_float(image: np.ndarray) -> torch.Tensor:
    """Turns an image into a tensor; 0 becomes -1, 255 becomes 1, and nothing is rounded or clipped.

    Args:
        image: (H, W, C), uint8, or floating point on the 0..255 scale.

    Returns:
        (C, H, W) float32 in [-1, 1], contiguous, sharing no memory with ``image``.

    Raises:
        ValueError: If ``image`` has not 3 dimensions, or is neither uint8 nor floating point.
    """
    if image.ndim != 3:
        raise ValueError(f"image has shape {image.shape}; expected (H, W, C)")
    if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"image is {image.dtype}; expected uint8, or floats on the 0..255 scale")
    planes = np.array(image.transpose(2, 0, 1), dtype=np.float32, order="C")  # (C, H, W), a copy
    return torch.from_numpy(planes).div_(127.5).sub_(1.0)
