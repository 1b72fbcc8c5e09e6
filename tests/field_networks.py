"""Networks whose weights have the names of the field's PyTorch code, written anew from its facts.

Names are places in nested ``nn.Sequential``s, so the order of all layers, those without weights
included, has to be right for a name to be. Nothing of this package is used.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

NORMS = ("batch", "instance", "none")


def normed(norm: str, channels: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.Identity()


class Level(nn.Module):
    """What happens below one halving, handed on beside what came in."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        below = self.model(x)
        # Their activation works in place, so that the skip carries what it left.
        return torch.cat((nn.functional.leaky_relu(x, 0.2), below), dim=1)


class Outermost(nn.Module):
    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class FieldUNet(nn.Module):
    def __init__(
        self, norm: str, n_downs: int = 8, base: int = 8, i: int = 3, o: int = 3, dropout=False
    ):
        super().__init__()
        bias = norm == "instance"
        width = [base, 2 * base, 4 * base] + [8 * base] * (n_downs - 3)

        def down(a: int, b: int) -> nn.Module:
            return nn.Conv2d(a, b, 4, 2, 1, bias=bias)

        def up(a: int, b: int) -> nn.Module:
            return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=bias)

        wide = width[-1]
        inner: nn.Module = Level(
            nn.LeakyReLU(0.2), down(wide, wide), nn.ReLU(), up(wide, wide), normed(norm, wide)
        )
        for depth in range(n_downs - 2, 0, -1):
            outside, inside = width[depth - 1], width[depth]
            layers = [
                nn.LeakyReLU(0.2), down(outside, inside), normed(norm, inside), inner, nn.ReLU(),
                up(2 * inside, outside), normed(norm, outside),
            ]  # fmt: skip
            noisy = dropout and depth >= 4  # the blocks of full width on both sides
            inner = Level(*layers, *([nn.Dropout(0.5)] if noisy else []))
        last = nn.ConvTranspose2d(2 * base, o, 4, 2, 1)
        self.model = Outermost(down(i, base), inner, nn.ReLU(), last, nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Residual(nn.Module):
    def __init__(self, channels: int, norm: str, dropout: bool):
        super().__init__()

        def half() -> list[nn.Module]:
            conv = nn.Conv2d(channels, channels, 3, bias=norm == "instance")
            return [nn.ReflectionPad2d(1), conv, normed(norm, channels)]

        noise = [nn.Dropout(0.5)] if dropout else []
        self.conv_block = nn.Sequential(*half(), nn.ReLU(), *noise, *half())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class FieldResNet(nn.Module):
    def __init__(
        self, norm: str, n_blocks: int = 9, base: int = 8, i: int = 3, o: int = 3, dropout=False
    ):
        super().__init__()
        bias = norm == "instance"
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(i, base, 7, bias=bias)]
        layers += [normed(norm, base), nn.ReLU()]
        for width in (base, 2 * base):
            layers.append(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias))
            layers += [normed(norm, 2 * width), nn.ReLU()]
        layers += [Residual(4 * base, norm, dropout) for _ in range(n_blocks)]
        for width in (4 * base, 2 * base):
            layers.append(nn.ConvTranspose2d(width, width // 2, 3, 2, 1, 1, bias=bias))
            layers += [normed(norm, width // 2), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(base, o, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class FieldPatchGAN(nn.Module):
    def __init__(self, norm: str, n_layers: int = 3, base: int = 8, i: int = 6):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(i, base, 4, 2, 1), nn.LeakyReLU(0.2)]
        width = base
        for k in range(1, n_layers + 1):
            wider = base * min(2**k, 8)
            stride = 2 if k < n_layers else 1
            layers.append(nn.Conv2d(width, wider, 4, stride, 1, bias=norm == "instance"))
            layers += [normed(norm, wider), nn.LeakyReLU(0.2)]
            width = wider
        self.model = nn.Sequential(*layers, nn.Conv2d(width, 1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class FieldPixel(nn.Module):
    def __init__(self, norm: str, base: int = 8, i: int = 6):
        super().__init__()
        bias = norm == "instance"
        self.net = nn.Sequential(
            nn.Conv2d(i, base, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(base, 2 * base, 1, bias=bias), normed(norm, 2 * base), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * base, 1, 1, bias=bias),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def randomised(make: Callable[..., nn.Module], *options, seed: int = 0, **named) -> nn.Module:
    """A network with weights, scales, shifts and statistics of a sensible size, none of them 0."""
    torch.manual_seed(seed)
    network = make(*options, **named)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif name.endswith("num_batches_tracked"):
                value.fill_(7)
            elif value.ndim == 1 and not name.endswith("weight"):
                value.normal_(0, 0.3)
            elif value.ndim == 1:
                value.uniform_(0.5, 1.5)
            elif value.ndim == 4:  # so that the picture still counts behind many layers
                nn.init.kaiming_normal_(value, a=0.2)
    return network
