"""The objectives against their formulas, written out by hand."""

import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from i2i.errors import SettingError
from i2i.losses.gan import GANLoss, HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP

OBJECTIVES = [VanillaGAN, LeastSquaresGAN, HingeGAN, WassersteinGP]

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


def test_hinge() -> None:
    """Real logits 2 and -1: max(0, 1 - r) is 0 and 2. Made ones 0.5 and -3: 1.5 and 0."""
    terms = HingeGAN().discriminator(REAL, FAKE)
    assert terms["real"].item() == pytest.approx((0 + 2) / 2)
    assert terms["fake"].item() == pytest.approx((1.5 + 0) / 2)
    assert HingeGAN().generator(FAKE).item() == pytest.approx(1.25)


def test_no_gan_has_no_terms() -> None:
    loss = NoGAN()
    assert not loss.adversarial
    assert loss.discriminator(REAL, FAKE) == {}
    assert loss.penalty(lambda y: [y], REAL[0], FAKE[0]) == {}
    assert loss.generator(FAKE).item() == 0
    assert all(objective().adversarial for objective in OBJECTIVES)


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
    for objective in OBJECTIVES:
        assert objective().generator(half).dtype == torch.float32
        terms = objective().discriminator(half, half)
        assert {t.dtype for t in terms.values()} == {torch.float32}


def linear(w: torch.Tensor) -> Any:
    """D(y) = <w_b, y_b>: the gradient of sample b's score is w_b everywhere."""
    return lambda y: [(y * w).sum((1, 2, 3)).view(-1, 1, 1, 1)]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_r1_of_a_linear_critic(objective: type[GANLoss]) -> None:
    """r1 / 2 * |w|^2, the mean over samples of different gradients (Mescheder et al., Eq. 9)."""
    torch.manual_seed(0)
    w = torch.randn(4, 3, 8, 8)
    real, fake = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8)
    terms = objective(r1=10.0).penalty(linear(w), real, fake)
    expected = 10 / 2 * sum(w[b].square().sum().item() for b in range(4)) / 4
    assert terms["r1"].item() == pytest.approx(expected, rel=1e-5)
    assert set(terms) == ({"r1", "penalty"} if objective is WassersteinGP else {"r1"})


def test_both_penalties_of_wasserstein_apply() -> None:
    w = torch.full((3, 2, 2), 0.5)  # |w|^2 = 3
    real, fake = torch.randn(2, 3, 2, 2), torch.randn(2, 3, 2, 2)
    terms = WassersteinGP(10.0, r1=4.0).penalty(linear(w), real, fake)
    assert terms["penalty"].item() == pytest.approx(10 * (math.sqrt(3) - 1) ** 2, rel=1e-5)
    assert terms["r1"].item() == pytest.approx(4 / 2 * 3, rel=1e-5)


def test_r1_is_taken_at_the_real_images() -> None:
    """D(y) = |y|^2 / 2 has gradient y: |y|^2 of the real ones, whatever the made ones are."""
    real, fake = torch.full((2, 1, 2, 2), 3.0), torch.full((2, 1, 2, 2), 100.0)
    r1 = VanillaGAN(r1=2.0).penalty(
        lambda y: [(y.square() / 2).sum((1, 2, 3)).view(-1, 1, 1, 1)], real, fake
    )["r1"]
    assert r1.item() == pytest.approx(2 / 2 * 4 * 9)


def test_r1_scores_a_sample_by_its_mean_over_patches_and_scales() -> None:
    """Scales of 4 patches with gradient w each and of 1 patch with 3 w: the score's is 2 w."""
    w = torch.full((3, 4, 4), 0.25)  # |w|^2 = 3

    def critic(y: torch.Tensor) -> list[torch.Tensor]:
        score = (y * w).sum((1, 2, 3)).view(-1, 1, 1, 1)
        return [score.expand(-1, 1, 2, 2), 3 * score]

    y = torch.randn(2, 3, 4, 4)
    r1 = VanillaGAN(r1=1.0).penalty(critic, y, y)["r1"]
    assert r1.item() == pytest.approx(1 / 2 * 4 * 3, rel=1e-5)


def test_r1_trains_the_critic() -> None:
    """The derivative of r1 / 2 * |w|^2 with respect to w is r1 * w."""
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    y = torch.zeros(1, 2, 1, 1)
    critic = lambda v: [(v.flatten(1) @ w).view(-1, 1, 1, 1)]  # noqa: E731
    HingeGAN(r1=5.0).penalty(critic, y, y)["r1"].backward()
    assert torch.allclose(w.grad, 5 * w.detach())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_r1_is_float32_under_autocast(objective: type[GANLoss]) -> None:
    seen = []
    conv = torch.nn.Conv2d(3, 1, 3)

    def critic(y: torch.Tensor) -> list[torch.Tensor]:
        out = conv(y)
        seen.append(out.dtype)
        return [out]

    y = torch.randn(1, 3, 8, 8, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = objective(r1=1.0).penalty(critic, y, y)
    assert set(seen) == {torch.float32}
    assert {t.dtype for t in terms.values()} == {torch.float32}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_penalty_wants_separate_samples(objective: type[GANLoss]) -> None:
    assert objective(r1=0.1).samples_must_be_independent
    assert objective().samples_must_be_independent is (objective is WassersteinGP)
    assert not VanillaGAN.samples_must_be_independent  # one loss with R1 changes no other


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_no_penalty_is_computed_where_r1_is_0(objective: type[GANLoss]) -> None:
    calls = []

    def critic(y: torch.Tensor) -> list[torch.Tensor]:
        calls.append(1)
        return [y]

    y = torch.randn(1, 1, 2, 2)
    assert set(objective().penalty(critic, y, y)) <= {"penalty"}
    assert len(calls) == (1 if objective is WassersteinGP else 0)


@pytest.mark.parametrize("objective", [*OBJECTIVES, NoGAN])
@pytest.mark.parametrize("r1", [-1.0, math.nan, math.inf])
def test_r1_that_is_no_weight_is_refused(objective: type[GANLoss], r1: float) -> None:
    with pytest.raises(SettingError, match=rf"gan_loss\.r1={r1}.*0 or more"):
        objective(r1=r1)


def test_r1_without_a_game_is_refused() -> None:
    with pytest.raises(SettingError, match=r"gan_loss\.r1=10\.0.*gan_loss=none.*expected 0\."):
        NoGAN(r1=10.0)


@pytest.mark.parametrize("weight", [-5.0, float("nan")])
def test_a_gradient_penalty_of_no_weight_is_refused(weight: float) -> None:
    with pytest.raises(SettingError, match=rf"gan_loss\.weight={weight}.*0 or more"):
        WassersteinGP(weight)
