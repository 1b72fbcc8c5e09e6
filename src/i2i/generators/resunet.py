"""A U-Net of residual units."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.blocks import (
    Dropout,
    add_spectral_norm,
    check_image_size,
    make_norm,
    maps_after,
    needs_bias,
)
from i2i.errors import setting_error
from i2i.weight_init import init_normal


class ResidualUnit(nn.Module):
    """shortcut(x) + conv(relu(norm(conv(relu(norm(x)))))), 3 x 3 (Zhang et al. 2018, Fig. 1b).

    The shortcut is x itself, or a 1 x 1 convolution where the channels or the size change.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: str,
        dropout: float = 0.0,  # before the second convolution
        stride: int = 1,
        activate: bool = True,  # False: x is an image, and goes into the convolution as it is
    ):
        super().__init__()
        first = [make_norm(norm, in_channels, "generator.norm"), nn.ReLU()] if activate else []
        self.body = nn.Sequential(
            *first,
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=needs_bias(norm)),
            make_norm(norm, out_channels, "generator.norm"),
            nn.ReLU(),
            Dropout(dropout) if dropout > 0 else nn.Identity(),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1),  # no norm follows: the bias stays
        )
        same = stride == 1 and in_channels == out_channels
        self.shortcut = (
            nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)  # (B, out_channels, H / stride, W / stride)


class ResUNetGenerator(nn.Module):
    """U-Net whose layers are residual units (Zhang, Liu and Wang 2018, "Deep Residual U-Net").

    Each encoder unit halves H and W with its first stride; each decoder step doubles them by
    repeating pixels, concatenates the encoder's maps of that size, and ends in a unit. A 1 x 1
    convolution makes the image. The paper has three halvings and one output between 0 and 1; here
    four is the default, with the widths of the paper, and the output is an image in [-1, 1].

    Attributes:
        divisor: H and W must be multiples of this many pixels, ``2 ** n_downs``, and at least twice
            as large.
        layer_channels: Feature maps of the layers that ``taps`` can name; see the package.
        taps: The picture, and up to four halvings, but not the bottleneck.
    """

    checkpointed = (ResidualUnit,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,  # feature maps at full size; doubled up to 8 times that
        n_downs: int = 4,  # halvings of H and W; 4 takes 256 pixels to 16
        norm: str = "instance",
        dropout: float = 0.0,  # inside the units
    ):
        super().__init__()
        if n_downs < 1:
            raise setting_error(
                f"generator.n_downs={n_downs}", str(n_downs), "at least 1", "Use 4 for 256 x 256."
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.divisor = 2**n_downs
        c = [base_channels * min(2**i, 8) for i in range(n_downs + 1)]
        names = ["stem", *(f"down{i + 1}" for i in range(n_downs))]  # what ``downs`` are called
        self.layer_channels = {"input": in_channels} | dict(zip(names, c, strict=True))
        self.taps = ("input", *names[1:n_downs][:4])
        self.downs = nn.ModuleList(
            [ResidualUnit(in_channels, c[0], norm, dropout, activate=False)]
            + [ResidualUnit(c[i], c[i + 1], norm, dropout, stride=2) for i in range(n_downs)]
        )
        self.ups = nn.ModuleList(
            [ResidualUnit(c[i + 1] + c[i], c[i], norm, dropout) for i in reversed(range(n_downs))]
        )
        self.out = nn.Sequential(nn.Conv2d(c[0], out_channels, 1), nn.Tanh())
        init_normal(self)
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
            SettingError: H or W is not a multiple of ``divisor``, or below twice that.
        """
        check_image_size(
            x, self.divisor, smallest=2 * self.divisor,
            todo=", or halve less often with generator.n_downs",
        )  # fmt: skip
        if taps:
            places = [list(self.layer_channels).index(tap) - 1 for tap in taps]
            return maps_after(self.downs, x, places)
        skips = []
        for down in self.downs:
            x = down(x)  # (B, c_i, H / 2^i, W / 2^i)
            skips.append(x)
        skips.pop()
        for up in self.ups:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")  # (B, c_(i+1), H / 2^i, W / 2^i)
            x = up(torch.cat([skips.pop(), x], dim=1))  # (B, c_i, H / 2^i, W / 2^i)
        return self.out(x)  # (B, out_channels, H, W)
