"""SSIM, PSNR, MSE and L1 of image pairs in the target's own values, one float64 value per image.

Every value depends on its own pair alone, not on the batch around it, the number of threads or the
number of processes: sums of 8-bit levels are integers, and whatever else is added up is added in
one fixed order.
"""

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.images.ssim import WINDOW, ssim_of_rows
from i2i.images.values import PLAIN, Values, in_digits
from i2i.metrics.image_metric import ImageMetric

PEAK = PLAIN.peak  # highest 8-bit level


def of_values(values: Values) -> str:
    """Says in which values something is measured, where these are not levels of 255."""
    return f"the target's own values ({values})"


class SSIM(ImageMetric):
    """Structural similarity, at most 1."""

    more_is_better, takes = True, "values"

    @property
    def protocol(self) -> str:
        constants = "Wang et al. 2004: Gaussian window of 11, sigma 1.5, K1 0.01, K2 0.03"
        if self.values.plain:
            return f"{constants}, range 255"
        return f"{constants}, range {in_digits(self.values.peak)}, in {of_values(self.values)}"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return ssim(output, target, self.values)


class PSNR(ImageMetric):
    """Peak signal-to-noise ratio of each image."""

    more_is_better, unit, takes = True, "dB", "values"

    @property
    def protocol(self) -> str:
        of = "" if self.values.plain else f" of {of_values(self.values)}"
        peak = f"dB over the peak {in_digits(self.values.peak)}{of}"
        return f"{peak}; infinite for equal images, and so is the mean then"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return psnr(output, target, self.values.peak)


class MSE(ImageMetric):
    """Mean squared error."""

    more_is_better, takes = False, "values"

    @property
    def unit(self) -> str:
        return f"{self.values.span} squared"

    @property
    def protocol(self) -> str:
        plain = self.values.plain
        return "squared levels of 255" if plain else f"squares of {of_values(self.values)}"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return mse(output, target)


class L1(ImageMetric):
    """Mean absolute error."""

    more_is_better, takes = False, "values"

    @property
    def unit(self) -> str:
        return self.values.span

    @property
    def protocol(self) -> str:
        return "levels of 255" if self.values.plain else of_values(self.values)

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return l1(output, target)


def mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error in squared values, of 8 bits 0 to 65025.

    Args:
        output: uint8 or float64 (B, C, H, W).
        target: The same type and shape.

    Returns:
        float64 (B,); of uint8 exact to the last bit.
    """
    return _errors(output, target)[0]


def l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error in values, of 8 bits 0 to 255.

    Args:
        output: uint8 or float64 (B, C, H, W).
        target: The same type and shape.

    Returns:
        float64 (B,); of uint8 exact to the last bit.
    """
    return _errors(output, target)[1]


def psnr(output: Tensor, target: Tensor, peak: float = PEAK) -> Tensor:
    """Peak signal-to-noise ratio in dB: 10 log10(peak^2 / MSE) of each image.

    Args:
        output: uint8 or float64 (B, C, H, W).
        target: The same type and shape.
        peak: From the lowest value to the highest.

    Returns:
        float64 (B,); inf where the two images are equal.
    """
    return 10.0 * torch.log10(peak**2 / mse(output, target))


def ssim(output: Tensor, target: Tensor, values: Values = PLAIN) -> Tensor:
    """Structural similarity (Wang et al. 2004, Eq. 13) of each image, in [-1, 1].

    The mean over all whole windows and over channels of ``ssim_of_rows``, in float64. It agrees
    with scikit-image to 1.7e-14 and takes a tenth of the time of torchmetrics, whose result in
    float64 still differs in the seventh digit.

    Args:
        output: uint8 or float64 (B, C, H, W), H and W at least 11.
        target: The same type and shape.
        values: What the images hold.

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
    return torch.stack([_ssim(x, y, values) for x, y in zip(output, target, strict=True)])


def _ssim(x: Tensor, y: Tensor, values: Values) -> Tensor:
    low = values.low
    x, y = (image.double() - low if low else image.double() for image in (x, y))
    # A channel at a time fits into a processor's cache; a GPU would only get more launches.
    parts = zip(x, y, strict=True) if x.device.type == "cpu" else [(x, y)]
    rows = torch.stack([ssim_of_rows(*part, values.peak, low) for part in parts])
    return rows.mean(-1).mean()  # row by row: the order is fixed


def _errors(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared and mean absolute error of each image: of levels from integer sums."""
    output, target = _checked(output, target)
    size = output[0].numel()
    if output.dtype == torch.uint8:
        errors = output.to(torch.int32) - target
        squared = errors.square().sum((1, 2, 3)).double() / size
        return squared, errors.abs_().sum((1, 2, 3)).double() / size
    errors = output - target
    return _total(errors.square()) / size, _total(errors.abs_()) / size


def _total(errors: Tensor) -> Tensor:
    """The sum over each image, (B, C, H, W) to (B,), row by row: the order is fixed."""
    return torch.stack([image.sum(-1).sum() for image in errors])


def _checked(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if output.dtype != target.dtype or output.dtype not in (torch.uint8, torch.float64):
        raise TypeError(
            f"metrics take uint8 images, or two in float64, not {output.dtype} and {target.dtype}"
        )
    if output.shape != target.shape or output.dim() != 4 or output.numel() == 0:
        shapes = f"output {tuple(output.shape)} and target {tuple(target.shape)}"
        raise ValueError(f"metrics take two tensors of one shape (B, C, H, W), not {shapes}")
    if output.device.type == "mps":  # knows no float64
        return output.cpu(), target.cpu()
    return output, target
