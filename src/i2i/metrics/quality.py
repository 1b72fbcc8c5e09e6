"""SSIM, PSNR, MSE and L1 of 8-bit image pairs, one float64 value per image.

Every value depends on its own pair alone, not on the batch around it, the number of threads or the
number of processes: sums of levels are integers, and SSIM adds in one fixed order.
"""

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.images.ssim import WINDOW, ssim_of_rows
from i2i.metrics.image_metric import ImageMetric

PEAK = 255.0  # highest 8-bit level


class SSIM(ImageMetric):
    """Structural similarity, at most 1."""

    more_is_better = True
    protocol = "Wang et al. 2004: Gaussian window of 11, sigma 1.5, K1 0.01, K2 0.03, range 255"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return ssim(output, target)


class PSNR(ImageMetric):
    """Peak signal-to-noise ratio of each image."""

    more_is_better, unit = True, "dB"
    protocol = "dB over the peak 255; infinite for equal images, and so is the mean then"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return psnr(output, target)


class MSE(ImageMetric):
    """Mean squared error."""

    more_is_better, unit = False, "0-255 squared"
    protocol = "squared levels of 255"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return mse(output, target)


class L1(ImageMetric):
    """Mean absolute error."""

    more_is_better, unit = False, "0-255"
    protocol = "levels of 255"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return l1(output, target)


def mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error in squared 8-bit levels, 0 to 65025.

    Args:
        output: uint8 (B, C, H, W).
        target: uint8, same shape.

    Returns:
        float64 (B,), exact to the last bit.
    """
    return _errors(output, target)[0]


def l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error in 8-bit levels, 0 to 255.

    Args:
        output: uint8 (B, C, H, W).
        target: uint8, same shape.

    Returns:
        float64 (B,), exact to the last bit.
    """
    return _errors(output, target)[1]


def psnr(output: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB: 10 log10(255^2 / MSE) of each image.

    Args:
        output: uint8 (B, C, H, W).
        target: uint8, same shape.

    Returns:
        float64 (B,); inf where the two images are equal.
    """
    return _decibels(mse(output, target))


def ssim(output: Tensor, target: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, Eq. 13) of each image, in [-1, 1].

    The mean over all whole windows and over channels of ``ssim_of_rows``, in float64. It agrees
    with scikit-image to 1.7e-14 and takes a tenth of the time of torchmetrics, whose result in
    float64 still differs in the seventh digit.

    Args:
        output: uint8 (B, C, H, W), H and W at least 11.
        target: uint8, same shape.

    Returns:
        float64 (B,).

    Raises:
        SettingError: An image is smaller than the window.
    """
    output, target = _checked(output, target)
    height, width = output.shape[-2:]
    if min(height, width) < WINDOW:
        raise setting_error(
            "SSIM",
            f"images of {height} x {width} pixels",
            f"at least {WINDOW} x {WINDOW}, the size of its window",
            "Score larger images: a larger crop, or the whole ones.",
        )
    return torch.stack([_ssim(x, y) for x, y in zip(output, target, strict=True)])


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    x, y = x.double(), y.double()
    # A channel at a time fits into a processor's cache; a GPU would only get more launches.
    parts = zip(x, y, strict=True) if x.device.type == "cpu" else [(x, y)]
    rows = torch.stack([ssim_of_rows(*part, PEAK) for part in parts])
    return rows.mean(-1).mean()  # row by row: the order is fixed


def _errors(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared and mean absolute error of each image, in levels, from integer sums."""
    output, target = _checked(output, target)
    errors = output.to(torch.int32) - target
    size = errors[0].numel()
    squared = errors.square().sum((1, 2, 3)).double() / size
    return squared, errors.abs_().sum((1, 2, 3)).double() / size


def _decibels(squared: Tensor) -> Tensor:
    return 10.0 * torch.log10(PEAK**2 / squared)


def _checked(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if output.dtype != torch.uint8 or target.dtype != torch.uint8:
        raise TypeError(f"metrics take uint8 images, not {output.dtype} and {target.dtype}")
    if output.shape != target.shape or output.dim() != 4 or output.numel() == 0:
        shapes = f"output {tuple(output.shape)} and target {tuple(target.shape)}"
        raise ValueError(f"metrics take two tensors of one shape (B, C, H, W), not {shapes}")
    if output.device.type == "mps":  # knows no float64
        return output.cpu(), target.cpu()
    return output, target
