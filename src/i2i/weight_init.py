"""Weight initialisation of pix2pix (Isola et al. 2017, Sec. 6.2)."""

from torch import nn


def init_normal(network: nn.Module, std: float = 0.02) -> None:
    """Draws convolution weights from N(0, std), norm scales from N(1, std); sets biases to 0.

    Args:
        network: Changed in place.
        std: Standard deviation; 0.02 in the paper.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm) and module.affine:
            nn.init.normal_(module.weight, 1.0, std)
            nn.init.zeros_(module.bias)
