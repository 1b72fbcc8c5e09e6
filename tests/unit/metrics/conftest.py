"""Photographs made of noise and gradients, and files of random Inception weights."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import Tensor

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def stand_in():
    """The module that makes random Inception weights."""
    spec = importlib.util.spec_from_file_location(
        "inception_stand_in", TESTS / "inception_stand_in.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def inception_file(stand_in, tmp_path_factory) -> Path:
    return stand_in.random_weights_file(tmp_path_factory.mktemp("weights") / "inception.pth", 0)


@pytest.fixture(scope="session")
def deciding_inception_file(inception_file, photographs, tmp_path_factory) -> Path:
    """The same weights but for the last layer, which now tells images apart.

    Random class scores hardly depend on the image: they are nearly those of the mean feature. That
    part is taken out of the layer, and the rest raised.
    """
    from i2i.images.quantise import to_uint8
    from i2i.metrics.inception import load_inception

    state = torch.load(inception_file, weights_only=True)
    features = load_inception(inception_file, "cpu")(to_uint8(photographs(6, 40, 56, seed=9)))[0]
    mean = features.mean(0)
    weight = state["fc.weight"]
    weight = weight - (weight @ mean)[:, None] * mean / mean.square().sum()
    spread = (features @ weight.T).std()
    state["fc.weight"] = weight * 2 / spread
    path = tmp_path_factory.mktemp("weights") / "deciding.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def photographs():
    """Makes (n, channels, height, width) float images in [-1, 1], smooth with a little grain."""

    def make(n: int, height: int = 64, width: int = 64, channels: int = 3, seed: int = 0) -> Tensor:
        draw = torch.Generator().manual_seed(seed)
        coarse = torch.rand(n, channels, 5, 5, generator=draw) * 2 - 1
        smooth = torch.nn.functional.interpolate(
            coarse, (height, width), mode="bicubic", align_corners=True
        )
        grain = 0.1 * torch.randn(n, channels, height, width, generator=draw)
        return (smooth + grain).clamp(-1, 1)

    return make
