"""Facts about SPADE, checked against its formula."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from i2i.errors import SettingError
from i2i.generators.spade import Spade, SpadeBlock, SPADEGenerator


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def small(**options: object) -> SPADEGenerator:
    torch.manual_seed(0)
    return SPADEGenerator(3, 3, **{"base_channels": 2, "n_upsamplings": 4} | options)


def convolved(image: np.ndarray, layer: nn.Conv2d) -> np.ndarray:
    """A 3 x 3 convolution with a border of zeros, one output pixel at a time."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    channels, height, width = len(bias), *image.shape[1:]
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    out = np.empty((channels, height, width))
    for o in range(channels):
        for y in range(height):
            for x in range(width):
                out[o, y, x] = (weight[o] * padded[:, y : y + 3, x : x + 3]).sum() + bias[o]
    return out


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_layer_is_the_formula_of_the_paper(norm: str) -> None:
    """Park et al. 2019, Eq. 1 to 3, by loops over n, c, y and x; the map is twice as large."""
    torch.manual_seed(0)
    layer = Spade(2, 3, 4, norm).train()
    h, m = random(2, 2, 3, 3) * 2 + 1, random(2, 3, 6, 6, seed=1)
    with torch.no_grad():
        found = layer(h, m).numpy()
    h_, m_ = h.double().numpy(), m.double().numpy()
    for n in range(2):
        nearest = m_[n][:, ::2, ::2]  # of each 2 x 2 pixels the first
        hidden = np.maximum(convolved(nearest, layer.shared[0]), 0)
        gamma, beta = convolved(hidden, layer.gamma), convolved(hidden, layer.beta)
        for c in range(2):
            over = h_[:, c] if norm == "batch" else h_[n, c]
            mean, deviation = over.mean(), np.sqrt(over.var() + 1e-5)
            for y in range(3):
                for x in range(3):
                    value = (h_[n, c, y, x] - mean) / deviation
                    expected = value * (1 + gamma[c, y, x]) + beta[c, y, x]
                    assert found[n, c, y, x] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_norm_has_no_scale_and_shift_of_its_own(norm: str) -> None:
    assert list(Spade(4, 3, 8, norm).norm.parameters()) == []


def test_scale_and_shift_follow_the_place_in_the_map() -> None:
    """Left and right halves of another class: far from the border they differ, each is even."""
    torch.manual_seed(0)
    layer = Spade(1, 2, 4, "none")
    m = torch.zeros(1, 2, 12, 12)
    m[:, 0, :, :6], m[:, 1, :, 6:] = 1, 1
    with torch.no_grad():
        out = layer(torch.ones(1, 1, 12, 12), m)
    left, right = out[..., 2:-2, 2:4], out[..., 2:-2, -4:-2]
    assert left.std() < 1e-6
    assert right.std() < 1e-6
    assert abs(left.mean() - right.mean()) > 1e-3


@pytest.mark.parametrize(("outputs", "learned"), [(4, False), (2, True)])
def test_block_is_its_parts(outputs: int, learned: bool) -> None:
    """Park et al. 2019, App. A, with the released code's slope and bare 1 x 1 shortcut."""
    torch.manual_seed(0)
    block = SpadeBlock(4, outputs, 3, 8, "instance").double()
    h, m = random(1, 4, 6, 6).double(), random(1, 3, 6, 6, seed=1).double()

    def leaky(values: torch.Tensor) -> torch.Tensor:
        return torch.where(values > 0, values, values / 5)

    body = block.conv1(leaky(block.spade1(h, m)))
    body = block.conv2(leaky(block.spade2(body, m)))
    assert hasattr(block, "conv_shortcut") is learned
    shortcut = h
    if learned:
        assert block.conv_shortcut.weight.shape == (outputs, 4, 1, 1)
        assert block.conv_shortcut.bias is None
        matrix = block.conv_shortcut.weight[:, :, 0, 0]  # of every pixel's channels alike
        shortcut = torch.einsum("oc,bcyx->boyx", matrix, block.spade_shortcut(h, m))
    assert torch.allclose(block(h, m), shortcut + body, rtol=0, atol=1e-12)


def test_parameters_of_the_code_at_three_input_channels() -> None:
    """92.06 M, summed by hand: convolutions of the blocks, SPADE layers, head and last layer."""
    widths = [1024, 1024, 1024, 1024, 512, 256, 128, 64]  # in front of, between, behind the blocks

    def spade(channels: int) -> int:
        return (3 * 9 + 1) * 128 + 2 * (128 * 9 + 1) * channels

    expected = (3 * 9 + 1) * 1024 + (64 * 9 + 1) * 3
    for i, o in pairwise(widths):
        expected += (i * 9 + 1) * o + (o * 9 + 1) * o + spade(i) + spade(o)
        expected += i * o + spade(i) if i != o else 0
    with torch.device("meta"):
        generator = SPADEGenerator(3, 3, spectral=False)
    assert sum(p.numel() for p in generator.parameters()) == expected
    assert expected / 1e6 == pytest.approx(92.06, abs=0.005)


def test_weights_are_drawn_by_glorot_with_gain_0_02() -> None:
    """Standard deviation 0.02 * sqrt(2 / (9 * (in + out))); 4 deviations of an estimate over n."""
    generator = small(base_channels=8, spectral=False)
    for layer in (generator.blocks[0].conv1, generator.blocks[3].spade1.gamma):
        inputs, outputs = layer.in_channels, layer.out_channels
        expected = 0.02 * (2 / (9 * (inputs + outputs))) ** 0.5
        tolerance = 4 / (2 * layer.weight.numel()) ** 0.5
        assert layer.weight.std().item() == pytest.approx(expected, rel=tolerance)
        assert torch.equal(layer.bias, torch.zeros(outputs))


def test_widths_of_the_paper() -> None:
    with torch.device("meta"):
        generator = SPADEGenerator(35, 3, spectral=False)
    widths = [(b.conv1.in_channels, b.conv1.out_channels) for b in generator.blocks]
    assert widths == [
        *[(1024, 1024)] * 3, (1024, 512), (512, 256), (256, 128), (128, 64),
    ]  # fmt: skip
    assert generator.blocks[0].spade1.shared[0].in_channels == 35
    assert generator.blocks[0].spade1.shared[0].out_channels == 128


@pytest.mark.parametrize(
    ("n_upsamplings", "sides"),
    [(6, [2, 4, 8, 16, 32, 64, 128]), (5, [4, 8, 8, 16, 32, 64, 128]), (1, [64] * 6 + [128])],
)
def test_sizes_on_the_way(n_upsamplings: int, sides: list[int]) -> None:
    generator = small(n_upsamplings=n_upsamplings, base_channels=1, hidden_channels=2)
    found = []
    for block in generator.blocks:
        block.register_forward_hook(lambda _m, _i, o: found.append(o.shape[-1]))
    with torch.no_grad():
        assert generator(random(1, 3, 128, 128)).shape == (1, 3, 128, 128)
    assert found == sides
    assert generator.divisor == 2**n_upsamplings


def test_the_map_reaches_every_block_by_itself() -> None:
    """Hidden from the head, it still shapes the output; that is the point of SPADE."""
    generator = small().eval()
    with torch.no_grad():
        generator.head.weight.zero_()
        a, b = (generator(random(1, 3, 32, 32, seed=seed)) for seed in (0, 1))
    assert not torch.allclose(a, b)


@pytest.mark.parametrize("spectral", [True, False])
def test_spectral_norm_is_on_the_convolutions_of_the_blocks(spectral: bool) -> None:
    generator = small(spectral=spectral)
    normed = {
        name
        for name, m in generator.named_modules()
        if isinstance(m, nn.Conv2d) and is_parametrized(m, "weight")
    }
    expected = {f"blocks.{i}.conv{n}" for i in range(7) for n in (1, 2)}
    expected |= {f"blocks.{i}.conv_shortcut" for i in range(3, 7)}
    assert normed == (expected if spectral else set())


@pytest.mark.parametrize("n_upsamplings", [0, 7])
def test_a_wrong_number_of_doublings_is_refused(n_upsamplings: int) -> None:
    with pytest.raises(
        SettingError,
        match=rf"generator\.n_upsamplings={n_upsamplings}: found {n_upsamplings}; expected 1 to 6",
    ):
        small(n_upsamplings=n_upsamplings)
