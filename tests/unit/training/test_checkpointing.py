"""Activation checkpointing keeps gradients, statistics and noise, and saves memory."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from i2i.discriminators.multiscale import MultiscaleDiscriminator
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.discriminators.whole_image import GlobalDiscriminator
from i2i.errors import SettingError
from i2i.generators.pix2pixhd import Pix2PixHDGenerator
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.resunet import ResUNetGenerator
from i2i.generators.spade import SPADEGenerator
from i2i.generators.unet import UNetGenerator
from i2i.losses.feature_matching import FeatureMatching
from i2i.losses.gan import HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.losses.pan import PAN
from i2i.losses.reconstruction import L1
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.checkpointing import checkpointed, parts_of, pieces_of, require_pieces
from i2i.training.schedules import Constant
from i2i.training.speed import Speed
from unit.training.test_adversarial import ADAM, Pairs64, fit

NETWORKS = {
    "unet": lambda: UNetGenerator(3, 3, 4, n_downs=5),
    "unet-upsample": lambda: UNetGenerator(3, 3, 4, n_downs=5, upsample="nearest"),
    "unet-instance": lambda: UNetGenerator(3, 3, 4, n_downs=5, norm="instance", skips=False),
    "unet-spectral": lambda: UNetGenerator(3, 3, 4, n_downs=5, norm="spectral"),
    "resnet-dropout": lambda: ResnetGenerator(3, 3, 4, 2, norm="batch", dropout=0.5),
    "resunet": lambda: ResUNetGenerator(3, 3, 4, n_downs=3),
    "pix2pixhd": lambda: Pix2PixHDGenerator(3, 3, 4, 2, 2),
    "spade": lambda: SPADEGenerator(3, 3, 2, n_upsamplings=3, hidden_channels=4),
}


class Block(nn.Module):
    """Adds a convolution; is called with keywords."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.5))

    def forward(self, x: torch.Tensor, scale: float = 1.0, *, mask: Any = 1.0) -> torch.Tensor:
        return x + scale * mask * self.body(input=x)


class OfBlocks(nn.Module):
    """Calls its blocks by keyword; the mask has a graph of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = nn.Conv2d(3, 3, 1)
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        mask = self.mask(x)
        x = self.blocks[0](x, scale=scale, mask=mask)
        return self.blocks[1](x=x, scale=-1.0)


DISCRIMINATORS = {
    "batch": lambda: PatchDiscriminator(3, 3, 4),
    "instance": lambda: PatchDiscriminator(3, 3, 4, norm="instance"),
    "spectral": lambda: PatchDiscriminator(3, 3, 4, norm="spectral"),
    "multiscale": lambda: MultiscaleDiscriminator(3, 3, 4, n_layers=2, n_scales=2),
    "global": lambda: GlobalDiscriminator(3, 3, 4, norm="layer"),
}


def left_behind(network: nn.Module) -> dict[str, torch.Tensor]:
    """Gradients and buffers."""
    left = {n: p.grad for n, p in network.named_parameters()}
    return left | {f"buffer {n}": b.clone() for n, b in network.named_buffers()}


def assert_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0, atol=0, msg=key)


def both(make: Callable[[], nn.Module]) -> list[tuple[nn.Module, Callable[..., Any]]]:
    """The same network twice, with its forward as it is and with checkpoints."""
    torch.manual_seed(0)
    plain = make()
    other = copy.deepcopy(plain)
    return [(plain, plain), (other, checkpointed(other))]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_leaves_the_same_behind(name: str) -> None:
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    found = []
    for network, forward in both(NETWORKS[name]):
        torch.manual_seed(5)
        y = forward(x)
        y.square().mean().backward()
        found.append(left_behind(network) | {"y": y.detach()})
        assert not any("forward" in vars(module) for module in network.modules())
    assert_equal(*found)


def test_keywords_reach_the_blocks() -> None:
    x = torch.rand(2, 3, 8, 8)
    found = []
    for network, forward in both(OfBlocks):
        torch.manual_seed(5)
        y = forward(x, scale=2.0)
        y.square().mean().backward()
        found.append(left_behind(network) | {"y": y.detach()})
    assert_equal(*found)
    assert found[1]["mask.weight"].abs().min() > 0


def convolution() -> nn.Module:
    return nn.Conv2d(3, 3, 3, padding=1)


IN_PLACE: dict[str, Callable[[], list[nn.Module]]] = {
    "behind a block": lambda: [Block(), nn.LeakyReLU(0.2, True), convolution(), nn.Tanh()],
    "behind nothing": lambda: [nn.LeakyReLU(0.2, True), convolution(), nn.Tanh()],
    "behind no change": lambda: [Block(), nn.Identity(), nn.ELU(1.0, True), convolution()],
    "noise": lambda: [Block(), nn.Dropout(0.5, True), convolution(), nn.BatchNorm2d(3)],
    "twice": lambda: [convolution(), nn.Softplus(), *[nn.Dropout(0.5, True)] * 2, Block()],
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_piece_may_begin_in_place(name: str) -> None:
    x = torch.rand(2, 3, 8, 8) - 0.5
    found = []
    for network, forward in both(
        lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(*IN_PLACE[name]()))
    ):
        torch.manual_seed(5)
        y = forward(x)
        y.square().mean().backward()
        found.append(left_behind(network) | {"y": y.detach()})
    assert_equal(*found)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_two_passes_before_one_backward_leave_the_same_behind(name: str) -> None:
    """As in D's update; spectral norm takes a step of its power iteration in each."""
    x, real, fake = (torch.rand(2, 3, 64, 64) * 2 - 1 for _ in range(3))
    fake.requires_grad_(True)
    found = []
    for network, forward in both(DISCRIMINATORS[name]):
        fake.grad = None
        one, two = forward(x, real), forward(x, fake)
        maps = zip(one.features, two.features, strict=True)
        loss = sum((a - b).abs().mean() for scale in maps for a, b in zip(*scale, strict=True))
        logits = zip(one.logits, two.logits, strict=True)
        loss = loss + sum(a.square().mean() - b.mean() for a, b in logits)
        loss.backward()
        found.append(left_behind(network) | {"fake": fake.grad.clone()})
    assert_equal(*found)
    assert found[0]["fake"].abs().max() > 0


OBJECTIVES: dict[str, dict[str, Any]] = {
    "vanilla": {"gan_loss": VanillaGAN()},
    "vanilla-spectral": {"gan_loss": VanillaGAN(), "norm": "spectral"},
    "lsgan": {"gan_loss": LeastSquaresGAN(), "accumulate": 2},
    "hinge": {"gan_loss": HingeGAN(), "norm": "spectral"},
    "wgan-gp": {"gan_loss": WassersteinGP(), "norm": "layer", "n_critic": 2},
    "r1": {"gan_loss": VanillaGAN(r1=10.0), "norm": "instance"},
    "features": {
        "gan_loss": VanillaGAN(),
        "reconstruction": {"pan": PAN(), "feature_matching": FeatureMatching()},
    },
    "none": {"gan_loss": NoGAN(), "reconstruction": {"l1": L1()}},
}


@pytest.mark.parametrize(
    ("name", "precision"),
    [*[(name, "32-true") for name in OBJECTIVES], *[(n, "bf16-mixed") for n in ("hinge", "lsgan")]],
)
def test_two_updates_are_bit_equal(name: str, precision: str) -> None:
    """Of both players, with Adam, from the same weights and noise."""
    options = {"norm": "batch"} | OBJECTIVES[name]
    norm = options.pop("norm")
    found = []
    for checkpoints in (False, True):
        torch.manual_seed(0)
        model = Pix2Pix(
            UNetGenerator(3, 3, 4, n_downs=5), PatchDiscriminator(3, 3, 4, norm=norm),
            optimizer_g=ADAM, optimizer_d=ADAM, scheduler=Constant, **options,
            speed=Speed(channels_last=False, checkpoint_activations=checkpoints),
        )  # fmt: skip
        before = {n: p.detach().clone() for n, p in model.named_parameters() if "weight" in n}
        data = Pairs64()
        data.batch_size = 2
        fit(model, data, max_steps=2, precision=precision)
        found.append(dict(model.state_dict()))
        moved = [n for n, v in before.items() if not torch.equal(v, found[-1][n])]
        players = {"generator"} | ({"discriminator"} if name != "none" else set())
        assert moved == [n for n in before if n.split(".")[0] in players]
    assert_equal(*found)


def kept(forward: Callable[..., Any], network: nn.Module, *inputs: torch.Tensor) -> int:
    """Bytes of the distinct storages that the graph holds, weights and inputs left out."""
    held: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = forward(*inputs)
    other = {t.untyped_storage().data_ptr() for t in (*network.parameters(), *inputs)}
    del y
    return sum(s.nbytes() for at, s in held.items() if at not in other)


def maps(*sizes: tuple[int, int]) -> int:
    """Bytes of float32 maps of one image, given as channels and pixels a side."""
    return sum(4 * channels * side * side for channels, side in sizes)


def test_the_unet_keeps_what_passes_between_its_layers() -> None:
    """At 64 pixels: the encoder's maps, and the decoder's; without checkpoints several copies."""
    network = UNetGenerator(3, 3, 4, n_downs=5)
    x = torch.rand(2, 3, 64, 64)
    encoder = [(4, 32), (8, 16), (16, 8), (32, 4), (32, 2)]
    decoder = [(32, 4), (16, 8), (8, 16), (4, 32)]
    floor = 2 * maps(*encoder, *decoder)
    before, after = kept(network, network, x), kept(checkpointed(network), network, x)
    assert after == pytest.approx(floor, rel=0.05)
    assert before > 2.2 * floor


def test_a_discriminator_keeps_its_features() -> None:
    network = PatchDiscriminator(3, 3, 4)
    x = torch.rand(2, 3, 64, 64)
    floor = 2 * maps((6, 64), (4, 32), (8, 16), (16, 8), (32, 7))
    before, after = kept(network, network, x, x), kept(checkpointed(network), network, x, x)
    assert after == pytest.approx(floor, rel=0.05)
    # Both the convolution's result and the LeakyReLU's where a norm stands between them.
    twice = floor + 2 * maps((8, 16), (16, 8), (32, 7))
    assert before == pytest.approx(twice, rel=0.05)


def test_no_convolution_of_the_resnet_keeps_more_than_its_input() -> None:
    network = ResnetGenerator(3, 3, 4, 2, norm="batch")
    pieces = pieces_of(network.layers)
    assert [len(piece) for piece in pieces] == [4, 3, 3, 1, 1, 3, 3, 3]
    x = torch.rand(2, 3, 64, 64)
    assert kept(checkpointed(network), network, x) < 0.4 * kept(network, network, x)


def test_nothing_is_computed_twice_without_gradients() -> None:
    network = NETWORKS["resunet"]()
    calls = []
    next(parts_of(network)).body.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        checkpointed(network)(torch.zeros(1, 3, 64, 64))
    assert calls == [1]


def test_a_call_of_the_network_itself_keeps_everything() -> None:
    """That of a gradient penalty: what a second backward pass needs is not computed again."""
    network = PatchDiscriminator(3, 3, 4, norm="layer")
    calls = []
    network.stages[1].register_forward_hook(lambda *_: calls.append("whole"))
    network.stages[1][0].register_forward_hook(lambda *_: calls.append("convolution"))
    forward = checkpointed(network)
    x = torch.rand(1, 3, 64, 64)
    for call in (forward, network):
        calls.clear()
        call(x, x).logits[0].mean().backward()
        expected = ["convolution", "whole"] + (["convolution"] if call is forward else [])
        assert calls == expected


def test_a_network_without_blocks_is_refused() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 3, 3), nn.Tanh()

    with pytest.raises(SettingError, match="checkpoint_activations=true: found Flat, which has no"):
        require_pieces(Flat())
