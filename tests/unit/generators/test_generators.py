"""Facts about the generators; every preset under conf/generator is found by globbing."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import nn

from conftest import CONF, ROOT
from i2i.errors import SettingError
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator

PRESETS = sorted(path.stem for path in (CONF / "generator").glob("*.yaml"))
assert PRESETS, f"no generator presets under {CONF}"


def build(name: str, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", [f"generator={name}", "generator.base_channels=8"])
    return instantiate(cfg.generator)


@pytest.mark.parametrize("name", PRESETS)
def test_every_parameter_learns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    generator = build(name, monkeypatch)
    side = max(64, generator.divisor)
    y_hat = generator(torch.rand(2, 3, side, side) * 2 - 1)
    assert y_hat.shape == (2, 3, side, side)
    assert y_hat.abs().max() <= 1.0
    y_hat.square().mean().backward()
    assert [n for n, p in generator.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", PRESETS)
def test_divisor_is_true_and_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = build(name, monkeypatch).eval()
    d = generator.divisor
    assert generator(torch.zeros(1, 3, d * 2, d * 3)).shape == (1, 3, d * 2, d * 3)
    with pytest.raises(SettingError, match=f"multiples of {d}"):
        generator(torch.zeros(1, 3, d * 2, d * 2 + 1))


def test_parameter_counts_of_the_papers() -> None:
    def count(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    assert count(UNetGenerator(3, 3)) == 54_413_955
    assert count(ResnetGenerator(3, 3)) == 11_378_179


def test_unet_layers_of_the_reference() -> None:
    """Skips double the decoder's inputs; dropout in three layers; no norm at the bottleneck."""
    unet = UNetGenerator(3, 3)
    widths = [(up.conv.in_channels, up.conv.out_channels) for up in unet.ups]
    assert widths == [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
    assert [isinstance(up.dropout, nn.Dropout) for up in unet.ups] == [
        False,
        *[True] * 3,
        *[False] * 3,
    ]
    assert isinstance(unet.downs[0].norm, nn.Identity)
    assert isinstance(unet.downs[-1].norm, nn.Identity)


def test_skip_connections_reach_the_output() -> None:
    """With the path through the bottleneck cut, the input still gets through."""
    unet = UNetGenerator(3, 3, base_channels=4, n_downs=5).eval()
    with torch.no_grad():
        for weight in unet.downs[-1].parameters():
            weight.zero_()
        a, b = (unet(torch.full((1, 3, 32, 32), v)) for v in (-1.0, 1.0))
    assert not torch.equal(a, b)


def test_initial_weights_are_normal_with_std_0_02() -> None:
    torch.manual_seed(0)
    weight = UNetGenerator(3, 3).downs[4].conv.weight.detach()
    assert weight.mean().abs() < 1e-4
    assert weight.std() == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("channels", [(1, 3), (3, 1)])
def test_grey_images(channels: tuple[int, int]) -> None:
    y_hat = ResnetGenerator(*channels, base_channels=4, n_blocks=1)(
        torch.zeros(1, channels[0], 16, 16)
    )
    assert y_hat.shape == (1, channels[1], 16, 16)


def test_unknown_norm_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"generator\.norm=bach.*batch, instance"):
        UNetGenerator(3, 3, norm="bach")
