"""The objectives against their formulas, written out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from i2i.losses.gan import LeastSquaresGAN, VanillaGAN, WassersteinGP

REAL, FAKE = [torch.tensor([[[[2.0, -1.0]]]])], [torch.tensor([[[[0.5, -3.0]]]])]


def log_sigmoid(x: float) -> float:
    return -math.log(1 + math.exp(-x))


def test_vanilla_is_cross_entropy() -> None:
    terms = VanillaGAN().discriminator(REAL, FAKE)
    assert terms["real"].item() == pytest.approx(-(log_sigmoid(2) + log_sigmoid(-1)) / 2)
    assert terms["fake"].item() == pytest.approx(-(log_sigmoid(-0.5) + log_sigmoid(3)) / 2)
    ones = torch.ones_like(FAKE[0])
    expected = F.binary_cross_entropy_with_logits(FAKE[0], ones).item()
    assert VanillaGAN().generator(FAKE).item() == pytest.approx(expected)


def test_least_squares() -> None:
    terms = LeastSquaresGAN().discriminator(REAL, FAKE)
    assert terms["real"].item() == pytest.approx((1 + 4) / 2)
    assert terms["fake"].item() == pytest.approx((0.25 + 9) / 2)
    assert LeastSquaresGAN().generator(FAKE).item() == pytest.approx((0.25 + 16) / 2)


def test_wasserstein() -> None:
    terms = WassersteinGP().discriminator(REAL, FAKE)
    assert terms["real"].item() == pytest.approx(-0.5)
    assert terms["fake"].item() == pytest.approx(-1.25)
    assert WassersteinGP().generator(FAKE).item() == pytest.approx(1.25)


def test_scales_count_alike_whatever_their_size() -> None:
    logits = [torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 2, 2)]
    assert WassersteinGP().generator(logits).item() == pytest.approx(-0.5)


def test_penalty_of_a_linear_critic() -> None:
    """Its gradient is w everywhere: the penalty is weight * (|w| - 1)^2."""
    torch.manual_seed(0)
    w = torch.randn(3, 8, 8)
    real, fake = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8)
    penalty = WassersteinGP(10.0).penalty(
        lambda y: [(y * w).sum((1, 2, 3)).view(-1, 1, 1, 1)], real, fake
    )["penalty"]
    assert penalty.item() == pytest.approx(10 * (w.norm().item() - 1) ** 2, rel=1e-5)


def test_penalty_is_one_norm_a_sample() -> None:
    """Critic a_b * sum(y) has gradient norm |a_b| * sqrt(n); not the norm over the batch."""
    a = torch.tensor([0.5, 2.0])
    n = 3 * 4 * 4
    real, fake = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    penalty = WassersteinGP(1.0).penalty(
        lambda y: [(a * y.sum((1, 2, 3))).view(-1, 1, 1, 1)], real, fake
    )["penalty"]
    expected = sum((v * math.sqrt(n) - 1) ** 2 for v in (0.5, 2.0)) / 2
    assert penalty.item() == pytest.approx(expected, rel=1e-5)


def test_penalty_of_patches_is_that_of_their_mean() -> None:
    """Four equal patches score as one: not four times the gradient."""
    w = torch.full((3, 4, 4), 0.25)
    real, fake = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)

    def critic(y: torch.Tensor) -> list[torch.Tensor]:
        return [(y * w).sum((1, 2, 3)).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)]

    penalty = WassersteinGP(1.0).penalty(critic, real, fake)["penalty"]
    assert penalty.item() == pytest.approx((w.norm().item() - 1) ** 2, rel=1e-5)


def test_penalty_trains_the_critic() -> None:
    """The gradient of the penalty with respect to w, against the derivative by hand."""
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    y = torch.zeros(1, 2, 1, 1)
    WassersteinGP(1.0).penalty(lambda v: [(v.flatten(1) @ w).view(-1, 1, 1, 1)], y, y)[
        "penalty"
    ].backward()
    assert torch.allclose(w.grad, 2 * (5 - 1) * w.detach() / 5)  # d (|w|-1)^2 = 2 (|w|-1) w/|w|


def test_penalty_is_float32_under_autocast() -> None:
    seen = []
    conv = torch.nn.Conv2d(3, 1, 3)

    def critic(y: torch.Tensor) -> list[torch.Tensor]:
        out = conv(y)
        seen.append(out.dtype)
        return [out]

    y = torch.randn(1, 3, 8, 8, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        WassersteinGP().penalty(critic, y, y)
    assert seen == [torch.float32]


def test_losses_are_float32_on_half_logits() -> None:
    half = [REAL[0].bfloat16()]
    for loss in (VanillaGAN(), LeastSquaresGAN(), WassersteinGP()):
        assert loss.generator(half).dtype == torch.float32
