"""The U-Net generator of pix2pix."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from i2i.blocks import (
    Dropout,
    add_spectral_norm,
    check_image_size,
    leaky_relu_after,
    make_norm,
    needs_bias,
    planes,
)
from i2i.errors import setting_error
from i2i.weight_init import init_normal


class Down(nn.Module):
    """Strided convolution, norm, LeakyReLU: halves H and W (C in the paper, App. 6.1.1).

    The skip connection starts after the LeakyReLU, as in the released code: the decoder's ReLU
    leaves no difference, and no copy from before the activation has to be kept.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str, bias: bool, activate=True):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=bias)
        self.norm = make_norm(norm, out_channels, "generator.norm")
        self.activation = leaky_relu_after(norm) if activate else nn.Identity()

    def forward(self, *parts: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(joined(parts))))


def doubling(upsample: str, in_channels: int, out_channels: int, bias: bool = True) -> nn.Module:
    """A convolution that doubles H and W.

    Args:
        upsample: ``transposed``, or ``nearest``: each pixel repeated, then a 3 x 3 convolution.
            A transposed convolution has weights of its own for each of the four output pixels that
            an input pixel becomes, and they can settle on a checkerboard (Odena et al. 2016,
            "Deconvolution and Checkerboard Artifacts").
        in_channels: Feature maps of the input.
        out_channels: Feature maps of the output.
        bias: Whether the convolution has one.

    Returns:
        The layer.

    Raises:
        SettingError: ``upsample`` is neither.
    """
    if upsample == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=bias)
    if upsample == "nearest":
        conv = nn.Conv2d(in_channels, out_channels, 3, 1, 1, bias=bias)
        return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), conv)
    raise setting_error(
        f"generator.upsample={upsample}", repr(upsample), "transposed or nearest", "Name one."
    )


class Up(nn.Module):
    """ReLU, doubling convolution, norm, dropout: doubles H and W (CD in the paper)."""

    def __init__(
        self, in_channels: int, out_channels: int, norm: str, dropout: float, upsample: str
    ):
        super().__init__()
        self.activation = nn.ReLU()
        self.conv = doubling(upsample, in_channels, out_channels, needs_bias(norm))
        self.norm = make_norm(norm, out_channels, "generator.norm")
        self.dropout = Dropout(dropout) if dropout > 0 else nn.Identity()

    def forward(self, *parts: Tensor) -> Tensor:
        return self.dropout(self.norm(self.conv(self.activation(joined(parts)))))


class Out(nn.Sequential):
    """The last layers, over what they are given, joined."""

    def forward(self, *parts: Tensor) -> Tensor:
        return super().forward(joined(parts))


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Maps of one size in one tensor; inside the layers, so that checkpointing need not keep it."""
    return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


class UNetGenerator(nn.Module):
    """Encoder-decoder with skip connections (Isola et al. 2017, Sec. 3.2 and App. 6.1.1).

    Without them (``skips=False``) it is the encoder-decoder that the paper compares it with
    (Sec. 4.3, Table 2): the same layers, and nothing concatenated in the decoder.

    With ``latent`` it is given a code z as well, whose numbers stand as maps beside the input, or
    beside what each layer of the encoder takes (Zhu et al. 2017b, Sec. 4, "add to input" and "add
    to all").

    Attributes:
        divisor: H and W must be multiples of this many pixels, ``2 ** n_downs``.
        latent: Numbers of the code; 0: it takes none.
        layer_channels: Feature maps of the layers that ``taps`` can name; see the package.
        taps: The picture, and up to four halvings, but not the bottleneck.
    """

    checkpointed = (Down, Up, Out)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,  # feature maps of the first layer; doubled up to 8 times that
        n_downs: int = 8,  # halvings of H and W; 8 takes 256 pixels to 1
        norm: str = "batch",  # the outermost layers and the bottleneck have none
        dropout: float = 0.5,  # in the first three decoder layers, CD512 in the paper, or others
        skips: bool = True,  # False: everything passes through the bottleneck
        upsample: str = "transposed",  # or nearest: against checkerboards, with 3 x 3 convolutions
        latent: int = 0,  # numbers of the code z that it is given beside its input; 0: none
        latent_at: str = "all",  # where z goes in: all levels of the encoder, or input
        dropout_layers: Sequence[int] | None = None,  # of the decoder, from 1, the bottleneck's
    ):
        super().__init__()
        if n_downs < 2:
            raise setting_error(
                f"generator.n_downs={n_downs}", str(n_downs), "at least 2", "Use 8 for 256 x 256."
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.divisor, self.skips = 2**n_downs, skips
        self.latent, self.latent_at = checked_latent(latent, latent_at)
        first, rest = latent, latent if latent_at == "all" else 0
        c, last = [base_channels * min(2**i, 8) for i in range(n_downs)], n_downs - 1
        bias = needs_bias(norm)
        names = [f"down{i + 1}" for i in range(n_downs)]
        self.layer_channels = {"input": in_channels} | dict(zip(names, c, strict=True))
        self.taps = ("input", *names[: min(4, last)])
        self.downs = nn.ModuleList([Down(in_channels + first, c[0], "none", bias)])
        for i in range(1, last):
            self.downs.append(Down(c[i - 1] + rest, c[i], norm, bias))
        # A norm over the bottleneck's single pixel would set it to zero at batch 1.
        bottleneck = Down(c[last - 1] + rest, c[last], "none", bias, activate=False)
        self.downs.append(bottleneck)
        self.ups = nn.ModuleList()
        noisy = checked_layers(dropout_layers, last)
        for i in range(last, 0, -1):
            inputs = 2 * c[i] if skips and i < last else c[i]
            p = dropout if last - i + 1 in noisy else 0.0
            self.ups.append(Up(inputs, c[i - 1], norm, p, upsample))
        inputs = 2 * c[0] if skips else c[0]
        self.out = Out(nn.ReLU(), doubling(upsample, inputs, out_channels), nn.Tanh())
        init_normal(self)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(
        self, x: Tensor, z: Tensor | None = None, *, taps: Sequence[str] = ()
    ) -> Tensor | list[Tensor]:
        """Maps x, or x and z, to y_hat, or to the hidden maps of the layers that are named.

        Args:
            x: (B, in_channels, H, W) in [-1, 1].
            z: A code, (B, latent), where ``latent`` is not 0.
            taps: Of ``layer_channels``; the decoder is not computed then.

        Returns:
            (B, out_channels, H, W) in [-1, 1]; with ``taps`` a list of maps (B, C, h, w), one each.

        Raises:
            SettingError: H or W is not a multiple of ``divisor``, or there is no code of that many
                numbers.
        """
        check_image_size(x, self.divisor, todo=", or halve less often with generator.n_downs")
        self.check_code(z)
        if taps:
            return self.tapped(x, z, taps)
        passed = []
        for i in range(len(self.downs)):
            x = self.encoded(i, x, z)  # (B, c_i, H / 2^(i+1), W / 2^(i+1))
            passed.append(x)
        x = self.ups[0](passed.pop())  # (B, c, H / 2^(n-1), W / 2^(n-1))
        for up in self.ups[1:]:
            x = up(*self.skip(passed), x)  # (B, c_(i-1), H / 2^i, W / 2^i)
        return self.out(*self.skip(passed), x)  # (B, out_channels, H, W)

    def check_code(self, z: Tensor | None) -> None:
        """Refuses to go without the code that was asked for, and one of another length.

        Raises:
            SettingError: The code is not there, or should not be.
        """
        found = 0 if z is None else z.shape[1]
        if found != self.latent:
            raise setting_error(
                f"generator.latent={self.latent}",
                f"codes of {found} numbers" if found else "a system that gives it no code",
                f"codes of {self.latent}" if self.latent else "none",
                "Leave generator.latent out; model=bicyclegan draws codes, and sets it.",
            )  # fmt: skip

    def encoded(self, i: int, x: Tensor, z: Tensor | None) -> Tensor:
        """What layer i of the encoder makes of the maps before it."""
        takes_z = z is not None and (i == 0 or self.latent_at == "all")
        return self.downs[i](x, *([planes(z, x)] if takes_z else []))

    def tapped(self, x: Tensor, z: Tensor | None, taps: Sequence[str]) -> list[Tensor]:
        """The maps of some layers of the encoder."""
        places = [list(self.layer_channels).index(tap) for tap in taps]
        found = [x]
        for i in range(max(places)):
            found.append(self.encoded(i, found[-1], z))
        return [found[place] for place in places]

    def skip(self, passed: list[Tensor]) -> list[Tensor]:
        """What the next decoder layer sees beside its own maps: the encoder's, or nothing."""
        return [passed.pop()] if self.skips else []


def checked_latent(latent: int, latent_at: str) -> tuple[int, str]:
    """Both options of the code.

    Raises:
        SettingError: The length is negative, or the place is none.
    """
    if latent < 0:
        raise setting_error(
            f"generator.latent={latent}", str(latent), "0 or more", "Use 8, as the paper, or 0."
        )
    if latent_at not in ("all", "input"):
        raise setting_error(
            f"generator.latent_at={latent_at}", repr(latent_at), "all or input", "Name one."
        )
    return latent, latent_at


def checked_layers(layers: Sequence[int] | None, number: int) -> Sequence[int]:
    """The decoder layers that have dropout, counted from 1 at the bottleneck.

    Args:
        layers: Those asked for; None: the first three.
        number: How many layers with a norm there are.

    Raises:
        SettingError: One of them does not exist.
    """
    if layers is None:
        return (1, 2, 3)
    if not all(type(layer) is int and 1 <= layer <= number for layer in layers):
        raise setting_error(
            f"generator.dropout_layers={list(layers)}", "a layer that the decoder has not",
            f"whole numbers from 1 to {number}", "Leave it out for the first three, as the paper.",
        )  # fmt: skip
    return layers
