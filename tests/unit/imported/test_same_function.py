"""Imported weights make the pictures, and the logits, of the network that they were trained in."""

from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from conftest import CONF
from field_networks import (
    NORMS,
    FieldPatchGAN,
    FieldPixel,
    FieldResNet,
    FieldUNet,
    randomised,
)
from i2i.imported.network import Network, recognised
from i2i.inference.translate import eval_mode, paper_mode


def ours(network: Network, **further: Any) -> nn.Module:
    """The network that the preset builds with what was recognised, with the imported weights."""
    group = "generator" if network.generates else "discriminator"
    node = OmegaConf.load(CONF / group / f"{network.preset}.yaml")
    sides = {"in_channels": network.inputs, "out_channels": network.outputs}
    module = instantiate(node, **network.options, **(sides if network.generates else {}), **further)
    module.load_state_dict(network.weights, strict=True)
    return module


def picture(size: int, channels: int = 3, seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, size, size, generator=random) * 2 - 1


def train_mode(network: nn.Module, x: Tensor) -> Tensor:
    """As their test script runs: dropout drawn, norms with the statistics of the picture."""
    network.train()
    torch.manual_seed(5)
    return network(x)


def paper(network: nn.Module, x: Tensor) -> Tensor:
    with paper_mode(network):
        torch.manual_seed(5)
        return network(x)


def evaluated(network: nn.Module, x: Tensor) -> Tensor:
    with eval_mode(network):
        return network(x)


GENERATORS = {
    "unet_256": (FieldUNet, {}, 256),
    "unet_128": (FieldUNet, {"n_downs": 7, "base": 12, "i": 1}, 128),
    "unet of 6": (FieldUNet, {"n_downs": 6, "o": 2}, 64),
    "unet of 5": (FieldUNet, {"n_downs": 5}, 64),
    "resnet_9blocks": (FieldResNet, {}, 64),
    "resnet_6blocks": (FieldResNet, {"n_blocks": 6, "base": 10, "i": 4, "o": 1}, 40),
}


@torch.no_grad()
@pytest.mark.parametrize("dropout", [False, True], ids=["plain", "dropout"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_makes_the_same_pictures(name: str, norm: str, dropout: bool) -> None:
    make, options, size = GENERATORS[name]
    theirs = randomised(make, norm, dropout=dropout, **options)
    network = recognised(theirs.state_dict(), "x")
    assert network.norm == norm and not network.dropped
    assert network.n_parameters == sum(p.numel() for p in theirs.parameters())
    assert network.dropout == (None if name.startswith("unet") else dropout)
    mine = ours(network, dropout=0.5 * dropout)
    x = picture(size, options.get("i", 3))
    before = paper(mine, x)
    expected = evaluated(theirs, x)
    assert expected.std() > 0.05
    torch.testing.assert_close(evaluated(mine, x), expected, atol=1e-6, rtol=0)
    drawn = train_mode(theirs, x)
    torch.testing.assert_close(before, drawn, atol=1e-6, rtol=0)
    noisy = dropout and name != "unet of 5"  # which has no block of full width beside the innermost
    assert torch.equal(drawn, train_mode(theirs, x))
    if norm != "batch":
        assert (expected - drawn).abs().max() > 0.01 if noisy else torch.equal(expected, drawn)


DISCRIMINATORS = {
    "basic": (FieldPatchGAN, {}),
    "one layer": (FieldPatchGAN, {"n_layers": 1, "i": 3}),
    "five layers": (FieldPatchGAN, {"n_layers": 5, "base": 6}),
    "pixel": (FieldPixel, {"i": 4}),
}


@torch.no_grad()
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_gives_the_same_logits(name: str, norm: str) -> None:
    make, options = DISCRIMINATORS[name]
    theirs = randomised(make, norm, **options)
    network = recognised(theirs.state_dict(), "x")
    assert (network.norm, network.inputs) == (norm, options.get("i", 6))
    pair = picture(128, network.inputs)
    x, y = pair[:, :-3], pair[:, -3:]
    conditional = network.inputs > 3
    sides = {"input_channels": x.shape[1], "target_channels": 3, "conditional": conditional}
    mine = ours(network, **sides)
    for mode in (True, False):
        expected = theirs.train(mode)(pair)
        made = mine.train(mode)(x, y).logits
        assert len(made) == 1 and expected.std() > 0.01
        torch.testing.assert_close(made[0], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("make", "norm", "tensors", "number"),
    [(FieldUNet, "batch", 82, 54_413_955), (FieldResNet, "instance", 48, 11_378_179)],
    ids=["unet_256", "resnet_9blocks"],
)
def test_the_published_networks_have_the_known_numbers(
    make: Any, norm: str, tensors: int, number: int
) -> None:
    with torch.device("meta"):
        theirs = make(norm, base=64)
    state = {n: torch.zeros(()).expand(v.shape) for n, v in theirs.state_dict().items()}
    assert len(state) == tensors
    assert recognised(state, "x").n_parameters == number
