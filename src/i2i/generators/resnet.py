"""The residual generator of Johnson et al. 2016."""

from collections.abc import Sequence

from torch import Tensor, nn

from i2i.blocks import (
    BlurDown,
    Dropout,
    add_spectral_norm,
    blur_up,
    check_image_size,
    make_norm,
    maps_after,
    needs_bias,
)
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


def halving(channels: int, norm: str, blur: bool) -> list[nn.Module]:
    """d: a 3 x 3 convolution to twice the channels, norm and ReLU, at half of H and W."""
    stride = 1 if blur else 2
    conv = nn.Conv2d(channels, 2 * channels, 3, stride, 1, bias=needs_bias(norm))
    return [*conv_norm_relu(conv, 2 * channels, norm), *([BlurDown()] if blur else [])]


def doubling(channels: int, norm: str, blur: bool) -> list[nn.Module]:
    """u: a 3 x 3 convolution to half the channels, norm and ReLU, at twice H and W."""
    half, bias = channels // 2, needs_bias(norm)
    if blur:
        return [
            blur_up(),
            *conv_norm_relu(nn.Conv2d(channels, half, 3, 1, 1, bias=bias), half, norm),
        ]
    conv = nn.ConvTranspose2d(channels, half, 3, 2, 1, 1, bias=bias)
    return conv_norm_relu(conv, half, norm)


class ResnetGenerator(nn.Module):
    """Two strided convolutions, residual blocks, two transposed ones (Johnson et al. 2016).

    As in Zhu et al. 2017 (CycleGAN), App. 7.2: c7s1-64, d128, d256, n_blocks x R256, u128, u64,
    c7s1-3. H and W must be multiples of 4, at least 8. With ``blur`` none of the convolutions
    strides: a blur without weights halves and doubles the size (Park et al. 2020, CUT).

    Attributes:
        divisor: 4, in pixels.
        layer_channels: Feature maps of the layers that ``taps`` can name; see the package.
        taps: The layers that CUT compares (Park et al. 2020, Sec. 4): the picture, both halving
            convolutions, the first and the fifth residual block.
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
        blur: bool = False,  # a blur halves and doubles the size, not a stride (antialiasing)
    ):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        c, bias = base_channels, needs_bias(norm)
        downs = [halving(c, norm, blur), halving(2 * c, norm, blur)]
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3),
            *conv_norm_relu(nn.Conv2d(in_channels, c, 7, bias=bias), c, norm),
            *downs[0],
            *downs[1],
            *[ResnetBlock(4 * c, norm, dropout) for _ in range(n_blocks)],
            *doubling(4 * c, norm, blur),
            *doubling(2 * c, norm, blur),
            nn.ReflectionPad2d(3),
            nn.Conv2d(c, out_channels, 7),
            nn.Tanh(),
        )
        # The place in ``layers`` of what each name stands for; the picture comes before the first.
        blocks = 4 + 2 * len(downs[0])
        self.places = {"input": -1, "stem": 3, "down1": 4, "down2": 4 + len(downs[0])}
        self.places |= {f"block{i + 1}": blocks + i for i in range(n_blocks)}
        widths = {"input": in_channels, "stem": c, "down1": 2 * c}
        self.layer_channels = {name: widths.get(name, 4 * c) for name in self.places}
        fifth = f"block{min(5, n_blocks)}"
        chosen = ("input", "down1", "down2", "block1", fifth)
        self.taps = tuple(dict.fromkeys(name for name in chosen if name in self.places))
        init_normal(self)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor, *, taps: Sequence[str] = ()) -> Tensor | list[Tensor]:
        """Maps x to y_hat, or to the hidden maps of the layers that are named.

        Args:
            x: (B, in_channels, H, W) in [-1, 1].
            taps: Of ``layer_channels``; nothing after the last one is computed.

        Returns:
            (B, out_channels, H, W) in [-1, 1]; with ``taps`` a list of maps (B, C, h, w), one each:
            of a halving convolution before its norm, of the stem after its ReLU.

        Raises:
            SettingError: H or W is not a multiple of 4, or below 8.
        """
        check_image_size(x, self.divisor, smallest=2 * self.divisor)
        if not taps:
            return self.layers(x)  # (B, out_channels, H, W)
        return maps_after(self.layers, x, [self.places[name] for name in taps])
