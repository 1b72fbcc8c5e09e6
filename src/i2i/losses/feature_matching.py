"""Feature matching: G's images shall look like real ones to D's hidden layers."""

from torch import Tensor

from i2i.errors import setting_error
from i2i.losses.gan import mean_over_scales
from i2i.losses.reconstruction import FeatureLoss


class FeatureMatching(FeatureLoss):
    """The mean over scales of 4 times the mean over D's hidden layers of the mean difference.

    pix2pixHD (Wang et al. 2018, Sec. 3.2, L_FM). The paper sums over layers and scales. Its code
    averages over the scales and gives each layer the weight 4 / (n_layers + 1), where n_layers + 1
    is the number of hidden layers of a PatchGAN: 1 for the 70 x 70 one. So it is here, and the
    term's weight means the same for any number of scales and layers.
    """

    preset = "feature_matching"

    def __call__(self, fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
        real = [[r.detach() for r in scale] for scale in real]
        scales = map_differences(fake, real, self.preset)
        return mean_over_scales([4 / len(layers) * sum(layers) for layers in scales])


def map_differences(
    fake: list[list[Tensor]], real: list[list[Tensor]], preset: str
) -> list[list[Tensor]]:
    """Mean absolute difference of each pair of hidden maps, a float32 scalar, by scale and layer.

    Args:
        fake: Maps (B, C, H, W) of one image, one list a scale.
        real: The same shapes.
        preset: The term, for errors.

    Raises:
        SettingError: A scale has no hidden maps.
    """
    if not fake or not all(fake):
        raise setting_error(
            f"reconstruction.{preset}", "a discriminator that returns no hidden maps",
            "at least one hidden map a scale", "Choose another discriminator=NAME, or leave "
            f"{preset} out of reconstruction=[...].",
        )  # fmt: skip
    return [
        [(f.float() - r.float()).abs().mean() for f, r in zip(*scale, strict=True)]
        for scale in zip(fake, real, strict=True)
    ]


def difference_of_means(fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """How far the mean hidden maps of a batch of made images are from those of real ones.

    The feature matching of DiscoGAN's code (Kim et al. 2017; after Salimans et al. 2016, Sec. 3.1):
    the sum over the last three hidden layers of D of the mean squared
    difference of the means over the batch; the mean over scales. No gradient goes to ``real``.

    Args:
        fake: D's hidden maps (B, C, H, W) of the made images, one list a scale, first layer first.
        real: Those of real images; as many maps of the same shapes, but B may be another.

    Returns:
        float32 scalar.

    Raises:
        SettingError: A scale has no hidden maps.
    """
    if not fake or not all(fake):
        raise setting_error(
            "model.lambda_features", "a discriminator that returns no hidden maps",
            "at least one hidden map a scale", "Choose another discriminator=NAME, or add "
            "model.lambda_features=0.",
        )  # fmt: skip
    scales = [
        sum(
            (f.float().mean(0) - r.detach().float().mean(0)).square().mean()
            for f, r in zip(of_fake[-3:], of_real[-3:], strict=True)
        )
        for of_fake, of_real in zip(fake, real, strict=True)
    ]
    return mean_over_scales(scales)
