"""The generator at test time: noise, padding, and no dependence on company."""

import pytest
import torch
from torch import nn

from i2i.generators.unet import UNetGenerator
from i2i.inference.translate import (
    pad_to_multiple,
    paper_mode,
    seeded_noise,
    stable_seed,
    translate,
)


@pytest.fixture
def unet() -> UNetGenerator:
    torch.manual_seed(0)
    return UNetGenerator(3, 3, 4, n_downs=6).train()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_paper_mode_result_does_not_depend_on_the_batch(unet, images) -> None:
    names = ["a", "b", "c"]
    together = translate(unet, images, names, "paper", 0)
    alone = torch.cat(
        [translate(unet, images[i : i + 1], [names[i]], "paper", 0) for i in range(3)]
    )
    assert torch.equal(together, alone)


def test_noise_depends_on_name_and_seed_only(unet, images) -> None:
    one = translate(unet, images[:1], ["a"], "paper", 0)
    torch.rand(7)  # somebody else's random numbers
    assert torch.equal(one, translate(unet, images[:1], ["a"], "paper", 0))
    assert not torch.equal(one, translate(unet, images[:1], ["b"], "paper", 0))
    assert not torch.equal(one, translate(unet, images[:1], ["a"], "paper", 1))


def test_eval_mode_has_no_noise(unet, images) -> None:
    a, b = (translate(unet, images, list(names), "eval", 0) for names in ("abc", "xyz"))
    assert torch.equal(a, b)


@pytest.mark.usefixtures("float64")
def test_paper_mode_uses_the_statistics_of_the_batch() -> None:
    norm = nn.BatchNorm2d(2)
    x = torch.randn(4, 2, 8, 8) * 5 + 3
    with paper_mode(norm):
        y = norm(x)
    assert torch.allclose(y.mean((0, 2, 3)), torch.zeros(2), rtol=0, atol=1e-12)
    assert torch.allclose(y.var((0, 2, 3), unbiased=False), torch.ones(2), rtol=0, atol=1e-5)  # eps
    assert torch.equal(norm.running_mean, torch.zeros(2))
    assert norm.num_batches_tracked == 0


@pytest.mark.parametrize("size", [(64, 64), (70, 100), (33, 190)])
def test_any_size_comes_back_as_it_went_in(unet, size) -> None:
    y = translate(unet, torch.zeros(1, 3, *size), ["a"], "paper", 0)
    assert y.shape == (1, 3, *size)


def test_padding_repeats_the_border() -> None:
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    padded = pad_to_multiple(x, 4)
    assert padded.shape == (1, 1, 4, 4)
    assert torch.equal(padded[0, 0, :, 3], torch.tensor([2.0, 5.0, 5.0, 5.0]))
    assert pad_to_multiple(padded, 4) is padded


def test_seeds_are_the_same_on_every_machine() -> None:
    assert stable_seed(0, "a") == 1481238324449861677
    assert len({stable_seed(s, n) for s in range(20) for n in range(20)}) == 400
    assert 0 <= stable_seed(1, "x") < 2**63


def test_noise_on_apples_gpu_is_seeded_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a generator of the CPU in the place of the one that is not here."""
    apples = torch.Generator().manual_seed(5)
    monkeypatch.setattr("torch.mps.manual_seed", apples.manual_seed)
    monkeypatch.setattr("torch.mps.get_rng_state", apples.get_state)
    monkeypatch.setattr("torch.mps.set_rng_state", apples.set_state)
    before, cpu = apples.get_state(), torch.get_rng_state()
    with seeded_noise(7, torch.device("mps")):
        assert apples.initial_seed() == torch.initial_seed() == 7
        torch.rand(3, generator=apples)
    assert torch.equal(apples.get_state(), before) and torch.equal(torch.get_rng_state(), cpu)
