"""PatchGAN, the discriminator of pix2pix."""

from i2i.discriminators.stages import StagedDiscriminator
from i2i.errors import setting_error


class PatchDiscriminator(StagedDiscriminator):
    """Scores overlapping patches of a pair (Isola et al. 2017, Sec. 3.2.2 and App. 6.1.2).

    With ``n_layers=3`` each logit sees 70 x 70 pixels, and a 256 x 256 image gives 30 x 30 of them;
    with 1 it sees 16 x 16, with 5 286 x 286. With ``blur`` the convolutions do not stride, and the
    map has the same size: a blur after the LeakyReLU halves it (Park et al. 2020, CUT), so that
    three layers see 84 x 84 pixels, those at the border of it little.
    """

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        base_channels: int = 64,  # feature maps of the first layer; doubled up to 8 times that
        n_layers: int = 3,  # strided convolutions, at least 1
        norm: str = "batch",  # the first and the last layer have none, except for spectral
        conditional: bool = True,  # False: the input image is not shown (GAN instead of cGAN)
        padding: int = 1,  # pixels on each side of every convolution's input
        spectral_ends: bool = True,  # False: no spectral norm on the first and last convolution
        blur: bool = False,  # a blur halves the size, not a stride (antialiasing)
    ):
        """Builds the stages.

        Raises:
            SettingError: ``n_layers`` is below 1, or the norm is unknown.
        """
        if n_layers < 1:
            raise setting_error(
                f"discriminator.n_layers={n_layers}", str(n_layers), "at least 1",
                "Use discriminator=pixel for a discriminator that sees single pixels.",
            )  # fmt: skip
        widths = [base_channels * min(2**i, 8) for i in range(n_layers + 1)]
        strides = [2] * n_layers + [1, 1]
        super().__init__(
            input_channels, target_channels, widths, strides, 4, padding, norm, conditional,
            spectral_ends, blur=blur,
        )  # fmt: skip
