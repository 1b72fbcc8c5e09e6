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
from i2i.training.checkpointing import checkpoint_blocks
from i2i.training.schedules import Constant
from i2i.training.speed import Speed
from unit.training.test_adversarial import ADAM, Pairs64, fit

NETWORKS = {
    "unet": lambda: UNetGenerator(3, 3, 4, n_downs=5),
    "unet-instance": lambda: UNetGenerator(3, 3, 4, 5, "instance", skips=False, upsample="nearest"),
    "unet-spectral": lambda: UNetGenerator(3, 3, 4, n_downs=5, norm="spectral"),
    "resnet-dropout": lambda: ResnetGenerator(3, 3, 4, 2, norm="batch", dropout=0.5),
    "resunet": lambda: ResUNetGenerator(3, 3, 4, n_downs=3),
    "pix2pixhd": lambda: Pix2PixHDGenerator(3, 3, 4, 2, 2),
    "spade": lambda: SPADEGenerator(3, 3, 2, n_upsamplings=3, hidden_channels=4),
}


DISCRIMINATORS = {
    "batch": lambda: PatchDiscriminator(3, 3, 4),
    "instance": lambda: PatchDiscriminator(3, 3, 4, norm="instance"),
    "spectral": lambda: PatchDiscriminator(3, 3, 4, norm="spectral"),
    "multiscale": lambda: MultiscaleDiscriminator(3, 3, 4, n_layers=2, n_scales=2),
    "global": lambda: GlobalDiscriminator(3, 3, 4, norm="layer"),
}


def left_behind(network: nn.Module) -> dict[str, torch.Tensor]:
    """Gradients, weights and buffers."""
    left = {
        n.replace("_checkpoint_wrapped_module.", ""): p.grad for n, p in network.named_parameters()
    }
    return left | {f"state {n}": v.clone() for n, v in network.state_dict().items()}


def assert_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0, atol=0, msg=key)


def both(make: Callable[[], nn.Module]) -> list[nn.Module]:
    """The same network twice: as it is, and with checkpoints."""
    torch.manual_seed(0)
    plain = make()
    other = copy.deepcopy(plain)
    checkpoint_blocks(other)
    return [plain, other]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_leaves_the_same_behind(name: str) -> None:
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    found = []
    for network in both(NETWORKS[name]):
        torch.manual_seed(5)
        y = network(x)
        y.square().mean().backward()
        found.append(left_behind(network) | {"y": y.detach()})
    assert_equal(*found)


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_two_passes_before_one_backward_leave_the_same_behind(name: str) -> None:
    """As in D's update; spectral norm takes a step of its power iteration in each."""
    x, real, fake = (torch.rand(2, 3, 64, 64) * 2 - 1 for _ in range(3))
    fake.requires_grad_(True)
    found = []
    for network in both(DISCRIMINATORS[name]):
        fake.grad = None
        one, two = network(x, real), network(x, fake)
        maps = zip(one.features, two.features, strict=True)
        loss = sum((a - b).abs().mean() for scale in maps for a, b in zip(*scale, strict=True))
        logits = zip(one.logits, two.logits, strict=True)
        loss = loss + sum(a.square().mean() - b.mean() for a, b in logits)
        loss.backward()
        found.append(left_behind(network) | {"fake": fake.grad.clone()})
    assert_equal(*found)
    assert found[0]["fake"].abs().max() > 0


OBJECTIVES: dict[str, dict[str, Any]] = {
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
    [*[(name, "32-true") for name in OBJECTIVES], ("lsgan", "bf16-mixed")],
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


def kept(network: nn.Module, *inputs: torch.Tensor) -> int:
    """Bytes of the distinct storages that the graph holds, weights and inputs left out."""
    held: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = network(*inputs)
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
    before = kept(network, x)
    checkpoint_blocks(network)
    after = kept(network, x)
    assert after == pytest.approx(floor, rel=0.05)
    assert before > 2.2 * floor


def test_a_discriminator_keeps_its_features() -> None:
    network = PatchDiscriminator(3, 3, 4)
    x = torch.rand(2, 3, 64, 64)
    floor = 2 * maps((6, 64), (4, 32), (8, 16), (16, 8), (32, 7))
    before = kept(network, x, x)
    checkpoint_blocks(network)
    after = kept(network, x, x)
    assert after == pytest.approx(floor, rel=0.05)
    # Both the convolution's result and the LeakyReLU's where a norm stands between them.
    twice = floor + 2 * maps((8, 16), (16, 8), (32, 7))
    assert before == pytest.approx(twice, rel=0.05)


def test_nothing_is_computed_twice_without_gradients() -> None:
    network, calls = NETWORKS["resunet"](), []
    network.downs[0].body.register_forward_pre_hook(lambda *_: calls.append(1))
    checkpoint_blocks(network)
    with torch.no_grad():
        network(torch.zeros(1, 3, 64, 64))
    assert calls == [1]
    network(torch.zeros(1, 3, 64, 64)).mean().backward()
    assert calls == [1, 1, 1]


def test_wrapping_twice_wraps_once_and_keeps_the_names() -> None:
    network = NETWORKS["unet-spectral"]()
    weights = copy.deepcopy(network.state_dict())
    checkpoint_blocks(network)
    checkpoint_blocks(network)
    assert_equal(dict(network.state_dict()), dict(weights))
    network.load_state_dict(weights)
    assert sum(type(module).__name__ == "CheckpointWrapper" for module in network.modules()) == 10


def test_a_network_without_blocks_is_refused() -> None:
    with pytest.raises(
        SettingError, match="checkpoint_activations=true: found Conv2d, which names"
    ):
        checkpoint_blocks(nn.Conv2d(3, 3, 3))
