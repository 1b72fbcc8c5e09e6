"""The one door from float images to 8-bit images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from i2i.errors import SettingError, setting_error


def to_uint8(images: Tensor, names: Sequence[str] | None = None) -> Tensor:
    """Turns images in [-1, 1] into 8-bit images: level = round(127.5 * (clamp(x, -1, 1) + 1)).

    A value half way between two levels goes to the even one, as IEEE 754 rounds. All 256 levels
    come back from ``level / 127.5 - 1`` in float32. Values outside [-1, 1], infinities too, become
    0 or 255. A bfloat16 or float16 tensor is widened first.

    Args:
        images: Any shape, any floating dtype, range [-1, 1].
        names: One name an image along the first dimension, for the error.

    Returns:
        uint8, same shape and device.

    Raises:
        TypeError: ``images`` is not a floating tensor; 8-bit images need no conversion.
        SettingError: There is a NaN, which no level stands for: the network has diverged.
    """
    if not images.is_floating_point():
        raise TypeError(f"to_uint8 takes float images in [-1, 1], not {images.dtype}")
    images = images.float()
    refuse_nan(images, names)
    return ((images.clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)


def refuse_nan(images: Tensor, names: Sequence[str] | None = None) -> None:
    """Refuses images that hold NaN.

    Args:
        images: Floats of any shape.
        names: One name an image along the first dimension, for the error.

    Raises:
        SettingError: There is one.
    """
    missing = images.isnan()
    if missing.any():
        raise _nan_error(missing, names)


def _nan_error(missing: Tensor, names: Sequence[str] | None) -> SettingError:
    which = "images"
    if names is not None:
        hit = missing.flatten(1).any(1).tolist()
        which = ", ".join(name for name, bad in zip(names, hit, strict=True) if bad)
    return setting_error(
        which,
        f"{int(missing.sum())} NaN of {missing.numel()} values",
        "numbers in [-1, 1]",
        "The network has diverged: go on from an earlier checkpoint with a lower learning rate, "
        "clip the gradients, or use trainer.precision=32-true.",
    )
