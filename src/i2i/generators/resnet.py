"""The residual generator of Johnson et al. 2016."""

from torch import Tensor, nn

from i2i.blocks import make_norm, needs_bias
from i2i.errors import setting_error
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
            nn.Dropout(dropout) if dropout > 0 else nn.Identity(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            make_norm(norm, channels, "generator.norm"),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)  # (B, C, H, W)


class ResnetGenerator(nn.Module):
    """Two strided convolutions, residual blocks, two transposed ones (Johnson et al. 2016).

    As in Zhu et al. 2017 (CycleGAN), App. 7.2: c7s1-64, d128, d256, n_blocks x R256, u128, u64,
    c7s1-3. H and W must be multiples of 4.

    Attributes:
        divisor: 4, in pixels.
    """

    divisor = 4

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

        def block(conv: nn.Module, channels: int) -> list[nn.Module]:
            return [conv, make_norm(norm, channels, "generator.norm"), nn.ReLU()]

        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3),
            *block(nn.Conv2d(in_channels, c, 7, bias=bias), c),
            *block(nn.Conv2d(c, 2 * c, 3, 2, 1, bias=bias), 2 * c),
            *block(nn.Conv2d(2 * c, 4 * c, 3, 2, 1, bias=bias), 4 * c),
            *[ResnetBlock(4 * c, norm, dropout) for _ in range(n_blocks)],
            *block(nn.ConvTranspose2d(4 * c, 2 * c, 3, 2, 1, 1, bias=bias), 2 * c),
            *block(nn.ConvTranspose2d(2 * c, c, 3, 2, 1, 1, bias=bias), c),
            nn.ReflectionPad2d(3),
            nn.Conv2d(c, out_channels, 7),
            nn.Tanh(),
        )
        init_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Maps x to y_hat.

        Args:
            x: (B, in_channels, H, W) in [-1, 1].

        Returns:
            (B, out_channels, H, W) in [-1, 1].

        Raises:
            SettingError: H or W is not a multiple of 4.
        """
        if x.shape[-2] % 4 or x.shape[-1] % 4:
            raise setting_error(
                "dataset.image_size", f"{x.shape[-2]} x {x.shape[-1]} pixels", "multiples of 4",
                "Change dataset.image_size.",
            )  # fmt: skip
        return self.layers(x)
