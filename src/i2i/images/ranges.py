"""The one door from pixels on the 0..255 scale to the [-1, 1] that networks see."""

import numpy as np
import torch
from torch import Tensor


def to_float(image: np.ndarray) -> Tensor:
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
    if image.dtype == np.uint8:
        return unit_range(to_planes(image))
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"image is {image.dtype}; expected uint8, or floats on the 0..255 scale")
    planes = np.array(image.transpose(2, 0, 1), dtype=np.float32, order="C")  # (C, H, W), a copy
    return torch.from_numpy(planes).div_(127.5).sub_(1.0)


def to_planes(image: np.ndarray) -> Tensor:
    """Copies an image channel by channel; ``unit_range`` does the rest of ``to_float`` later.

    Args:
        image: (H, W, C) uint8.

    Returns:
        (C, H, W) uint8, contiguous.
    """
    import cv2

    planes = np.empty((image.shape[2], *image.shape[:2]), np.uint8)
    cv2.split(image, list(planes))  # four times as fast as a transposed copy by NumPy
    return torch.from_numpy(planes)


def unit_range(levels: Tensor) -> Tensor:
    """Turns levels 0..255, uint8 of any shape and device, into float32 in [-1, 1].

    The divisor is a tensor: by a plain number CUDA would multiply by the rounded inverse instead,
    and the last bit would depend on the device.
    """
    if levels.device.type == "cpu":  # one look at a table instead of three passes: same bits
        import cv2

        values = torch.empty(levels.shape)
        row = levels.contiguous().view(1, -1).numpy()
        cv2.LUT(row, _ON_CPU, values.view(1, -1).numpy())
        return values
    return _scaled(levels.float())


def _scaled(values: Tensor) -> Tensor:
    return values.div_(values.new_full((), 127.5)).sub_(1.0)


_ON_CPU = _scaled(torch.arange(256, dtype=torch.float32)).numpy()  # by level
