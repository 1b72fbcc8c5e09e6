"""The residual encoder of BicycleGAN."""

from torch import Tensor, nn
from torch.nn import functional as F

from i2i.blocks import add_spectral_norm, make_norm
from i2i.errors import setting_error
from i2i.weight_init import init_normal


class HalvingUnit(nn.Module):
    """shortcut(x) + halved(conv(act(norm(conv(act(norm(x))))))), 3 x 3: halves H and W.

    Both are made smaller by the mean over 2 x 2 pixels: the residual after its last convolution,
    the shortcut before its only one, of 1 x 1.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str):
        super().__init__()
        self.body = nn.Sequential(
            make_norm(norm, in_channels, "model.encoder.norm"),
            nn.LeakyReLU(0.2),
            nn.Conv2d(in_channels, in_channels, 3, 1, 1),
            make_norm(norm, in_channels, "model.encoder.norm"),
            nn.LeakyReLU(0.2),
            nn.Conv2d(in_channels, out_channels, 3, 1, 1),
        )
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(F.avg_pool2d(x, 2)) + F.avg_pool2d(self.body(x), 2)


class ResnetEncoder(nn.Module):
    """E: an image to the mean and the log variance of a normal distribution of codes.

    Zhu et al. 2017b, "Toward multimodal image-to-image translation", Sec. 4: a residual network. As
    in the released code: a strided 4 x 4 convolution, residual units of 1, 2, 3 and 4 times
    ``base_channels`` that halve, LeakyReLU, the mean over all that is left (8 x 8 of 256 x 256
    pixels), and a linear layer for each of the two.

    Attributes:
        latent: Numbers of a code.
        smallest: Pixels; the smallest height and width.
    """

    checkpointed = (HalvingUnit,)

    def __init__(
        self,
        in_channels: int,
        latent: int = 8,  # numbers of a code
        base_channels: int = 64,  # feature maps of the first layer; at most four times that
        n_downs: int = 5,  # halvings of H and W; 5 for 256 x 256, 4 for 128 x 128
        norm: str = "instance",  # batch, instance, layer, spectral or none
    ):
        """Builds the layers.

        Raises:
            SettingError: The code has no number, there is no halving, or the norm is unknown.
        """
        super().__init__()
        if latent < 1:
            raise setting_error(
                f"model.encoder.latent={latent}", "a code without numbers", "at least 1",
                "Leave model.encoder.latent out for the paper's 8.",
            )  # fmt: skip
        if n_downs < 2:
            raise setting_error(
                f"model.encoder.n_downs={n_downs}", str(n_downs), "at least 2",
                "Use 5 for 256 x 256.",
            )  # fmt: skip
        self.in_channels, self.latent, self.smallest = in_channels, latent, 2**n_downs
        widths = [base_channels * min(i, 4) for i in range(1, n_downs + 1)]
        self.first = nn.Conv2d(in_channels, widths[0], 4, 2, 1)
        self.units = nn.Sequential(
            *[HalvingUnit(widths[i], widths[i + 1], norm) for i in range(n_downs - 1)]
        )
        self.mean, self.log_variance = (nn.Linear(widths[-1], latent) for _ in range(2))
        init_normal(self)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Says which codes an image may have been made from.

        Args:
            y: (B, in_channels, H, W) in [-1, 1], at least ``smallest`` pixels each way.

        Returns:
            Mean and log variance of each number of the code, (B, latent) each, in float32.

        Raises:
            SettingError: The image is smaller.
        """
        height, width = y.shape[-2:]
        if min(height, width) < self.smallest:
            raise setting_error(
                "dataset.image_size", f"{height} x {width} pixels",
                f"at least {self.smallest} each way for the encoder",
                "Change dataset.image_size, or halve less often with model.encoder.n_downs.",
            )  # fmt: skip
        maps = F.leaky_relu(self.units(self.first(y)), 0.2)  # (B, 4 c, H / 2^n, W / 2^n)
        features = maps.mean((2, 3))  # (B, 4 c)
        return self.mean(features).float(), self.log_variance(features).float()
