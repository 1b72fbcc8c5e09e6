"""The residual generator of Johnson et al. 2016."""

from torch import Tensor, nn

from i2i.blocks import Dropout, add_spectral_norm, check_image_size, make_norm, needs_bias
from i2i.weight_init import init_normal


class ResnetBlock(nn.Module):
    """x + conv(relu(conv(x))), both with reflection padding and norm."""

    def __init__(self, channels: int, norm: str, dropout: float):
        super().__init__()
        bias = needs_bias(norm)
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            make_norm(norm, channels, "generator.norm"),
            nn.ReLU(),
            Dropout(dropout) if dropout > 0 else nn.Identity(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            make_norm(norm, channels, "generator.norm"),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)  # (B, C, H, W)


def conv_norm_relu(conv: nn.Module, channels: int, norm: str) -> list[nn.Module]:
    """The convolution, its norm and a ReLU, to be unpacked into a ``Sequential``."""
    return [conv, make_norm(norm, channels, "generator.norm"), nn.ReLU()]


class ResnetGenerator(nn.Module):
    """Two strided convolutions, residual blocks, two transposed ones (Johnson et al. 2016).

    As in Zhu et al. 2017 (CycleGAN), App. 7.2: c7s1-64, d128, d256, n_blocks x R256, u128, u64,
    c7s1-3. H and W must be multiples of 4, at least 8.

    Attributes:
        divisor: 4, in pixels.
    """

    divisor = 4

    checkpointed = (ResnetBlock,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,  # feature maps at full size; four times that in the blocks
        n_blocks: int = 9,  # 9 for 256 x 256, 6 for 128 x 128
        norm: str = "instance",
        dropout: float = 0.0,  # inside the blocks
    ):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        c, bias = base_channels, needs_bias(norm)
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3),
            *conv_norm_relu(nn.Conv2d(in_channels, c, 7, bias=bias), c, norm),
            *conv_norm_relu(nn.Conv2d(c, 2 * c, 3, 2, 1, bias=bias), 2 * c, norm),
            *conv_norm_relu(nn.Conv2d(2 * c, 4 * c, 3, 2, 1, bias=bias), 4 * c, norm),
            *[ResnetBlock(4 * c, norm, dropout) for _ in range(n_blocks)],
            *conv_norm_relu(nn.ConvTranspose2d(4 * c, 2 * c, 3, 2, 1, 1, bias=bias), 2 * c, norm),
            *conv_norm_relu(nn.ConvTranspose2d(2 * c, c, 3, 2, 1, 1, bias=bias), c, norm),
            nn.ReflectionPad2d(3),
            nn.Conv2d(c, out_channels, 7),
            nn.Tanh(),
        )
        init_normal(self)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor) -> Tensor:
        """Maps x to y_hat.

        Args:
            x: (B, in_channels, H, W) in [-1, 1].

        Returns:
            (B, out_channels, H, W) in [-1, 1].

        Raises:
            SettingError: H or W is not a multiple of 4, or below 8.
        """
        check_image_size(x, self.divisor, smallest=2 * self.divisor)
        return self.layers(x)  # (B, out_channels, H, W)
