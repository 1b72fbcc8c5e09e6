"""The layers of four networks of pytorch-CycleGAN-and-pix2pix, each with its name there and here.

Zhu and Park's PyTorch code names a weight by its place in nested ``nn.Sequential``s. A plan lists
the layers that hold weights, in the order of the network, with the shapes that these have.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A convolution, or a norm.

    Attributes:
        theirs: Its name in their state dict, without ``.weight``.
        ours: Its name in this package's network.
        shape: Of the weight: four numbers, or one, the channels of a norm.
        outputs: Channels that come out.
        bias: Whether it has one; None: as ``biased`` says, with all layers beside a norm.
    """

    theirs: str
    ours: str
    shape: tuple[int, ...]
    outputs: int
    bias: bool | None = None

    @property
    def is_norm(self) -> bool:
        """Whether it normalises what a convolution made."""
        return len(self.shape) == 1


def conv(theirs: str, ours: str, i: int, o: int, kernel: int, bias: bool | None = None) -> Layer:
    """A convolution from i to o channels."""
    return Layer(theirs, ours, (o, i, kernel, kernel), o, bias)


def transposed(theirs: str, ours: str, i: int, o: int, kernel: int, bias=None) -> Layer:
    """A transposed convolution from i to o channels, whose weight begins with the inputs."""
    return Layer(theirs, ours, (i, o, kernel, kernel), o, bias)


def norm(theirs: str, ours: str, channels: int) -> Layer:
    """A norm over that many channels."""
    return Layer(theirs, ours, (channels,), channels, False)


def unet(n_downs: int, base: int, inputs: int, outputs: int) -> list[Layer]:
    """Their U-Net, a block around a block, and ours, a list down and a list up.

    Args:
        n_downs: Halvings, at least 5: 7 of unet_128, 8 of unet_256.
        base: Channels of the first layer.
        inputs: Channels of the picture that goes in.
        outputs: Channels of the picture that comes out.
    """
    c = [base * min(2**i, 8) for i in range(n_downs)]
    last = n_downs - 1
    down = [conv("model.model.0", "downs.0.conv", inputs, c[0], 4)]
    up = [transposed("model.model.3", "out.1", 2 * c[0], outputs, 4, True)]
    for i in range(1, n_downs):
        block = "model.model.1.model" + ".3.model" * (i - 1)
        ours, inner = f"ups.{last - i}", i == last
        down.append(conv(f"{block}.1", f"downs.{i}.conv", c[i - 1], c[i], 4))
        down += [] if inner else [norm(f"{block}.2", f"downs.{i}.norm", c[i])]
        place = 3 if inner else 5
        into = c[i] if inner else 2 * c[i]
        up.append(norm(f"{block}.{place + 1}", f"{ours}.norm", c[i - 1]))
        up.append(transposed(f"{block}.{place}", f"{ours}.conv", into, c[i - 1], 4))
    return [*down, *reversed(up)]


def resnet(n_blocks: int, base: int, inputs: int, outputs: int, dropout: bool) -> list[Layer]:
    """Both chains have the same places; a block's second convolution moves where it has dropout.

    Args:
        n_blocks: 6 or 9, or another number.
        base: Channels at full size.
        inputs: Channels of the picture that goes in.
        outputs: Channels of the picture that comes out.
        dropout: Whether the blocks have it.
    """
    places = iter([1, 4, 7])
    found = list(with_norm(next(places), conv, inputs, base, 7))
    found += with_norm(next(places), conv, base, 2 * base, 3)
    found += with_norm(next(places), conv, 2 * base, 4 * base, 3)
    for i in range(10, 10 + n_blocks):
        second = 6 if dropout else 5
        for theirs, ours in ((1, 1), (second, 6)):
            names = (f"model.{i}.conv_block.{{}}", f"layers.{i}.body.{{}}")
            found += [
                conv(names[0].format(theirs), names[1].format(ours), 4 * base, 4 * base, 3),
                norm(names[0].format(theirs + 1), names[1].format(ours + 1), 4 * base),
            ]
    after = 10 + n_blocks
    found += with_norm(after, transposed, 4 * base, 2 * base, 3)
    found += with_norm(after + 3, transposed, 2 * base, base, 3)
    last = after + 7  # behind a ReLU and the padding
    return [*found, conv(f"model.{last}", f"layers.{last}", base, outputs, 7, True)]


def with_norm(place: int, kind, inputs: int, outputs: int, kernel: int) -> Iterator[Layer]:
    """A convolution of the ResNet and the norm behind it."""
    yield kind(f"model.{place}", f"layers.{place}", inputs, outputs, kernel)
    yield norm(f"model.{place + 1}", f"layers.{place + 1}", outputs)


def patch(n_layers: int, base: int, inputs: int) -> list[Layer]:
    """Their PatchGAN of ``n_layers`` strided convolutions (3 of ``basic``)."""
    widths = [base * min(2**i, 8) for i in range(n_layers + 1)]
    found = [conv("model.0", "stages.0.0", inputs, base, 4, True)]
    for i in range(1, n_layers + 1):
        place = 3 * i - 1
        found.append(conv(f"model.{place}", f"stages.{i}.0", widths[i - 1], widths[i], 4))
        found.append(norm(f"model.{place + 1}", f"stages.{i}.1", widths[i]))
    return [*found, conv(f"model.{3 * n_layers + 2}", "score", widths[-1], 1, 4, True)]


def pixel(base: int, inputs: int) -> list[Layer]:
    """Their discriminator of single pixels."""
    return [
        conv("net.0", "stages.0.0", inputs, base, 1, True),
        conv("net.2", "stages.1.0", base, 2 * base, 1),
        norm("net.3", "stages.1.1", 2 * base),
        conv("net.5", "score", 2 * base, 1, 1),
    ]
