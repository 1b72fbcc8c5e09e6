"""What two networks share: the choice of normalisation."""

from torch import nn

from i2i.errors import setting_error

NORMS = ("batch", "instance", "layer", "none")


def make_norm(norm: str, channels: int, setting: str = "norm") -> nn.Module:
    """Builds a normalisation layer for NCHW feature maps.

    Args:
        norm: ``batch`` (affine, running statistics), ``instance`` (no affine, no running
            statistics, so that the batch size does not change the result), ``layer`` (over C, H and
            W of one sample, affine; what Gulrajani et al. 2017, Sec. 4 advise for critics) or
            ``none``.
        channels: Number of feature maps.
        setting: The option that the value came from, for the error.

    Returns:
        The layer.

    Raises:
        SettingError: The name is none of these four.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "instance":
        return nn.InstanceNorm2d(channels)
    if norm == "layer":
        return nn.GroupNorm(1, channels)
    if norm == "none":
        return nn.Identity()
    raise setting_error(f"{setting}={norm}", repr(norm), f"one of {', '.join(NORMS)}", "Name one.")


def needs_bias(norm: str) -> bool:
    """Whether a convolution before this norm keeps its bias.

    An affine norm brings a shift of its own. Instance norm subtracts the bias again, yet the
    reference networks keep it there, and their parameter counts with it.
    """
    return norm in ("instance", "none")


def has_batch_norm(network: nn.Module) -> bool:
    """Whether any layer mixes the samples of a batch."""
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())
