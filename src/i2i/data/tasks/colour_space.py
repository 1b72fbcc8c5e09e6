"""sRGB and CIE Lab (CIE 1976 L*a*b*), and pictures of a given lightness.

Transfer curve: IEC 61966-2-1. Primaries: ITU-R BT.709. White: D65, 2 degree observer. The constants
are those of scikit-image. Lab is L in 0..100, a and b in about -110..110; RGB is in [-1, 1].
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_WHITE = (0.95047, 1.0, 1.08883)  # X, Y, Z
_XYZ_OF_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_TO_XYZ = (_XYZ_OF_RGB / np.array(_WHITE)[:, None]).tolist()  # of the white's X, Y, Z
_FROM_XYZ = (np.linalg.inv(_XYZ_OF_RGB) * _WHITE).tolist()
_DELTA = 6 / 29  # where the cube root gives way to a straight line (CIE 15:2004, section 8.2.1)

# White lies 0.00007 outside by the rounding of the constants above, and 8 bits see neither bound.
_LOWEST, _HIGHEST = -1e-5, 1 + 1e-4  # linear light
_BISECTIONS = 12  # chroma to 1 part in 4096


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Turns sRGB into CIE Lab.

    Args:
        rgb: (..., 3, H, W) in [-1, 1]; values outside are clipped.

    Returns:
        (..., 3, H, W) float32: L in 0..100, a in -87..99, b in -108..95.
    """
    value = ((rgb.float() + 1) / 2).clamp(0, 1)
    linear = torch.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    share = _times(_TO_XYZ, linear)
    root = share.clamp(min=0) ** (1 / 3)
    x, y, z = torch.where(share > _DELTA**3, root, share / (3 * _DELTA**2) + 4 / 29).unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Turns CIE Lab into sRGB; what lies outside the gamut is clipped in each channel.

    Clipping changes lightness and hue as well; ``with_lightness`` keeps both.

    Args:
        lab: (..., 3, H, W), L in 0..100.

    Returns:
        (..., 3, H, W) float32 in [-1, 1]. A NaN stays one.
    """
    return _displayed(_linear(lab.float()))


def with_lightness(ab: Tensor, lightness: Tensor) -> Tensor:
    """Makes the sRGB picture that has exactly the lightness given, and the colours where it can.

    Where (L, a, b) cannot be displayed, chroma is reduced toward grey at constant L and hue, as
    little as is needed: a bisection on the factor of (a, b). Grey itself can always be displayed.
    The picture's L is the one given within 0.02, and within 0.3 once it is rounded to 8 bits.

    Args:
        ab: (..., 2, H, W), a and b in Lab units.
        lightness: (..., 1, H, W), L; values outside 0..100 are clipped.

    Returns:
        (..., 3, H, W) float32 in [-1, 1]. A NaN stays one.
    """
    ab, lightness = ab.float(), lightness.float().clamp(0, 100)

    def linear(factor: Tensor) -> Tensor:
        return _linear(torch.cat([lightness, factor * ab], -3))

    high = torch.ones_like(lightness)
    low = _in_gamut(linear(high)).to(high.dtype)  # 1: nothing is to be reduced
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        inside = _in_gamut(linear(middle))
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return _displayed(linear(low))


def grey_of_lightness(lightness: Tensor) -> Tensor:
    """Makes the grey picture of a lightness.

    Args:
        lightness: Any shape, L in 0..100.

    Returns:
        sRGB grey in [-1, 1], float32, same shape.
    """
    return _displayed(_from_root((lightness.float() + 16) / 116))


def _linear(lab: Tensor) -> Tensor:
    """Linear light, (..., 3, H, W); 0..1 is the gamut."""
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    return _times(_FROM_XYZ, _from_root(torch.stack([y + a / 500, y, y - b / 200], -3)))


def _from_root(root: Tensor) -> Tensor:
    return torch.where(root > _DELTA, root**3, 3 * _DELTA**2 * (root - 4 / 29))


def _in_gamut(linear: Tensor) -> Tensor:
    """(..., 1, H, W) bool."""
    return ((linear >= _LOWEST) & (linear <= _HIGHEST)).all(-3, keepdim=True)


def _displayed(linear: Tensor) -> Tensor:
    linear = linear.clamp(0, 1)
    curve = 1.055 * linear ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve) * 2 - 1


def _times(matrix: Sequence[Sequence[float]], planes: Tensor) -> Tensor:
    """A 3 x 3 matrix for each pixel; not a matmul, which autocast and TF32 would round."""
    p, q, r = planes.unbind(-3)
    return torch.stack([row[0] * p + row[1] * q + row[2] * r for row in matrix], -3)
