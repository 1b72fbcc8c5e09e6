"""The VGG loss against VGG-19 written out by hand, on random weights."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from backbone_stand_in import random_backbone_file
from i2i.errors import SettingError
from i2i.losses.perceptual import Perceptual

PUBLISHED = {f"relu{i + 1}_1": w for i, w in enumerate([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0])}


@pytest.fixture(scope="module")
def vgg19_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(random_backbone_file(tmp_path_factory.mktemp("weights") / "vgg19.pth", "vgg19"))


@pytest.fixture(scope="module")
def loss(vgg19_file: str) -> Perceptual:
    term = Perceptual(10.0, weights_file=vgg19_file)
    term.prepare("cpu")
    return term


def images(channels: int = 3, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, channels, size, size, generator=draw) * 2 - 1 for _ in range(2))


def first_relus(x: torch.Tensor, file: str) -> list[torch.Tensor]:
    """The first map of each of the five blocks of 2, 2, 4, 4 and 4 convolutions."""
    state = {k: v.double() for k, v in torch.load(Path(file), weights_only=True).items()}
    maps, i = [], 0
    for convolutions in (2, 2, 4, 4, 4):
        for n in range(convolutions):
            weight, bias = state[f"features.{i}.weight"], state[f"features.{i}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, padding=1))
            if n == 0:
                maps.append(x)
            i += 2  # the convolution and its ReLU
        x = F.max_pool2d(x, 2)
        i += 1
    return maps


def by_hand(y_hat: torch.Tensor, y: torch.Tensor, file: str, weights: dict[str, float]) -> float:
    """In float64.

    float32 rounds each of 13 layers by about 4e-6: it sums up to 4,608 products, and
    sqrt(4608) * 2^-24 is 4e-6. That makes 5e-5 in all; 1e-4 is allowed below.
    """
    total = 0.0
    pairs = zip(first_relus(y_hat.double(), file), first_relus(y.double(), file), strict=True)
    for i, (a, b) in enumerate(pairs):
        total += weights.get(f"relu{i + 1}_1", 0.0) * (a - b).abs().mean().item()
    return total


def normalised(x: torch.Tensor) -> torch.Tensor:
    x, mean, std = (
        x.double(),
        torch.tensor([0.485, 0.456, 0.406]),
        torch.tensor([0.229, 0.224, 0.225]),
    )
    return ((x + 1) / 2 - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def test_it_is_pix2pixhds_sum(loss, vgg19_file) -> None:
    y_hat, y = images()
    expected = by_hand(normalised(y_hat), normalised(y), vgg19_file, PUBLISHED)
    assert expected > 0.1
    assert loss(y_hat, y).item() == pytest.approx(expected, rel=1e-4)
    assert loss(y, y).item() == 0.0


def test_layers_their_weights_and_the_input_are_options(vgg19_file) -> None:
    y_hat, y = images()
    weights = {"relu3_1": 2.0, "relu2_1": 0.5, "relu5_1": 0.0}
    term = Perceptual(layers=weights, weights_file=vgg19_file, imagenet_normalised=False)
    term.prepare("cpu")
    assert term(y_hat, y).item() == pytest.approx(by_hand(y_hat, y, vgg19_file, weights), rel=1e-4)
    assert len(term.maps.network) == 12  # nothing after relu3_1 is computed


def test_gradients_go_to_the_made_image_alone(loss) -> None:
    y_hat, y = (v.requires_grad_(True) for v in images())
    loss(y_hat, y).backward()
    assert torch.isfinite(y_hat.grad).all() and (y_hat.grad != 0).float().mean() > 0.9
    assert y.grad is None
    parameters = list(loss.maps.network.parameters())
    assert len(parameters) == 26 and all(p.grad is None for p in parameters)


def test_a_second_prepare_keeps_the_network(loss) -> None:
    network = loss.maps.network
    loss.prepare("cpu")
    assert loss.maps.network is network


def test_it_says_when_it_was_not_prepared() -> None:
    with pytest.raises(RuntimeError, match="prepare"):
        Perceptual()(*images())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"network": "alexnet"}, r"perceptual\.network: found 'alexnet'; expected one of vgg19"),
        ({"layers": {}}, r"perceptual\.layers: found \{\}; expected at least one layer"),
        ({"layers": {"relu1_1": 0}}, r"layers: found \{'relu1_1': 0\}; expected at least one"),
        ({"layers": {"relu1_1": -1}}, r"layers\.relu1_1=-1: found a negative number"),
        ({"weight": -1}, r"perceptual\.weight=-1: found a negative number"),
    ],
)
def test_wrong_options_are_named(options: dict, named: str) -> None:
    with pytest.raises(SettingError, match=named):
        Perceptual(**options)
