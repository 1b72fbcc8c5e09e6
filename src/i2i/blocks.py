"""What two networks share: norms, resampling with a blur, and the check of an image's size."""

from collections.abc import Iterable, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from i2i.errors import setting_error

NORMS = ("batch", "instance", "instance_affine", "layer", "spectral", "none")


def make_norm(norm: str, channels: int, setting: str = "norm", affine: bool = True) -> nn.Module:
    """Builds a normalisation layer for NCHW feature maps.

    Args:
        norm: ``batch`` (affine, running statistics), ``instance`` (no affine, no running
            statistics, so that the batch size does not change the result), ``instance_affine`` (the
            same with a learnt scale and shift), ``layer`` (over C, H and W of one sample, affine;
            what Gulrajani et al. 2017, Sec. 4 advise for critics),
            ``spectral`` (of the weights instead of the feature maps: the layer itself does nothing,
            and the network ends its constructor with ``add_spectral_norm``) or ``none``.
        channels: Number of feature maps.
        setting: The option that the value came from, for the error.
        affine: False leaves out the scale and shift of ``batch``, ``layer`` and
            ``instance_affine``.

    Returns:
        The layer.

    Raises:
        SettingError: The name is none of these six.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels, affine=affine)
    if norm == "instance":
        return InstanceNorm(channels)
    if norm == "instance_affine":
        return InstanceNorm(channels, affine=affine)
    if norm == "layer":
        return nn.GroupNorm(1, channels, affine=affine)
    if norm in ("spectral", "none"):
        return nn.Identity()
    raise setting_error(f"{setting}={norm}", repr(norm), f"one of {', '.join(NORMS)}", "Name one.")


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm without running statistics, with a right gradient in every memory layout.

    Torch folds B and C of the maps into one dimension and views the result back as (B, C, H, W).
    Where B is 1, a gradient that lies in memory as NHWC passes through that view uncopied, with a
    stride of its first dimension from which the batch norm of a CPU cannot read the layout: it
    mixes up the pixels, and the gradients of x, of the scale and of the shift are wrong without a
    word (torch 2.13). Larger batches, the other norms and a GPU are right. So such a gradient is
    laid out as NCHW before, as that of a larger batch is anyway, and nothing else changes a bit.
    Compiled code has kernels of its own, which are right, and cannot hold the hook.
    """

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        alone = x.device.type == "cpu" and len(x) == 1 and y.requires_grad
        if alone and not torch.compiler.is_compiling():
            y.register_hook(lambda gradient: gradient.contiguous())
        return y


class BlurDown(nn.Module):
    """Halves H and W: a 3 x 3 binomial blur, of which every second pixel is kept.

    Zhang 2019, "Making Convolutional Networks Shift-Invariant Again", Sec. 3.3 (Tri-3): what a
    strided convolution would alias is gone first. The border is mirrored, which takes 2 pixels at
    least. Without weights, and without an entry in the state dict.
    """

    def __init__(self) -> None:
        super().__init__()
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("filter", torch.outer(line, line)[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(x, self.filter.expand(channels, 1, 3, 3), stride=2, groups=channels)


def blur_up() -> nn.Module:
    """Doubles H and W: zeros between the pixels, then a 4 x 4 binomial blur, borders repeated.

    The counterpart of ``BlurDown`` in the generator of Park et al. 2020 (CUT). The binomial of
    four, (1, 3, 3, 1) / 4 here, holds the weights of bilinear interpolation at twice the size.
    """
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


class Dropout(nn.Dropout):
    """Dropout whose noise does not depend on how the maps lie in memory.

    PyTorch draws in the order of memory, so that the same seed drops other features of an NHWC
    tensor: a run would not be the same run under ``speed.channels_last``, nor its scores.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or x.is_contiguous():
            return super().forward(x)
        dropped = F.dropout(torch.ones(x.shape, dtype=x.dtype, device=x.device), self.p) == 0
        scaled = x * (1 / (1 - self.p) if self.p < 1 else 0.0)
        return scaled.masked_fill_(dropped, 0)  # in place: a copy would lie as NCHW


def leaky_relu_after(norm: str) -> nn.Module:
    """LeakyReLU of slope 0.2 for what this norm returns, in its place where that saves memory.

    No norm and no convolution needs its own result in the backward pass, so that one copy less is
    kept. Instance norm returns a view, of which autograd would make more copies instead.
    """
    return nn.LeakyReLU(0.2, inplace=not norm.startswith("instance"))


def needs_bias(norm: str) -> bool:
    """Whether a convolution before this norm keeps its bias.

    An affine norm brings a shift of its own. Instance norm subtracts the bias again, yet the
    reference networks keep it there, and their parameter counts with it.
    """
    return norm in ("instance", "spectral", "none")


def add_spectral_norm(network: nn.Module) -> None:
    """Divides the weight of every convolution and linear layer by its largest singular value.

    Miyato et al. 2018, Sec. 2.1: the weight as a matrix with one row per output channel; the
    singular value by one power iteration at each forward pass in training mode (App. A). To be
    called after weight initialisation, which does not see through it. A layer that has it already
    keeps it as it is.

    Args:
        network: Changed in place. ``weight`` becomes the divided weight, and the parameter is
            ``parametrizations.weight.original``.
    """
    for module in list(network.modules()):  # a list, because each wrapping adds modules
        weighted = isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        if weighted and not is_parametrized(module, "weight"):
            # A transposed convolution keeps its output channels in the second dimension.
            spectral_norm(module, dim=1 if isinstance(module, nn.ConvTranspose2d) else 0)


def planes(code: Tensor, x: Tensor) -> Tensor:
    """The numbers of a code as maps of one value each, to stand beside other maps.

    Args:
        code: (B, n).
        x: (B, C, H, W), whose size and type the maps have.

    Returns:
        (B, n, H, W), a view that takes no memory of its own.
    """
    return code.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[-2:])


def beside(x: Tensor, code: Tensor) -> Tensor:
    """Images with the numbers of a code as further maps: (B, C + n, H, W)."""
    return torch.cat([x, planes(code, x)], dim=1)


def with_code(generator: nn.Module, x: Tensor, z: Tensor) -> tuple[Tensor, ...]:
    """What a generator is called with: (x, z) where it takes codes, else x with z as maps."""
    return (x, z) if hasattr(generator, "latent") else (beside(x, z),)


def maps_after(layers: Iterable[nn.Module], x: Tensor, places: Sequence[int]) -> list[Tensor]:
    """What some layers of a sequence make of x; nothing after the last of them is computed.

    Args:
        layers: Called one after the other.
        x: What the first one takes.
        places: Numbers of layers, from 0, in any order; -1 is x itself.

    Returns:
        One tensor for each place.
    """
    found = {-1: x}
    for place, layer in enumerate(islice(layers, max(places) + 1)):
        x = layer(x)
        if place in places:
            found[place] = x
    return [found[place] for place in places]


def has_batch_norm(network: nn.Module) -> bool:
    """Whether any layer mixes the samples of a batch."""
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())


def check_image_size(x: Tensor, divisor: int, smallest: int = 1, todo: str = "") -> None:
    """Refuses images that a generator cannot halve as often as it has to.

    Args:
        x: (B, C, H, W).
        divisor: What H and W must be multiples of, in pixels.
        smallest: What H and W must at least be, in pixels: twice ``divisor`` where the innermost
            layers normalise or reflect, which takes more than one pixel.
        todo: What may be done besides changing the image size, ending a sentence.

    Raises:
        SettingError: H or W is something else.
    """
    height, width = x.shape[-2:]
    if height % divisor or width % divisor or min(height, width) < smallest:
        least = f", at least {smallest}" if smallest > divisor else ""
        raise setting_error(
            "dataset.image_size", f"{height} x {width} pixels", f"multiples of {divisor}{least}",
            f"Change dataset.image_size{todo}.",
        )  # fmt: skip
