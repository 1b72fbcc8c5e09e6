"""The coarse-to-fine generator of pix2pixHD."""

from collections.abc import Sequence

from torch import Tensor, nn

from i2i.blocks import add_spectral_norm, check_image_size, maps_after, needs_bias
from i2i.errors import setting_error
from i2i.generators.resnet import ResnetBlock, conv_norm_relu
from i2i.weight_init import init_normal


def stem(in_channels: int, channels: int, norm: str) -> list[nn.Module]:
    """c7s1: a 7 x 7 convolution at full size, norm and ReLU."""
    conv = nn.Conv2d(in_channels, channels, 7, bias=needs_bias(norm))
    return [nn.ReflectionPad2d(3), *conv_norm_relu(conv, channels, norm)]


def down(channels: int, norm: str) -> list[nn.Module]:
    """d: halves H and W and doubles the channels."""
    conv = nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=needs_bias(norm))
    return conv_norm_relu(conv, 2 * channels, norm)


def up(channels: int, norm: str) -> list[nn.Module]:
    """u: doubles H and W and halves the channels."""
    half = channels // 2
    conv = nn.ConvTranspose2d(channels, half, 3, 2, 1, 1, bias=needs_bias(norm))
    return conv_norm_relu(conv, half, norm)


def check_enhancers(n_enhancers: int, base_channels: int) -> None:
    """Refuses what there is no enhancer for.

    Raises:
        SettingError: There would be several, or one of half a feature map.
    """
    if n_enhancers not in (0, 1):
        raise setting_error(
            f"generator.n_enhancers={n_enhancers}", str(n_enhancers), "0 or 1", "Name one."
        )
    if n_enhancers and base_channels % 2:
        raise setting_error(
            f"generator.base_channels={base_channels}", str(base_channels), "an even number",
            "The enhancer has half as many; or leave it out with generator.n_enhancers=0.",
        )  # fmt: skip


class Pix2PixHDGenerator(nn.Module):
    """Global generator and local enhancer (Wang et al. 2018, Sec. 3.2 and appendix).

    The global generator G1 (c7s1-64, d128 to d1024, 9 x R1024, u512 to u64) works on the image
    halved by average pooling. Its last feature maps are added to those of the enhancer G2's front
    end (c7s1-32, d64), which goes on with 3 x R64, u32 and c7s1-3. The paper trains G1 first, then
    G2, then both; here both are trained together from the start.

    Attributes:
        divisor: H and W must be multiples of this many pixels, ``2 ** (n_downs + n_enhancers)``,
            and at least twice as large.
        layer_channels: Feature maps of the layers that ``taps`` can name; see the package. Those of
            G2's front end begin with ``fine_``; all others are G1's.
        taps: The counterparts of what CUT compares in a resnet (Park et al. 2020, Sec. 4): the
            picture, the first two halving convolutions of G1, its first and its fifth block.
    """

    checkpointed = (ResnetBlock,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,  # feature maps of G1's first layer, doubled by each halving
        n_downs: int = 4,  # halvings in G1
        n_blocks: int = 9,  # residual blocks of G1
        n_enhancers: int = 1,  # 0: G1 alone, on the image at full size
        n_local_blocks: int = 3,  # residual blocks of G2
        norm: str = "instance",
    ):
        super().__init__()
        check_enhancers(n_enhancers, base_channels)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.n_enhancers = n_enhancers
        self.divisor = 2 ** (n_downs + n_enhancers)
        c, widest = base_channels, base_channels * 2**n_downs
        self.coarse = nn.Sequential(
            *stem(in_channels, c, norm),
            *[layer for i in range(n_downs) for layer in down(c * 2**i, norm)],
            *[ResnetBlock(widest, norm, dropout=0.0) for _ in range(n_blocks)],
            *[layer for i in range(n_downs) for layer in up(widest // 2**i, norm)],
        )
        if n_enhancers:
            # Pixels outside the image are left out of the mean, so that edges are not darkened.
            self.halve = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
            self.front = nn.Sequential(*stem(in_channels, c // 2, norm), *down(c // 2, norm))
            local_blocks = [ResnetBlock(c, norm, dropout=0.0) for _ in range(n_local_blocks)]
            self.back = nn.Sequential(*local_blocks, *up(c, norm))
        self.name_layers(c, n_downs, n_blocks)
        last = c // 2 if n_enhancers else c
        self.out = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(last, out_channels, 7), nn.Tanh())
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
            of a halving convolution before its norm, of a stem after its ReLU.

        Raises:
            SettingError: H or W is not a multiple of ``divisor``, or below twice that.
        """
        check_image_size(
            x, self.divisor, smallest=2 * self.divisor,
            todo=", or halve less often with generator.n_downs",
        )  # fmt: skip
        if taps:
            return self.tapped(x, taps)
        if not self.n_enhancers:
            return self.out(self.coarse(x))  # (B, out_channels, H, W)
        coarse = self.coarse(self.halve(x))  # (B, base_channels, H / 2, W / 2)
        fine = self.front(x)  # (B, base_channels, H / 2, W / 2)
        return self.out(self.back(fine + coarse))  # (B, out_channels, H, W)

    def name_layers(self, c: int, n_downs: int, n_blocks: int) -> None:
        """The names of both encoders' layers: their places in these, and their feature maps."""
        downs = {f"down{i + 1}": 2 ** (i + 1) * c for i in range(n_downs)}
        blocks = {f"block{i + 1}": 2**n_downs * c for i in range(n_blocks)}
        fine = {"fine_stem": c // 2, "fine_down1": c} if self.n_enhancers else {}
        self.layer_channels = {"input": self.in_channels, "stem": c, **downs, **blocks, **fine}
        # A stem has four layers, of which the last is its ReLU; a halving has three.
        self.places = {"stem": 3} | {name: 4 + 3 * i for i, name in enumerate(downs)}
        self.places |= {name: 4 + 3 * n_downs + i for i, name in enumerate(blocks)}
        self.fine_places = {name: 3 + i for i, name in enumerate(fine)}
        chosen = ("down1", "down2", "block1", f"block{min(5, n_blocks)}")
        known = dict.fromkeys(name for name in chosen if name in self.places)
        self.taps = ("input", *known)

    def tapped(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """The maps of some layers; each encoder is computed only as far as one of it is named."""
        found = {"input": x}
        small = self.halve(x) if self.n_enhancers else x
        parts = [(self.coarse, self.places, small)]
        parts += [(self.front, self.fine_places, x)] if self.n_enhancers else []
        for layers, known, image in parts:
            names = [tap for tap in taps if tap in known]
            if names:
                maps = maps_after(layers, image, [known[name] for name in names])
                found |= dict(zip(names, maps, strict=True))
        return [found[tap] for tap in taps]
