"""Facts about the residual generator."""

import pytest
import torch
from torch import nn

from i2i.errors import SettingError
from i2i.generators.resnet import ResnetBlock, ResnetGenerator


@pytest.mark.parametrize(("n_blocks", "parameters"), [(9, 11_378_179), (6, 7_837_699)])
def test_parameter_counts_of_the_reference(n_blocks: int, parameters: int) -> None:
    generator = ResnetGenerator(3, 3, n_blocks=n_blocks)
    assert sum(p.numel() for p in generator.parameters()) == parameters


@pytest.mark.parametrize("n_blocks", [0, 6, 9])
def test_number_of_blocks(n_blocks: int) -> None:
    generator = ResnetGenerator(3, 3, base_channels=2, n_blocks=n_blocks)
    assert [type(m) for m in generator.layers].count(ResnetBlock) == n_blocks


def test_a_block_adds_to_its_input() -> None:
    block = ResnetBlock(4, "none", dropout=0.0)
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x) - x != 0, torch.ones_like(x, dtype=torch.bool))
    nn.init.zeros_(block.body[-2].weight)
    nn.init.zeros_(block.body[-2].bias)
    assert torch.equal(block(x), x)


def test_images_too_small_to_reflect_are_refused() -> None:
    generator = ResnetGenerator(3, 3, base_channels=2, n_blocks=1)
    with pytest.raises(SettingError, match=r"found 4 x 16 .*multiples of 4, at least 8"):
        generator(torch.zeros(1, 3, 4, 16))


def test_parameter_count_with_blur() -> None:
    """The blurs have no weights, and 3 x 3 convolutions are as large either way round."""
    generator = ResnetGenerator(3, 3, blur=True)
    assert sum(p.numel() for p in generator.parameters()) == 11_378_179
    assert not any("filter" in name for name in generator.state_dict())
    strides = {m.stride for m in generator.modules() if isinstance(m, nn.Conv2d)}
    assert strides == {(1, 1)}
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in generator.modules())


# Park et al. 2020, Sec. 4 and appendix: RGB pixels, the two downsampling convolutions, the first
# and the fifth residual block see 1, 9, 15, 35 and 99 pixels.
FIELDS = {"input": 1, "down1": 9, "down2": 15, "block1": 35, "block5": 99}


def test_taps_are_the_layers_of_the_paper() -> None:
    torch.manual_seed(0)
    generator = ResnetGenerator(3, 3, base_channels=4, norm="none", blur=True)
    assert generator.taps == tuple(FIELDS)
    channels = {"input": 3, "down1": 8, "down2": 16, "block1": 16, "block5": 16}
    for tap, pixels in FIELDS.items():
        x = torch.rand(1, 3, 128, 128, requires_grad=True)
        (found,) = generator(x, taps=[tap])
        assert found.shape[1] == channels[tap] == generator.layer_channels[tap]
        found[0, :, found.shape[2] // 2, found.shape[3] // 2].sum().backward()
        touched = x.grad.abs().sum((0, 1)) > 0
        assert touched.any(0).sum() == touched.any(1).sum() == pixels, tap


@pytest.mark.parametrize("blur", [False, True])
def test_maps_are_those_on_the_way_to_the_image(blur: bool) -> None:
    torch.manual_seed(0)
    generator = ResnetGenerator(3, 3, base_channels=2, n_blocks=3, blur=blur)
    x = torch.rand(2, 3, 16, 16)
    names = list(generator.layer_channels)
    assert names == ["input", "stem", "down1", "down2", "block1", "block2", "block3"]
    maps = dict(zip(names, generator(x, taps=names), strict=True))
    assert maps["input"] is x
    h = x
    for place, layer in enumerate(generator.layers):
        h = layer(h)
        for name in [name for name, at in generator.places.items() if at == place]:
            assert torch.equal(maps[name], h) and h.shape[1] == generator.layer_channels[name]
    assert isinstance(generator.layers[generator.places["down2"]], nn.Conv2d)
    assert torch.equal(h, generator(x))
    assert generator.taps == ("input", "down1", "down2", "block1", "block3")
    assert ResnetGenerator(3, 3, 2, n_blocks=1).taps == ("input", "down1", "down2", "block1")
    assert ResnetGenerator(3, 3, 2, n_blocks=0).taps == ("input", "down1", "down2")


def test_nothing_after_the_last_tap_is_computed() -> None:
    generator = ResnetGenerator(3, 3, base_channels=2, n_blocks=3)
    generator.layers[generator.places["block2"]].register_forward_hook(pytest.fail)
    order = ["block1", "input"]
    maps = generator(torch.rand(1, 3, 16, 16), taps=order)
    assert [m.shape[2] for m in maps] == [4, 16]
