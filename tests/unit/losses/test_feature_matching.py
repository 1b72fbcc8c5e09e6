"""Feature matching against sums by hand."""

import pytest
import torch

from i2i.errors import SettingError
from i2i.losses.feature_matching import FeatureMatching


def maps(*values: float, size: int = 2) -> list[torch.Tensor]:
    """One constant map a value, each of another size."""
    return [torch.full((2, i + 1, size, size + i), v) for i, v in enumerate(values)]


def test_the_sum_over_layers_of_the_mean_difference() -> None:
    fake, real = [maps(1.0, 0.0, -2.0)], [maps(0.5, 0.25, 1.0)]
    assert FeatureMatching()(fake, real).item() == pytest.approx(0.5 + 0.25 + 3.0)


def test_a_mean_within_a_map_whatever_the_sign() -> None:
    fake = [[torch.tensor([1.0, -3.0]).view(1, 2, 1, 1)]]
    real = [[torch.zeros(1, 2, 1, 1)]]
    assert FeatureMatching()(fake, real).item() == pytest.approx(2.0)


def test_scales_are_averaged_and_count_alike_whatever_their_size_and_depth() -> None:
    fake, real = [maps(1.0, 2.0), maps(4.0, size=9)], [maps(0.0, 0.0), maps(0.0, size=9)]
    assert FeatureMatching()(fake, real).item() == pytest.approx((3.0 + 4.0) / 2)


def test_gradients_go_to_the_made_image_alone() -> None:
    fake, real = (
        torch.ones(1, 1, 2, 2, requires_grad=True),
        torch.zeros(1, 1, 2, 2).requires_grad_(),
    )
    FeatureMatching()([[fake]], [[real]]).backward()
    assert torch.equal(fake.grad, torch.full((1, 1, 2, 2), 0.25))
    assert real.grad is None


def test_half_precision_maps_are_compared_in_float32() -> None:
    torch.manual_seed(0)
    fake, real = torch.randn(1, 4, 8, 8).bfloat16(), torch.randn(1, 4, 8, 8).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = FeatureMatching()([[fake]], [[real]])
    assert loss.dtype == torch.float32 and loss.shape == ()
    expected = (fake.double() - real.double()).abs().mean().item()
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_it_gives_the_discriminator_nothing() -> None:
    assert FeatureMatching().learns_alone is False
    assert FeatureMatching().discriminator([maps(1.0)], [maps(0.0)]) == {}


@pytest.mark.parametrize("fake", [[], [[]], [maps(1.0), []]])
def test_a_discriminator_without_hidden_maps_is_named(fake: list) -> None:
    pattern = r"reconstruction\.feature_matching: found a discriminator .* no hidden maps"
    with pytest.raises(SettingError, match=pattern):
        FeatureMatching()(fake, fake)


@pytest.mark.parametrize("real", [[maps(1.0)], [maps(1.0), maps(1.0)]])
def test_lists_of_other_lengths_are_not_cut_short(real: list) -> None:
    with pytest.raises(ValueError, match="zip"):
        FeatureMatching()([maps(1.0, 1.0)], real)


def test_the_weight_has_its_name_in_the_error() -> None:
    with pytest.raises(SettingError, match=r"reconstruction\.feature_matching\.weight=-10"):
        FeatureMatching(-10)
