"""The generator of StarGAN, whose input holds the label as planes beside the picture."""

from torch import Tensor, nn

from i2i.blocks import add_spectral_norm, check_image_size, make_norm, needs_bias


def conv_norm(conv: nn.Module, norm: str) -> list[nn.Module]:
    """A convolution and its norm, to be unpacked into a ``Sequential``."""
    return [conv, make_norm(norm, conv.out_channels, "generator.norm")]


class ZeroPaddedBlock(nn.Module):
    """x + conv(relu(conv(x))), both 3 x 3 with zero padding and norm."""

    def __init__(self, channels: int, norm: str):
        super().__init__()
        convs = [nn.Conv2d(channels, channels, 3, 1, 1, bias=needs_bias(norm)) for _ in range(2)]
        self.body = nn.Sequential(
            *conv_norm(convs[0], norm), nn.ReLU(inplace=True), *conv_norm(convs[1], norm)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)  # (B, C, H, W)


class StarGANGenerator(nn.Module):
    """Two strided convolutions, residual blocks, two transposed ones, all zero-padded.

    Choi et al. 2018, App. Table 4, with the weights as PyTorch draws them. Zero padding is part of
    the method: a plane of one value is a shift of the feature maps, which instance norm takes away
    again; it is at the zeros of the border that the label shows. H and W must be multiples of 4, at
    least 8.

    Attributes:
        divisor: 4, in pixels.
    """

    divisor = 4

    checkpointed = (ZeroPaddedBlock,)

    def __init__(
        self,
        in_channels: int,  # of the picture and the label planes
        out_channels: int,
        base_channels: int = 64,  # feature maps at full size; four times that in the blocks
        n_blocks: int = 6,
        norm: str = "instance_affine",
    ):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        c, bias = base_channels, needs_bias(norm)
        self.layers = nn.Sequential(
            *conv_norm(nn.Conv2d(in_channels, c, 7, 1, 3, bias=bias), norm), nn.ReLU(inplace=True),
            *conv_norm(nn.Conv2d(c, 2 * c, 4, 2, 1, bias=bias), norm), nn.ReLU(inplace=True),
            *conv_norm(nn.Conv2d(2 * c, 4 * c, 4, 2, 1, bias=bias), norm), nn.ReLU(inplace=True),
            *[ZeroPaddedBlock(4 * c, norm) for _ in range(n_blocks)],
            *conv_norm(nn.ConvTranspose2d(4 * c, 2 * c, 4, 2, 1, bias=bias), norm),
            nn.ReLU(inplace=True),
            *conv_norm(nn.ConvTranspose2d(2 * c, c, 4, 2, 1, bias=bias), norm),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, out_channels, 7, 1, 3, bias=False),
            nn.Tanh(),
        )  # fmt: skip
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor) -> Tensor:
        """Maps pictures with label planes to pictures.

        Args:
            x: (B, in_channels, H, W), the picture in [-1, 1].

        Returns:
            (B, out_channels, H, W) in [-1, 1].

        Raises:
            SettingError: H or W is not a multiple of 4, or below 8.
        """
        check_image_size(x, self.divisor, smallest=2 * self.divisor)
        return self.layers(x)  # (B, out_channels, H, W)
