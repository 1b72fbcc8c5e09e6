"""The generator of SPADE (GauGAN), from label maps to images."""

import torch.nn.functional as F
from torch import Tensor, nn

from i2i.blocks import add_spectral_norm, check_image_size, make_norm
from i2i.errors import setting_error
from i2i.weight_init import init_glorot

WIDTHS = (16, 16, 16, 8, 4, 2, 1)  # of the seven blocks, times base_channels (Park et al., App. A)
SLOPE = 0.2  # of the LeakyReLUs; the paper draws ReLU


class Spade(nn.Module):
    """Spatially-adaptive normalisation (Park et al. 2019, Sec. 3, Eq. 1).

    normalised(h) * (1 + gamma(m)) + beta(m): gamma and beta are maps made from m by two
    convolutions, the first of which they share. With 1 + gamma instead of gamma, which the bias of
    a convolution makes the same function, weights near 0 leave the normalised maps as they are.
    """

    def __init__(self, channels: int, map_channels: int, hidden_channels: int, norm: str):
        super().__init__()
        self.norm = make_norm(norm, channels, "generator.norm", affine=False)
        self.shared = nn.Sequential(nn.Conv2d(map_channels, hidden_channels, 3, 1, 1), nn.ReLU())
        self.gamma = nn.Conv2d(hidden_channels, channels, 3, 1, 1)
        self.beta = nn.Conv2d(hidden_channels, channels, 3, 1, 1)

    def forward(self, h: Tensor, m: Tensor) -> Tensor:
        """Normalises h and modulates it by m.

        Args:
            h: (B, channels, h, w).
            m: (B, map_channels, H, W), of any size: resized by nearest neighbour.

        Returns:
            (B, channels, h, w).
        """
        m = F.interpolate(m, size=h.shape[-2:], mode="nearest")  # (B, map_channels, h, w)
        hidden = self.shared(m)  # (B, hidden_channels, h, w)
        return self.norm(h) * (1 + self.gamma(hidden)) + self.beta(hidden)


class SpadeBlock(nn.Module):
    """Residual block of twice SPADE, LeakyReLU, 3 x 3 convolution (Park et al. 2019, App. A).

    Where the channels change, the shortcut is SPADE and a 1 x 1 convolution without a bias. That
    and the LeakyReLU are the released code's; the paper draws ReLU, and a shortcut that is SPADE,
    ReLU and a 3 x 3 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        map_channels: int,
        hidden_channels: int,
        norm: str,
    ):
        super().__init__()

        def modulation(channels: int) -> Spade:
            return Spade(channels, map_channels, hidden_channels, norm)

        self.learned = in_channels != out_channels
        self.spade1, self.spade2 = modulation(in_channels), modulation(out_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, 1, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        if self.learned:
            self.spade_shortcut = modulation(in_channels)
            self.conv_shortcut = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, h: Tensor, m: Tensor) -> Tensor:
        """Maps (B, in_channels, h, w), modulated by m, to (B, out_channels, h, w)."""
        shortcut = self.conv_shortcut(self.spade_shortcut(h, m)) if self.learned else h
        h = self.conv1(F.leaky_relu(self.spade1(h, m), SLOPE))  # (B, out_channels, h, w)
        h = self.conv2(F.leaky_relu(self.spade2(h, m), SLOPE))  # (B, out_channels, h, w)
        return shortcut + h

    def convolutions(self) -> list[nn.Module]:
        """Those outside the SPADE layers."""
        return [self.conv1, self.conv2, *([self.conv_shortcut] if self.learned else [])]


class SPADEGenerator(nn.Module):
    """Residual blocks that see the label map at every size (Park et al. 2019, Sec. 3 and App. A).

    The map at the smallest size and a convolution stand in for the paper's random vector; there is
    no image encoder. Seven blocks of 16, 16, 16, 8, 4, 2, 1 times ``base_channels`` follow. With 6
    doublings of H and W, as drawn in the paper, there is one before each block but the first, and
    256 pixels start from 4. With the 5 of the released code the third block has none before it: 256
    pixels start from 8, and the sizes are 8, 16, 16, 32, 64, 128, 256. With fewer, which the code
    does not have, they stand before the last blocks. Weights are drawn as in the code, by Glorot's
    normal distribution with gain 0.02; the paper names no gain.

    Attributes:
        divisor: H and W must be multiples of this many pixels, ``2 ** n_upsamplings``, and at least
            twice as large.
    """

    checkpointed = (SpadeBlock,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,  # nf of the paper: feature maps of the last block
        n_upsamplings: int = 5,  # 1 to 6
        norm: str = "batch",  # of the activations, without scale and shift; instance is common too
        hidden_channels: int = 128,  # between the map and gamma, beta
        spectral: bool = True,  # norm of the blocks' convolutions; those inside SPADE have none
    ):
        super().__init__()
        if not 1 <= n_upsamplings < len(WIDTHS):
            raise setting_error(
                f"generator.n_upsamplings={n_upsamplings}", str(n_upsamplings),
                f"1 to {len(WIDTHS) - 1}", "Use 5 for 256 x 256.",
            )  # fmt: skip
        self.in_channels, self.out_channels = in_channels, out_channels
        self.divisor = 2**n_upsamplings
        last = range(len(WIDTHS) - n_upsamplings, len(WIDTHS))
        self.doubled = {1, 3, 4, 5, 6} if n_upsamplings == 5 else set(last)  # blocks, from 0
        widths = [base_channels * width for width in WIDTHS]
        self.head = nn.Conv2d(in_channels, widths[0], 3, 1, 1)
        self.blocks = nn.ModuleList(
            SpadeBlock(widths[max(i - 1, 0)], width, in_channels, hidden_channels, norm)
            for i, width in enumerate(widths)
        )
        self.out = nn.Sequential(
            nn.LeakyReLU(SLOPE), nn.Conv2d(base_channels, out_channels, 3, 1, 1), nn.Tanh()
        )
        init_glorot(self, gain=0.02)
        if spectral:
            for block in self.blocks:
                add_spectral_norm(nn.ModuleList(block.convolutions()))
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor) -> Tensor:
        """Maps x to y_hat.

        Args:
            x: Label map, (B, in_channels, H, W): one channel per class in [0, 1], or colours in
                [-1, 1].

        Returns:
            (B, out_channels, H, W) in [-1, 1].

        Raises:
            SettingError: H or W is not a multiple of ``divisor``, or below twice that.
        """
        check_image_size(
            x, self.divisor, smallest=2 * self.divisor,
            todo=", or start from a larger size with generator.n_upsamplings",
        )  # fmt: skip
        size = (x.shape[-2] // self.divisor, x.shape[-1] // self.divisor)
        h = self.head(F.interpolate(x, size=size, mode="nearest"))  # (B, 16 nf, H / d, W / d)
        for i, block in enumerate(self.blocks):
            if i in self.doubled:
                h = F.interpolate(h, scale_factor=2.0, mode="nearest")
            h = block(h, x)  # (B, c_i, h, w)
        return self.out(h)  # (B, out_channels, H, W)
