"""PixelGAN: a discriminator that knows colours and no shapes."""

from i2i.blocks import needs_bias
from i2i.discriminators.stages import StagedDiscriminator


class PixelDiscriminator(StagedDiscriminator):
    """Scores every pixel of a pair by itself (Isola et al. 2017, Sec. 4.4 and App. 6.1.2).

    C64-C128 with 1 x 1 convolutions of stride 1. As in the released code, batch norm takes the bias
    from the convolution before it and from the last one, whose logits come after its shift. With
    layer or instance norm a logit still depends on the statistics of the whole image.
    """

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        base_channels: int = 64,  # feature maps of the first layer; the second has twice as many
        norm: str = "batch",  # the first and the last layer have none, except for spectral
        conditional: bool = True,  # False: the input image is not shown (GAN instead of cGAN)
    ):
        widths = [base_channels, 2 * base_channels]
        super().__init__(
            input_channels, target_channels, widths, [1, 1, 1], 1, 0, norm, conditional,
            score_bias=needs_bias(norm),
        )  # fmt: skip
