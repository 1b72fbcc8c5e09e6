"""PatchGAN, the discriminator of pix2pix."""

import torch
from torch import Tensor, nn

from i2i.blocks import make_norm, needs_bias
from i2i.discriminators.output import DiscriminatorOutput
from i2i.weight_init import init_normal


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches of a pair (Isola et al. 2017, Sec. 3.4 and App. 6.1.2).

    With ``n_layers=3`` each logit sees 70 x 70 pixels, and a 256 x 256 image gives 30 x 30 of them.
    """

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        base_channels: int = 64,  # feature maps of the first layer; doubled up to 8 times that
        n_layers: int = 3,  # strided convolutions
        norm: str = "batch",  # the first and the last layer have none
        conditional: bool = True,  # False: the input image is not shown (GAN instead of cGAN)
    ):
        super().__init__()
        self.conditional = conditional
        channels = target_channels + (input_channels if conditional else 0)
        stages = [nn.Sequential(nn.Conv2d(channels, base_channels, 4, 2, 1), nn.LeakyReLU(0.2))]
        width = base_channels
        for i in range(1, n_layers + 1):
            wider, stride = base_channels * min(2**i, 8), 2 if i < n_layers else 1
            stages.append(
                nn.Sequential(
                    nn.Conv2d(width, wider, 4, stride, 1, bias=needs_bias(norm)),
                    make_norm(norm, wider, "discriminator.norm"),
                    nn.LeakyReLU(0.2),
                )
            )
            width = wider
        self.stages = nn.ModuleList(stages)
        self.score = nn.Conv2d(width, 1, 4, 1, 1)
        init_normal(self)

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        """Scores the pairs (x, y).

        Args:
            x: Input images, (B, input_channels, H, W) in [-1, 1].
            y: Real or made images, (B, target_channels, H, W) in [-1, 1].

        Returns:
            One scale: logits (B, 1, h, w) and one feature map a stage.
        """
        h = torch.cat([x, y], dim=1) if self.conditional else y
        features = []
        for stage in self.stages:
            h = stage(h)
            features.append(h)
        return DiscriminatorOutput([self.score(h)], [features])
