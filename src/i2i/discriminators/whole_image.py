"""A discriminator with one score for the whole image."""

from torch import Tensor

from i2i.discriminators.output import DiscriminatorOutput
from i2i.discriminators.stages import StagedDiscriminator


class GlobalDiscriminator(StagedDiscriminator):
    """Five 4 x 4 convolutions, then the mean over space: one logit a pair.

    The shape of DCGAN's discriminator (Radford et al. 2016, Sec. 3: strided 4 x 4 convolutions, no
    fully connected hidden layer), with a mean at its end instead of a fixed image size. With
    ``whole=True`` it is DCGAN's at 64 x 64, where the last convolution has all of what is left.
    """

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        base_channels: int = 64,  # feature maps of the first layer; doubled three times
        norm: str = "batch",  # the first and the last layer have none, except for spectral
        conditional: bool = True,  # False: the input image is not shown (GAN instead of cGAN)
        whole: bool = False,  # the last convolution neither strides nor pads
        small_start: bool = True,  # weights from N(0, 0.02); False: as PyTorch draws them
    ):
        widths = [base_channels * 2**i for i in range(4)]
        strides, padding = [2, 2, 2, 2, 1 if whole else 2], 0 if whole else 1
        super().__init__(
            input_channels, target_channels, widths, strides, 4, 1, norm, conditional,
            score_padding=padding, small_start=small_start,
        )  # fmt: skip

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        """Scores the pairs (x, y).

        Args:
            x: Input images, (B, input_channels, H, W) in [-1, 1], H and W at least 32,
                64 where ``whole``.
            y: Real or made images, (B, target_channels, H, W) in [-1, 1].

        Returns:
            One scale: logits (B, 1, 1, 1) and one feature map a stage.
        """
        found = super().forward(x, y)
        return found._replace(logits=[m.mean((2, 3), keepdim=True) for m in found.logits])
