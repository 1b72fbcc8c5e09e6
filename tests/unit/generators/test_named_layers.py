"""Layers that generators name are what passes on the way to the image, and no more is computed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from i2i.generators.discogan import DiscoGenerator
from i2i.generators.pix2pixhd import Pix2PixHDGenerator
from i2i.generators.resunet import ResUNetGenerator

GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "discogan": lambda: DiscoGenerator(3, 3, 2, n_downs=4, norm="instance"),
    "resunet": lambda: ResUNetGenerator(3, 3, 2, n_downs=4),
    "pix2pixhd": lambda: Pix2PixHDGenerator(3, 3, 2, n_downs=2, n_blocks=6, n_local_blocks=1),
    "pix2pixhd without enhancer": lambda: Pix2PixHDGenerator(
        3, 3, 2, n_downs=1, n_blocks=1, n_enhancers=0
    ),
}
OF_STEM = ("coarse.3", "coarse.4")  # its ReLU, and the halving convolution after it
MODULES = {  # where each name stands in the network, and its channels
    "discogan": {f"down{i + 1}": (f"downs.{i}", c) for i, c in enumerate((2, 4, 8, 16))},
    "resunet": {
        "stem": ("downs.0", 2),
        **{f"down{i}": (f"downs.{i}", c) for i, c in enumerate((4, 8, 16, 16), 1)},
    },
    "pix2pixhd": {
        "stem": (OF_STEM[0], 2), "down1": (OF_STEM[1], 4), "down2": ("coarse.7", 8),
        **{f"block{i}": (f"coarse.{9 + i}", 8) for i in range(1, 7)},
        "fine_stem": ("front.3", 1), "fine_down1": ("front.4", 2),
    },
    "pix2pixhd without enhancer": {
        "stem": (OF_STEM[0], 2), "down1": (OF_STEM[1], 4), "block1": ("coarse.7", 4),
    },
}  # fmt: skip
CHOSEN = {
    "discogan": ("input", "down1", "down2", "down3"),
    "resunet": ("input", "down1", "down2", "down3"),
    "pix2pixhd": ("input", "down1", "down2", "block1", "block5"),
    "pix2pixhd without enhancer": ("input", "down1", "block1"),
}


def made(name: str) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    return GENERATORS[name](), torch.rand(2, 3, 32, 32) * 2 - 1


@pytest.mark.parametrize("name", GENERATORS)
def test_maps_are_those_on_the_way_to_the_image(name: str) -> None:
    generator, x = made(name)
    seen = {"input": x}
    for tap, (place, channels) in MODULES[name].items():
        assert generator.layer_channels[tap] == channels
        generator.get_submodule(place).register_forward_hook(
            lambda module, given, out, tap=tap: seen.setdefault(tap, out.detach().clone())
        )
    assert generator.taps == CHOSEN[name]
    generator(x)
    names = list(generator.layer_channels)
    assert set(names) == set(seen)
    for order in (names, names[::-1], generator.taps):
        maps = generator(x, taps=order)
        for tap, found in zip(order, maps, strict=True):
            assert torch.equal(found, seen[tap]) and found.shape[1] == generator.layer_channels[tap]


@pytest.mark.parametrize(
    ("name", "taps", "untouched"),
    [
        ("discogan", ["down2", "input"], "downs.2"),
        ("resunet", ["stem", "down1"], "downs.2"),
        ("pix2pixhd", ["down1", "input"], "coarse.5"),
        ("pix2pixhd", ["block2"], "front.0"),
        ("pix2pixhd", ["fine_stem"], "front.4"),
        ("pix2pixhd", ["fine_down1"], "coarse.0"),
    ],
)
def test_nothing_else_is_computed(name: str, taps: list[str], untouched: str) -> None:
    generator, x = made(name)
    generator.get_submodule(untouched).register_forward_hook(pytest.fail)
    assert len(generator(x, taps=taps)) == len(taps)


def test_shallow_networks_choose_what_they_have() -> None:
    assert DiscoGenerator(3, 3, 2, n_downs=1).taps == ("input",)
    assert ResUNetGenerator(3, 3, 2, n_downs=1).taps == ("input",)
    assert DiscoGenerator(3, 3, 2, n_downs=6).taps == ResUNetGenerator(3, 3, 2, n_downs=6).taps
    assert len(DiscoGenerator(3, 3, 2, n_downs=6).taps) == 5
    shallow = Pix2PixHDGenerator(3, 3, 2, n_downs=2, n_blocks=0)
    assert shallow.taps == ("input", "down1", "down2")
