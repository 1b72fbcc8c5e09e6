"""The generator of DiscoGAN: an encoder and a decoder, and nothing that passes them by."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from i2i.blocks import (
    add_spectral_norm,
    check_image_size,
    leaky_relu_after,
    make_norm,
    maps_after,
    needs_bias,
)


def halving(in_channels: int, out_channels: int, norm: str) -> nn.Sequential:
    """4 x 4 convolution of stride 2, norm, LeakyReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=needs_bias(norm)),
        make_norm(norm, out_channels, "generator.norm"), leaky_relu_after(norm),
    )  # fmt: skip


def doubling(in_channels: int, out_channels: int, norm: str) -> nn.Sequential:
    """Transposed 4 x 4 convolution of stride 2, norm, ReLU."""
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=needs_bias(norm)),
        make_norm(norm, out_channels, "generator.norm"), nn.ReLU(),
    )  # fmt: skip


class DiscoGenerator(nn.Module):
    """Convolutions that halve H and W, then transposed ones that double them (Kim et al. 2017).

    The widths are 64, 128, 256, 512, and back. The first and the last layer have no norm. Weights
    begin as PyTorch draws them, as in the code of the paper.

    Attributes:
        divisor: H and W must be multiples of this many pixels, ``2 ** n_downs``.
        layer_channels: Feature maps of the layers that ``taps`` can name; see the package.
        taps: The picture, and up to four halvings, but not the bottleneck.
    """

    checkpointed = (nn.Sequential,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,  # feature maps of the first layer; doubled up to 8 times that
        n_downs: int = 4,  # halvings of H and W; 4 in the paper, for 64 x 64
        norm: str = "batch",
    ):
        super().__init__()
        self.in_channels, self.out_channels, self.divisor = in_channels, out_channels, 2**n_downs
        widths = [base_channels * min(2**i, 8) for i in range(n_downs)]
        names = [f"down{i + 1}" for i in range(n_downs)]
        self.layer_channels = {"input": in_channels} | dict(zip(names, widths, strict=True))
        self.taps = ("input", *names[: min(4, n_downs - 1)])
        steps = list(pairwise(widths))
        self.downs = nn.ModuleList([halving(in_channels, widths[0], "none")])
        self.downs.extend(halving(one, next_one, norm) for one, next_one in steps)
        self.ups = nn.ModuleList(doubling(wide, narrow, norm) for narrow, wide in reversed(steps))
        self.out = nn.Sequential(nn.ConvTranspose2d(widths[0], out_channels, 4, 2, 1), nn.Tanh())
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor, *, taps: Sequence[str] = ()) -> Tensor | list[Tensor]:
        """Maps x to y_hat, or to the hidden maps of the layers that are named.

        Args:
            x: (B, in_channels, H, W) in [-1, 1].
            taps: Of ``layer_channels``; nothing after the last one is computed.

        Returns:
            (B, out_channels, H, W) in [-1, 1]; with ``taps`` a list of maps (B, C, h, w), one each.

        Raises:
            SettingError: H or W is not a multiple of ``divisor``, or less than twice that.
        """
        todo = ", or halve less often with generator.n_downs"
        check_image_size(x, self.divisor, smallest=2 * self.divisor, todo=todo)
        if taps:
            places = [list(self.layer_channels).index(tap) - 1 for tap in taps]
            return maps_after(self.downs, x, places)
        for layer in (*self.downs, *self.ups):
            x = layer(x)  # (B, c_i, H / 2^(i+1), W / 2^(i+1)), and back to (B, c_0, H / 2, W / 2)
        return self.out(x)  # (B, out_channels, H, W)
