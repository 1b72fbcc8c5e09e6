"""What every discriminator preset has: least size, norms, condition, and names in errors."""

from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from conftest import CONF
from i2i.config.checks import validate_networks
from i2i.errors import SettingError

PRESETS = sorted(path.stem for path in (CONF / "discriminator").glob("*.yaml"))
assert PRESETS, f"no discriminator presets under {CONF}"


def build(name: str, **options: Any) -> nn.Module:
    """A preset for 3 and 2 channels, four feature maps wide."""
    node = OmegaConf.to_container(OmegaConf.load(CONF / "discriminator" / f"{name}.yaml"))
    channels = {"input_channels": 3, "target_channels": 2, "base_channels": 4}
    if "image_size" in node:  # one that sees what is left of the whole picture
        size = 128 if "instance" in options.get("norm", "") else 64
        channels |= {"image_size": size, "n_labels": 3}
    return instantiate(node | channels | options)


def images(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, c, size, size, generator=random) * 2 - 1 for c in (3, 2))


@pytest.mark.parametrize("name", PRESETS)
def test_least_size_is_the_first_that_gives_a_score(name: str) -> None:
    network = build(name, norm="none")
    assert {"patch16": 6, "pixel": 1}.get(name, network.least_size) == network.least_size  # advice
    assert all(m.numel() > 0 for m in network(*images(network.least_size)).logits)
    if network.least_size > 1:
        with pytest.raises(RuntimeError):
            network(*images(network.least_size - 1))


@pytest.mark.parametrize("norm", ["batch", "instance", "layer", "spectral", "none"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_parameter_learns_under_every_norm(name: str, norm: str) -> None:
    torch.manual_seed(0)
    network = build(name, norm=norm)
    out = network(*images(max(network.least_size, 32)))
    assert len(out.logits) == len(out.features)
    told = [] if out.classes is None else [out.classes]
    sum(m.square().mean() for m in (*out.logits, *told)).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("name", PRESETS)
def test_condition_is_seen_only_where_asked(name: str) -> None:
    torch.manual_seed(0)
    for conditional in (True, False):
        network = build(name, norm="none", conditional=conditional)
        x, y = images(network.least_size)
        a, b = (network(sign * x, y).logits[0] for sign in (-1, 1))
        assert torch.equal(a, b) is not conditional


@pytest.mark.parametrize("name", PRESETS)
def test_spectral_norm_bounds_every_convolution(name: str) -> None:
    """Largest singular value 1, by a decomposition, in the first and the last layer too."""
    torch.manual_seed(0)
    network = build(name, norm="spectral")
    with torch.no_grad():
        for _ in range(10):  # a power iteration each, after the 15 at the start
            network(*images(network.least_size))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) >= 3
    for convolution in convolutions:
        values = torch.linalg.svdvals(convolution.weight.detach().flatten(1))
        assert values[0].item() == pytest.approx(1, abs=0.02)
        assert is_parametrized(convolution, "weight")  # not divided once and for all


@pytest.mark.parametrize("name", [n for n in PRESETS if "patch" in n or "scale" in n])
def test_spectral_norm_can_leave_out_both_ends(name: str) -> None:
    """As in the code of SPADE, whose first and last convolutions are plain."""
    network = build(name, norm="spectral", spectral_ends=False)
    for scale in getattr(network, "scales", [network]):
        normed = [is_parametrized(m) for m in scale.modules() if isinstance(m, nn.Conv2d)]
        assert normed == [False] + [True] * (len(normed) - 2) + [False]
        assert len(normed) >= 3


@pytest.mark.parametrize("name", PRESETS)
def test_unknown_norm_is_refused(name: str) -> None:
    with pytest.raises(Exception, match=r"discriminator\.norm=group.*spectral"):
        build(name, norm="group")


class Halves(nn.Module):
    """A generator that takes multiples of 32 pixels."""

    divisor = 32


@pytest.mark.parametrize(
    ("name", "size", "found", "advice"),
    [
        ("patch286", 64, "64 x 64", 96),
        ("patch286", [256, 64], "256 x 64", 96),
        ("patch286", [64, 256], "64 x 256", 96),
    ],
)
def test_images_too_small_are_refused(name: str, size: Any, found: str, advice: int) -> None:
    network = build(name)
    with pytest.raises(SettingError) as caught:
        validate_networks({"dataset": {"image_size": size}}, Halves(), network)
    text = str(caught.value)
    assert f"dataset.image_size={size}: found {found} pixels" in text
    kind, least = type(network).__name__, network.least_size
    assert f"expected at least {least} x {least} for {kind}" in text
    assert "discriminator=patch16 (6 x 6 pixels or more)" in text
    assert f"dataset.image_size={advice}." in text


@pytest.mark.parametrize("name", PRESETS)
def test_images_that_are_large_enough(name: str) -> None:
    validate_networks({"dataset": {"image_size": [96, 128]}}, Halves(), build(name))
    validate_networks({"dataset": {"image_size": 32}}, Halves())
    validate_networks({"dataset": {"image_size": 32}}, Halves(), nn.Identity())  # says no size
