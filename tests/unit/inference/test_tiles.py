"""Tiles: where they lie, that their weights add up to 1, and that nobody sees them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from i2i.errors import SettingError
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator
from i2i.inference.receptive_field import normalises_over_the_picture, receptive_radius
from i2i.inference.tiles import Tiling, blended_bands
from i2i.inference.translate import translate

SIZES = [(96, 200), (101, 97), (64, 131), (257, 40), (65, 65)]


class Convolutions(nn.Module):
    """Three 5 x 5 convolutions without a stride: the receptive-field radius is 6."""

    divisor, in_channels = 1, 3

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 4, 5, padding=2), nn.ReLU(),
            nn.Conv2d(4, 2, 5, padding=2), nn.Tanh(),
        )  # fmt: skip
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def strong(network: nn.Module) -> nn.Module:
    """With weights so large that an error of a tile is many levels."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=1.5 / (layer.weight[0].numel() ** 0.5))
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
    return network


def picture(size: tuple[int, int]) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def run_of(network: nn.Module, mode: str = "eval") -> Callable[[Tensor, str], Tensor]:
    return lambda x, name: translate(network, x, [name], mode, seed=0)


def tiled(run: Callable[[Tensor, str], Tensor], x: Tensor, tiling: Tiling) -> Tensor:
    """The blend of tiles, cut out of the padded picture."""
    height, width = x.shape[-2:]

    def generate(top: int, left: int, rows: int, columns: int) -> Tensor:
        y = torch.arange(top, top + rows).clamp(max=height - 1)
        z = torch.arange(left, left + columns).clamp(max=width - 1)
        return run(x[:, :, y][..., z], f"{top},{left}")

    bands, at = [], 0
    for top, band in blended_bands(generate, (height, width), tiling):
        assert top == at
        bands.append(band.clone())
        at += band.shape[-2]
    return torch.cat(bands, -2)


def levels(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max()) * 127.5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("tile", "overlap"), [(32, 12), (48, 13), (40, 20), (64, 12)])
def test_the_radius_that_fits_gives_the_untiled_picture(
    size: tuple[int, int], tile: int, overlap: int
) -> None:
    """Zero padding at the picture's border is the same for both, so there is no margin at all."""
    run, x = run_of(Convolutions()), picture(size)
    assert levels(tiled(run, x, Tiling(tile, overlap, 1)), run(x, "whole")) < 0.01


def test_an_overlap_below_the_radius_does_not() -> None:
    """So the equality above is one of the overlap, and not of a network that hardly looks."""
    run, x = run_of(Convolutions()), picture((96, 200))
    assert levels(tiled(run, x, Tiling(32, 8, 1)), run(x, "whole")) > 2


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("size", [(160, 200), (149, 98), (131, 240)])
def test_a_residual_network_in_tiles(norm: str, size: tuple[int, int]) -> None:
    """Strided layers and reflection padding; tiles begin where the strides do."""
    network = strong(ResnetGenerator(3, 3, base_channels=2, n_blocks=1, norm=norm))
    radius = receptive_radius(network)
    assert radius == 20
    run, x = run_of(network), picture(size)
    whole = run(x, "whole")
    assert levels(tiled(run, x, Tiling(96, 2 * radius, 4)), whole) < 0.01
    assert levels(tiled(run, x, Tiling(96, radius, 4)), whole) > 1


def test_a_unet_in_tiles() -> None:
    network = strong(UNetGenerator(3, 3, base_channels=2, n_downs=3, norm="batch"))
    assert receptive_radius(network) == 21
    run, x = run_of(network), picture((130, 170))
    assert levels(tiled(run, x, Tiling(96, 42, 8)), run(x, "whole")) < 0.01


@pytest.mark.parametrize("length", [7, 96, 97, 100, 128, 129, 255, 1000, 8192])
@pytest.mark.parametrize(
    ("tile", "overlap", "divisor"),
    [(96, 0, 1), (96, 1, 1), (96, 48, 1), (96, 32, 8), (96, 33, 32), (512, 64, 256), (64, 31, 4)],
)
def test_weights_add_up_to_one(length: int, tile: int, overlap: int, divisor: int) -> None:
    axis = Tiling(tile, overlap, divisor).axis(length)
    assert 0 <= axis.length - length < divisor
    assert axis.starts[0] == 0 and axis.starts[-1] + axis.tile == axis.length
    assert axis.tile == min(tile, axis.length)
    assert all(start % divisor == 0 for start in axis.starts)
    total = torch.zeros(axis.length)
    for i, (start, weights) in enumerate(zip(axis.starts, axis.weights, strict=True)):
        total[start : start + axis.tile] += weights
        assert weights.min() >= 0
        for inner, edge in ((i > 0, weights), (i + 1 < len(axis.starts), weights.flip(0))):
            assert not inner or edge[: overlap // 2].count_nonzero() == 0
    assert (total - 1).abs().max() <= 2**-23
    gaps = [b - a for a, b in zip(axis.starts, axis.starts[1:], strict=False)]
    assert all(0 < gap <= tile - 1.5 * overlap for gap in gaps)


def test_the_ramp_is_linear_and_takes_what_the_overlap_leaves() -> None:
    axis = Tiling(32, 8, 1).axis(52)
    assert axis.starts == [0, 20]  # 12 pixels shared: 4 thrown away of each, 4 of ramp
    assert axis.weights[0, 20:].tolist() == [1] * 4 + [0.875, 0.625, 0.375, 0.125] + [0] * 4


def test_a_picture_within_a_tile_is_one_tile() -> None:
    tiling, calls = Tiling(64, 16, 1), []

    def generate(*box: int) -> Tensor:
        calls.append(box)
        return torch.full((1, 1, box[2], box[3]), 0.3)

    ((top, band),) = blended_bands(generate, (50, 64), tiling)
    assert calls == [(0, 0, 50, 64)] and top == 0
    assert torch.equal(band, torch.full((1, 1, 50, 64), 0.3))
    assert not tiling.is_needed(64, 64) and tiling.is_needed(64, 65) and tiling.is_needed(65, 1)


def test_one_row_of_tiles_is_held_whatever_the_height() -> None:
    """The floats that the blend keeps, and how many pixels the network is asked for."""
    for height in (256, 512, 4096):
        pixels = 0

        def generate(top: int, left: int, rows: int, columns: int) -> Tensor:
            nonlocal pixels
            pixels += rows * columns
            return torch.zeros(1, 3, rows, columns)

        for _, band in blended_bands(generate, (height, 128), Tiling(64, 16, 4)):
            assert band.untyped_storage().nbytes() == 3 * 64 * 128 * 4
        assert pixels / (height * 128) < (64 / 40) ** 2 * 1.1


def test_noise_is_that_of_the_tile() -> None:
    """In paper mode a tile's noise comes from its name, and the run gives the same twice."""
    network = strong(UNetGenerator(3, 3, base_channels=2, n_downs=3, norm="none"))
    run, x = run_of(network, "paper"), picture((64, 96))
    tiling = Tiling(32, 8, 8)
    first = tiled(run, x, tiling)
    assert torch.equal(first, tiled(run, x, tiling))
    assert levels(first, tiled(lambda x, _: run(x, "same"), x, tiling)) > 1


@pytest.mark.parametrize(
    ("tile", "overlap", "divisor", "message"),
    [
        (500, 64, 256, r"tile=500: found 500; expected pixels, a multiple of 256 .*at least 512\. "
         r"Use tile=512, or leave tile out"),
        (256, 64, 256, r"tile=256: .*Use tile=512"),
        ("big", 64, 4, r"tile=big: found 'big'; .*Use tile=8,"),
        (64.0, 8, 4, r"tile=64.0: found 64.0; .*Use tile=64,"),
        (-8, 8, 4, r"tile=-8: .*Use tile=8,"),
        (512, 257, 4, r"overlap=257: found 257; expected pixels, 0 to 256 with tile=512 .*Use "
         r"overlap=256, or a larger tile"),
        (512, 171, 256, r"overlap=171: .*0 to 170 .*multiples of 256"),
        (512, -1, 4, r"overlap=-1: found -1; expected pixels, 0 to 256"),
        (512, 6.5, 4, r"overlap=6.5: found 6.5;"),
    ],
)  # fmt: skip
def test_tiles_that_cannot_be_are_refused(
    tile: object, overlap: object, divisor: int, message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        Tiling(tile, overlap, divisor)


@pytest.mark.parametrize(
    ("norm", "paper", "evaluation"),
    [("none", False, False), ("batch", True, False), ("instance", True, True),
     ("layer", True, True), ("spectral", False, False)],
)  # fmt: skip
def test_which_networks_normalise_over_the_picture(
    norm: str, paper: bool, evaluation: bool
) -> None:
    network = ResnetGenerator(3, 3, base_channels=2, n_blocks=1, norm=norm)
    assert normalises_over_the_picture(network, "paper") is paper
    assert normalises_over_the_picture(network, "eval") is evaluation


def test_receptive_radius_against_arithmetic() -> None:
    """Sum of (kernel - 1) / 2 times the stride so far; None where the whole picture counts."""
    assert receptive_radius(Convolutions()) == 3 * 2
    two, three = (ResnetGenerator(3, 3, 2, n, "batch") for n in (2, 3))
    assert receptive_radius(three) - receptive_radius(two) == 2 * 4  # 3 x 3 twice, at stride 4
    assert receptive_radius(ResnetGenerator(3, 3, 2, 1, "instance"), limit=128) is None
    network = Convolutions().train()
    receptive_radius(network)
    assert network.training
