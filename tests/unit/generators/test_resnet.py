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
