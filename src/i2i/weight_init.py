"""Weight initialisation of pix2pix (Isola et al. 2017, App. 6.2) and of SPADE."""

from collections.abc import Iterator

from torch import nn


def init_normal(network: nn.Module) -> None:
    """Draws convolution weights from N(0, 0.02), norm scales from N(1, 0.02); sets biases to 0.

    Args:
        network: Changed in place.
    """
    for module in in_memory(network):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def init_glorot(network: nn.Module, gain: float) -> None:
    """Draws convolution weights by Glorot and Bengio's normal distribution; sets biases to 0.

    Its standard deviation is gain * sqrt(2 / (fan_in + fan_out)).

    Args:
        network: Changed in place; its norms have no scale and shift, or keep 1 and 0.
        gain: Factor of the standard deviation.
    """
    for module in in_memory(network):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_normal_(module.weight, gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def in_memory(network: nn.Module) -> Iterator[nn.Module]:
    """Its modules whose weights take memory; on the meta device, where only shapes are, none.

    To draw numbers there takes a second, as PyTorch then imports its compiler.
    """
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if weight is not None and not weight.is_meta:
            yield module
