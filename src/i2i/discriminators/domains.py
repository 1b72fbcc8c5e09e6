"""StarGAN's discriminator: patches that look real, and which domain a picture is of."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from i2i.blocks import add_spectral_norm, make_norm, needs_bias
from i2i.discriminators.output import DiscriminatorOutput
from i2i.errors import setting_error


class DomainDiscriminator(nn.Module):
    """Strided 4 x 4 convolutions, then a patch head and a class head (Choi et al. 2018, Table 5).

    The class head sees what is left of the whole picture, so the image size is part of the network.
    Weights are as PyTorch draws them.
    """

    checkpointed = (nn.Sequential,)

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        n_labels: int,  # domains or attributes
        image_size: int | Sequence[int],  # pixels
        base_channels: int = 64,  # feature maps of the first layer; doubled from layer to layer
        n_layers: int = 6,  # strided convolutions; the patch head has H / 2^n_layers logits a side
        norm: str = "none",
        conditional: bool = False,  # True: the input image is shown, too
    ):
        """Builds the layers and both heads.

        Raises:
            SettingError: The image is too small for so many layers.
        """
        super().__init__()
        sides = [image_size] * 2 if isinstance(image_size, int) else list(image_size)
        size = [side // 2**n_layers for side in sides]
        least = 2 if norm.startswith("instance") else 1  # which has no variance of one pixel
        if n_layers < 1 or min(size) < least:
            found = f"images of {' x '.join(map(str, sides))} pixels"
            raise setting_error(
                f"discriminator.n_layers={n_layers}", found,
                f"1 or more, and {least} x 2^n_layers pixels or more",
                "Use fewer layers, larger images, or another norm.",
            )  # fmt: skip
        self.conditional = conditional
        seen = target_channels + (input_channels if conditional else 0)
        widths = [seen, *(base_channels * 2**i for i in range(n_layers))]
        stages = []
        for i, (width, wider) in enumerate(pairwise(widths)):
            own = norm if i else "none"  # the first layer has no norm, as everywhere here
            bias = needs_bias(own)
            conv = nn.Conv2d(width, wider, 4, 2, 1, bias=bias)
            normed = make_norm(own, wider, "discriminator.norm")
            stages.append(nn.Sequential(conv, normed, nn.LeakyReLU(0.01)))
        self.stages = nn.ModuleList(stages)
        self.score = nn.Conv2d(widths[-1], 1, 3, 1, 1, bias=False)
        self.classes = nn.Conv2d(widths[-1], n_labels, size, bias=False)
        self.least_size = 2**n_layers * min(size)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        """Scores pictures, and says of what domain they are.

        Args:
            x: Input images, (B, input_channels, H, W), looked at where ``conditional``.
            y: Real or made images, (B, target_channels, H, W) in [-1, 1], of the image size.

        Returns:
            One scale: logits (B, 1, h, w) and one feature map a layer; classes (B, n_labels).
        """
        h, features = torch.cat([x, y], dim=1) if self.conditional else y, []
        for stage in self.stages:
            h = stage(h)
            features.append(h)
        return DiscriminatorOutput([self.score(h)], [features], self.classes(h).flatten(1))
