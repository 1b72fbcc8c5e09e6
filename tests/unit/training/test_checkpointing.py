"""Activation checkpointing keeps gradients, statistics and noise, and saves memory."""

import copy

import pytest
import torch
from torch import nn

from i2i.errors import SettingError
from i2i.generators.pix2pixhd import Pix2PixHDGenerator
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.resunet import ResUNetGenerator
from i2i.generators.spade import SPADEGenerator
from i2i.generators.unet import UNetGenerator
from i2i.training.checkpointing import checkpoint_stages, stages

NETWORKS = {
    "unet": lambda: UNetGenerator(3, 3, 4, n_downs=5),
    "unet-upsample": lambda: UNetGenerator(3, 3, 4, n_downs=5, upsample="nearest"),
    "unet-spectral": lambda: UNetGenerator(3, 3, 4, n_downs=5, norm="spectral"),
    "resnet-dropout": lambda: ResnetGenerator(3, 3, 4, 2, norm="batch", dropout=0.5),
    "resunet": lambda: ResUNetGenerator(3, 3, 4, n_downs=3),
    "pix2pixhd": lambda: Pix2PixHDGenerator(3, 3, 4, 2, 2),
    "spade": lambda: SPADEGenerator(3, 3, 2, n_upsamplings=3, hidden_channels=4),
}


def step(network: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Everything that one forward and backward leave behind."""
    torch.manual_seed(5)
    y = network(x)
    y.square().mean().backward()
    left = {"y": y.detach()} | {n: p.grad for n, p in network.named_parameters()}
    return left | {f"buffer {n}": b.clone() for n, b in network.named_buffers()}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_leaves_the_same_behind(name: str) -> None:
    torch.manual_seed(0)
    plain = NETWORKS[name]()
    other = copy.deepcopy(plain)
    checkpoint_stages(other)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    one, two = step(plain, x), step(other, x)
    assert one.keys() == two.keys()
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0, atol=0)
    assert plain.state_dict().keys() == other.state_dict().keys()


@pytest.mark.parametrize("name", ["unet", "resnet-dropout"])
def test_less_is_kept_for_the_backward_pass(name: str) -> None:
    def kept(network: nn.Module) -> int:
        """Bytes of distinct storages that the graph holds."""
        held: dict[int, torch.UntypedStorage] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            held[storage.data_ptr()] = storage
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            y = network(torch.rand(1, 3, 64, 64))
        weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
        del y
        return sum(s.nbytes() for at, s in held.items() if at not in weights)

    network = NETWORKS[name]()
    before = kept(network)
    checkpoint_stages(network)
    assert kept(network) < 0.75 * before


def test_nothing_is_computed_twice_without_gradients() -> None:
    network = NETWORKS["resunet"]()
    calls = []
    next(stages(network)).register_forward_hook(lambda *_: calls.append(1))
    checkpoint_stages(network)
    with torch.no_grad():
        network(torch.zeros(1, 3, 64, 64))
    assert calls == [1]


def test_a_network_without_blocks_is_refused() -> None:
    with pytest.raises(SettingError, match="checkpoint_activations=true: found Flat, which has no"):

        class Flat(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layers = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Tanh())

        checkpoint_stages(Flat())
