"""The multi-scale discriminator of pix2pixHD."""

from torch import Tensor, nn
from torch.nn import functional as F

from i2i.discriminators.output import DiscriminatorOutput
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import setting_error


class MultiscaleDiscriminator(nn.Module):
    """Several equal PatchGANs, each on the pair at half the size of the one before.

    Wang et al. 2018, Sec. 3.2: three scales, 70 x 70 patches, instance norm. The pair is made
    smaller by the mean over 3 x 3 pixels with stride 2, in which the border does not count. The
    convolutions are padded by 2 pixels, as in the released code and in that of SPADE: 35 x 35
    logits of a 256 x 256 image, those of the border from few of its pixels.

    BicycleGAN's (Zhu et al. 2017b) has two scales, the second of half as many feature maps, and the
    padding of PatchGAN.

    Attributes:
        least_size: Pixels; the smallest height and width that give a logit at every scale. Instance
            norm, which needs more than one pixel, takes a few more.
    """

    checkpointed = (nn.Sequential,)

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        base_channels: int = 64,  # see PatchDiscriminator
        n_layers: int = 3,  # see PatchDiscriminator
        n_scales: int = 3,  # at least 1; the first one sees the pair as it is
        norm: str = "instance",  # the first and the last layers have none, except for spectral
        conditional: bool = True,  # False: the input image is not shown (GAN instead of cGAN)
        spectral_ends: bool = True,  # False: no spectral norm on the first and last convolution
        padding: int = 2,  # see PatchDiscriminator
        narrowing: bool = False,  # each scale has half the feature maps of the one before
    ):
        """Builds one PatchGAN a scale.

        Raises:
            SettingError: ``n_scales`` or ``n_layers`` is below 1, or the norm is unknown.
        """
        super().__init__()
        if n_scales < 1:
            raise setting_error(
                f"discriminator.n_scales={n_scales}", str(n_scales), "at least 1",
                "Use discriminator.n_scales=3.",
            )  # fmt: skip
        self.scales = nn.ModuleList(
            PatchDiscriminator(
                input_channels,
                target_channels,
                max(1, base_channels // 2**i) if narrowing else base_channels,
                n_layers,
                norm,
                conditional,
                padding=padding,
                spectral_ends=spectral_ends,
            )
            for i in range(n_scales)
        )
        self.least_size = self.scales[-1].least_size
        for _ in range(n_scales - 1):
            self.least_size = 2 * self.least_size - 1

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        """Scores the pairs (x, y).

        Args:
            x: Input images, (B, input_channels, H, W) in [-1, 1].
            y: Real or made images, (B, target_channels, H, W) in [-1, 1].

        Returns:
            One entry a scale, the largest first: logits (B, 1, h, w) and its feature maps.
        """
        out = DiscriminatorOutput([], [])
        for i, network in enumerate(self.scales):
            if i > 0:
                x, y = halve(x), halve(y)  # (B, C, ceil(H / 2), ceil(W / 2))
            logits, features, _ = network(x, y)
            out.logits.extend(logits)
            out.features.extend(features)
        return out


def halve(image: Tensor) -> Tensor:
    """Mean over 3 x 3 pixels with stride 2, over those that are there: (B, C, H, W) to half."""
    return F.avg_pool2d(image, 3, stride=2, padding=1, count_include_pad=False)
