"""Facts about every generator; the presets under conf/generator are found by globbing."""

import copy
import re

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from conftest import CONF
from i2i.blocks import NORMS
from i2i.errors import SettingError
from i2i.generators.pix2pixhd import Pix2PixHDGenerator
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.resunet import ResUNetGenerator
from i2i.generators.spade import SPADEGenerator
from i2i.generators.unet import UNetGenerator

FILES = [path for path in (CONF / "generator").glob("*.yaml") if "in_channels" in path.read_text()]
PRESETS = sorted(path.stem for path in FILES)  # those that make pictures of pictures
COST = r"([\d.]+) M parameters,\s(?:# )?([\d.]+) GMACs"
assert PRESETS, f"no generator presets under {CONF}"

SMALL = {  # each class, for images of 32 pixels
    UNetGenerator: {"n_downs": 5},
    ResnetGenerator: {"n_blocks": 1},
    ResUNetGenerator: {"n_downs": 2},
    Pix2PixHDGenerator: {"n_downs": 2, "n_blocks": 1},
    SPADEGenerator: {"n_upsamplings": 4, "hidden_channels": 4},
}


def preset(name: str) -> DictConfig:
    return OmegaConf.load(CONF / "generator" / f"{name}.yaml")


def build(name: str, **options: int) -> nn.Module:
    return instantiate(preset(name), in_channels=3, out_channels=3, **options)


def tiny(name: str) -> nn.Module:
    """As narrow as its preset lets it be."""
    return build(name, **({"base_channels": 2} if "base_channels" in preset(name) else {}))


def head(name: str) -> str:
    return (CONF / "generator" / f"{name}.yaml").read_text().split("_target_")[0]


def image(side: int, batch: int = 1, channels: int = 3) -> torch.Tensor:
    seeded = torch.Generator().manual_seed(0)
    return torch.rand(batch, channels, side, side, generator=seeded) * 2 - 1


@pytest.mark.parametrize("name", PRESETS)
def test_channels_are_those_of_the_data(name: str) -> None:
    """Nothing else stays open in a preset."""
    cfg = OmegaConf.to_container(preset(name), resolve=False)
    assert cfg.pop("in_channels") == "${dataset.input_channels}"
    assert cfg.pop("out_channels") == "${dataset.target_channels}"
    assert not any("$" in str(value) for value in cfg.values())


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("batch", [1, 2])
def test_every_parameter_learns(name: str, batch: int) -> None:
    torch.manual_seed(0)
    generator = tiny(name)
    side = max(64, generator.divisor)
    y_hat = generator(image(side, batch))
    assert y_hat.shape == (batch, 3, side, side)
    assert y_hat.abs().max() <= 1.0
    assert y_hat.std() > 0
    y_hat.square().mean().backward()
    gradients = {name: p.grad for name, p in generator.named_parameters()}
    assert [name for name, grad in gradients.items() if grad is None] == []
    assert [name for name, grad in gradients.items() if not grad.isfinite().all()] == []


@pytest.mark.parametrize("name", PRESETS)
def test_output_is_an_image_whatever_the_weights(name: str) -> None:
    generator = tiny(name)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(50)
        y_hat = generator(image(max(64, generator.divisor)))
    assert 0.5 < y_hat.abs().max() <= 1.0


@pytest.mark.parametrize("name", PRESETS)
def test_divisor_is_true_and_needed(name: str) -> None:
    generator = tiny(name).eval()
    d = generator.divisor
    with torch.no_grad():
        assert generator(torch.zeros(1, 3, d * 2, d * 3)).shape == (1, 3, d * 2, d * 3)
    if d == 1:
        return  # takes every size
    with pytest.raises(SettingError, match=rf"found {d * 2} x {d * 2 + 1} .*multiples of {d}\b"):
        generator(torch.zeros(1, 3, d * 2, d * 2 + 1))


@pytest.mark.parametrize("name", PRESETS)
def test_the_smallest_images_work_or_are_refused(name: str) -> None:
    """A norm over a single pixel, or a reflection of it, is an error deep inside torch."""
    generator = tiny(name).train()
    d = generator.divisor
    try:
        with torch.no_grad():
            assert generator(image(d)).shape == (1, 3, d, d)
    except SettingError as error:
        assert f"found {d} x {d} pixels; expected multiples of {d}, at least {2 * d}" in str(error)
        assert not isinstance(generator, UNetGenerator)


@pytest.mark.parametrize("name", [name for name in PRESETS if re.search(COST, head(name))])
def test_head_of_the_preset_tells_the_true_cost(name: str) -> None:
    """Of those that give one; a new preset may say nothing of it."""
    parameters, gmacs = map(float, re.search(COST, head(name)).groups())
    # Spectral norm changes neither number, and is slow to set up here.
    options = {"spectral": False} if "spectral" in preset(name) else {}
    with torch.device("meta"), torch.no_grad():
        generator = build(name, **options).eval()
        with FlopCounterMode(display=False) as counter:
            generator(torch.zeros(1, 3, 256, 256))
    assert sum(p.numel() for p in generator.parameters()) / 1e6 == pytest.approx(
        parameters, abs=0.051
    )
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, abs=0.051)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("cls", SMALL, ids=lambda cls: cls.__name__)
def test_every_norm_works_in_every_generator(cls: type[nn.Module], norm: str) -> None:
    generator = cls(3, 3, base_channels=2, norm=norm, **SMALL[cls])
    y_hat = generator(image(32, batch=2))
    y_hat.mean().backward()
    assert y_hat.isfinite().all()
    assert [n for n, p in generator.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("cls", SMALL, ids=lambda cls: cls.__name__)
def test_spectral_norm_holds_every_layer(cls: type[nn.Module]) -> None:
    """The largest singular value by numpy; each use of a weight in training is one iteration."""
    torch.manual_seed(0)
    generator = cls(3, 3, base_channels=2, norm="spectral", **SMALL[cls]).train()
    with torch.no_grad():
        for _ in range(3):
            generator(image(32))
    layers = [m for m in generator.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) > 4
    for layer in layers:
        weight = [layer.weight.detach() for _ in range(50)][-1]
        if isinstance(layer, nn.ConvTranspose2d):
            weight = weight.transpose(0, 1)
        largest = np.linalg.svd(weight.flatten(1).numpy(), compute_uv=False)[0]
        assert largest == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("cls", SMALL, ids=lambda cls: cls.__name__)
def test_weights_survive_saving_and_copying(cls: type[nn.Module]) -> None:
    """With parametrised layers too, as the average of the generator's weights needs it."""
    first, second = (cls(3, 3, base_channels=2, norm="spectral", **SMALL[cls]) for _ in range(2))
    x = image(32)
    with torch.no_grad():
        expected = first.eval()(x)
        assert not torch.equal(second.eval()(x), expected)
        second.load_state_dict(first.state_dict())
        assert torch.equal(second(x), expected)
        assert torch.equal(copy.deepcopy(first)(x), expected)


@pytest.mark.parametrize("cls", SMALL, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("channels", [(1, 3), (35, 1)])
def test_any_number_of_channels(cls: type[nn.Module], channels: tuple[int, int]) -> None:
    generator = cls(*channels, base_channels=2, **SMALL[cls])
    assert generator(image(32, channels=channels[0])).shape == (1, channels[1], 32, 32)


@pytest.mark.parametrize("cls", SMALL, ids=lambda cls: cls.__name__)
def test_unknown_norm_is_refused_by_name(cls: type[nn.Module]) -> None:
    with pytest.raises(SettingError, match=r"generator\.norm=bach.*batch, instance"):
        cls(3, 3, base_channels=2, norm="bach", **SMALL[cls])
