"""Structural similarity (Wang et al. 2004), the one formula of the score and of the loss."""

import torch
from torch import Tensor

WINDOW = 11  # pixels, side of the Gaussian window
SIGMA = 1.5  # pixels
K1, K2 = 0.01, 0.03


def ssim_of_rows(x: Tensor, y: Tensor, peak: float, centre: float = 0.0) -> Tensor:
    """Mean SSIM (Wang et al. 2004, Eq. 13) of every row of windows, in the images' precision.

    Gaussian window of 11 x 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, population variances,
    whole windows only. With s = x + y and d = x - y, 2 mu_x mu_y = (mu_s^2 - mu_d^2) / 2 and
    mu_x^2 + mu_y^2 = (mu_s^2 + mu_d^2) / 2; the same holds of covariance and variances. So four
    windowed means do instead of the five of Eq. 13. The sums are written out: a convolution would
    be rounded to TF32 on a GPU, and E[s^2] - E[s]^2 loses all its digits then.

    Args:
        x: (..., H, W) with H and W of at least 11, in [-centre, peak - centre].
        y: The same shape and range.
        peak: The largest level.
        centre: What was subtracted from both. Moments of centred images keep more digits.

    Returns:
        (..., H - 10), each in [-1, 1]. The mean over it is the image's SSIM.
    """
    s, d = x + y, x - y
    mean_s, mean_d, mean_ss, mean_dd = _window_mean(torch.stack([s, d, s * s, d * d]))
    square_s, square_d = mean_s * mean_s, mean_d * mean_d
    structure = _ratio(mean_ss - square_s, mean_dd - square_d, 2 * (K2 * peak) ** 2)
    if centre:
        square_s = (mean_s + 2 * centre).square()
    luminance = _ratio(square_s, square_d, 2 * (K1 * peak) ** 2)
    return (luminance * structure).mean(-1)


def _ratio(of_sum: Tensor, of_difference: Tensor, c: float) -> Tensor:
    return (of_sum - of_difference + c) / (of_sum + of_difference + c)


def _window_mean(maps: Tensor) -> Tensor:
    """Gaussian mean over every whole window: (..., H, W) -> (..., H - 10, W - 10), separably."""
    radius = WINDOW // 2
    offsets = torch.arange(-radius, 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    weights = (weights / (2 * weights.sum() - weights[-1])).tolist()  # the left half and the middle
    for dim in (-2, -1):
        size = maps.shape[dim] - WINDOW + 1
        mean = maps.narrow(dim, radius, size) * weights[radius]
        for i in range(radius):
            sides = maps.narrow(dim, i, size) + maps.narrow(dim, WINDOW - 1 - i, size)
            mean = mean.add(sides, alpha=weights[i])
        maps = mean
    return maps
