"""The terms without a network, against numpy, scikit-image, torchmetrics and the metrics here."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from i2i.errors import SettingError
from i2i.losses.reconstruction import L1, L2, SSIM, Charbonnier, FeatureLoss, ReconstructionLoss
from i2i.metrics import quality

TERMS = [L1, L2, Charbonnier, SSIM]


def images(
    channels: int = 3, size: tuple[int, int] = (20, 27)
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two similar pictures in [-1, 1], with flat parts and noise, at 8-bit levels."""
    draw = torch.Generator().manual_seed(0)
    y = torch.rand((2, channels, *size), generator=draw) * 2 - 1
    y[:, :, : size[0] // 2] = -0.9
    y_hat = (y + 0.2 * torch.randn(y.shape, generator=draw)).clamp(-1, 1)
    return tuple((((v + 1) * 127.5).round() / 127.5 - 1) for v in (y_hat, y))


def test_differences_against_numpy() -> None:
    y_hat, y = images()
    d = y_hat.double().numpy() - y.double().numpy()
    assert L1()(y_hat, y).item() == pytest.approx(np.abs(d).mean(), rel=1e-6)
    assert L2()(y_hat, y).item() == pytest.approx((d**2).mean(), rel=1e-6)
    for epsilon in (1e-3, 0.5):
        expected = np.sqrt(d**2 + epsilon**2).mean()
        assert Charbonnier(epsilon=epsilon)(y_hat, y).item() == pytest.approx(expected, rel=1e-6)
    assert Charbonnier().epsilon == 1e-3


def test_charbonnier_has_a_gradient_at_zero_difference() -> None:
    y_hat = torch.zeros(1, 1, 2, 2, requires_grad=True)
    loss = Charbonnier()(y_hat, torch.zeros(1, 1, 2, 2))
    loss.backward()
    assert loss.item() == pytest.approx(1e-3)
    assert torch.equal(y_hat.grad, torch.zeros(1, 1, 2, 2))


def skimage_ssim(y_hat: torch.Tensor, y: torch.Tensor) -> float:
    a, b = ((v.double().numpy() + 1) / 2 for v in (y_hat, y))
    values = [
        structural_similarity(
            one, two, channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )
        for one, two in zip(a, b, strict=True)
    ]  # fmt: skip
    return float(np.mean(values))


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_scikit_image_torchmetrics_and_the_metric(channels: int) -> None:
    y_hat, y = images(channels)
    loss = SSIM()(y_hat, y).item()
    assert 0.05 < loss < 0.95
    assert loss == pytest.approx(1 - skimage_ssim(y_hat, y), abs=2e-6)
    scaled = [(v + 1) / 2 for v in (y_hat, y)]
    _, theirs = structural_similarity_index_measure(*scaled, data_range=1.0, return_full_image=True)
    whole_windows = theirs[..., 5:-5, 5:-5]  # its mean counts windows over a mirrored border too
    assert loss == pytest.approx(1 - whole_windows.mean().item(), abs=2e-5)
    levels = [((v + 1) * 127.5).round().to(torch.uint8) for v in (y_hat, y)]
    assert loss == pytest.approx(1 - quality.ssim(*levels).mean().item(), abs=2e-6)


def test_ssim_of_flat_dark_images_keeps_its_digits() -> None:
    """Var = E[x^2] - E[x]^2 is pure rounding there."""
    y_hat, y = torch.full((1, 3, 16, 16), -0.98), torch.full((1, 3, 16, 16), -0.99)
    assert SSIM()(y_hat, y).item() == pytest.approx(1 - skimage_ssim(y_hat, y), abs=1e-4)
    assert SSIM()(y, y).item() == pytest.approx(0, abs=1e-6)


def test_ssim_leads_to_the_target() -> None:
    y_hat, y = images()
    y_hat = y_hat.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([y_hat], lr=0.02)
    before = SSIM()(y_hat, y).item()
    for _ in range(20):
        optimizer.zero_grad()
        SSIM()(y_hat, y).backward()
        optimizer.step()
    assert SSIM()(y_hat, y).item() < 0.5 * before


def test_ssim_refuses_images_below_its_window() -> None:
    SSIM()(*images(3, (11, 11)))
    with pytest.raises(SettingError, match=r"reconstruction\.ssim: found images of 10 x 32 pixels"):
        SSIM()(*images(3, (10, 32)))


@pytest.mark.parametrize("term", TERMS)
def test_gradients_go_to_the_made_image_alone(term: type[ReconstructionLoss]) -> None:
    y_hat, y = (v.clone().requires_grad_(True) for v in images())
    term()(y_hat, y).backward()
    assert torch.isfinite(y_hat.grad).all() and y_hat.grad.abs().sum() > 0
    assert y.grad is None


@pytest.mark.parametrize("term", TERMS)
def test_float32_under_autocast_and_from_bfloat16(term: type[ReconstructionLoss]) -> None:
    y_hat, y = images()
    expected = term()(y_hat, y)
    assert expected.dtype == torch.float32 and expected.shape == ()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(term()(y_hat, y), expected)
        rounded = term()(y_hat.bfloat16(), y)
    assert torch.equal(rounded, term()(y_hat.bfloat16().float(), y))


@pytest.mark.parametrize("term", TERMS)
def test_shapes_that_would_be_broadcast_are_refused(term: type[ReconstructionLoss]) -> None:
    y_hat, y = images()
    with pytest.raises(ValueError, match=r"y_hat \(2, 1, 20, 27\), y \(2, 3, 20, 27\)"):
        term()(y_hat[:, :1], y)


@pytest.mark.parametrize("weight", [-0.5, math.nan, math.inf, True, "10", None])
@pytest.mark.parametrize("term", TERMS)
def test_a_weight_is_a_number_of_0_or_more(term: type[ReconstructionLoss], weight) -> None:
    pattern = (
        rf"^reconstruction\.{term.preset}\.weight={weight}: found .*; expected a finite number"
    )
    with pytest.raises(SettingError, match=pattern):
        term(weight)
    assert [term(w).weight for w in (0, 2.5)] == [0, 2.5]


@pytest.mark.parametrize("epsilon", [0.0, -1e-3])
def test_epsilon_is_above_0(epsilon: float) -> None:
    with pytest.raises(SettingError, match=r"charbonnier\.epsilon=-?0\.0.*expected a .* above 0"):
        Charbonnier(epsilon=epsilon)


def test_a_term_is_no_module_and_prepares_nothing_unless_it_says_so() -> None:
    assert not isinstance(L1(), torch.nn.Module)
    assert L1().prepare("cpu") is None
    assert FeatureLoss().learns_alone is False
    assert FeatureLoss().discriminator([[torch.ones(1)]], [[torch.ones(1)]]) == {}
