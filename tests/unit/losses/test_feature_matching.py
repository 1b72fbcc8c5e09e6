"""Feature matching against sums by hand."""

import pytest
import torch

from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError
from i2i.losses.feature_matching import FeatureMatching, difference_of_means


def maps(*values: float, size: int = 2) -> list[torch.Tensor]:
    """One constant map a value, each of another size."""
    return [torch.full((2, i + 1, size, size + i), v) for i, v in enumerate(values)]


def test_the_weighted_sum_over_layers_of_the_mean_difference() -> None:
    """Each of n layers has the weight 4 / n: the code's 4 / (n_layers + 1) of a PatchGAN."""
    fake, real = [maps(1.0, 0.0, -2.0)], [maps(0.5, 0.25, 1.0)]
    assert FeatureMatching()(fake, real).item() == pytest.approx(4 / 3 * (0.5 + 0.25 + 3.0))


@pytest.mark.parametrize(("n_layers", "weight"), [(3, 1.0), (4, 0.8), (1, 2.0)])
def test_layers_of_a_patchgan_have_the_weight_of_the_code(n_layers: int, weight: float) -> None:
    """4 / (n_layers + 1), against the differences of D's own maps."""
    torch.manual_seed(0)
    network = PatchDiscriminator(3, 3, 2, n_layers=n_layers, norm="none")
    x, y, y_hat = torch.rand(3, 1, 3, 64, 64)
    with torch.no_grad():
        real, fake = (network(x, image).features for image in (y, y_hat))
    layers = zip(fake[0], real[0], strict=True)
    expected = sum((f.double() - r.double()).abs().mean().item() for f, r in layers)
    # Means of up to 8192 float32 differences, summed pairwise: a few units in the last place.
    assert FeatureMatching()(fake, real).item() == pytest.approx(weight * expected, rel=1e-5)


def test_a_mean_within_a_map_whatever_the_sign() -> None:
    fake = [[torch.tensor([1.0, -3.0]).view(1, 2, 1, 1)]]
    real = [[torch.zeros(1, 2, 1, 1)]]
    assert FeatureMatching()(fake, real).item() == pytest.approx(4 * 2.0)


def test_scales_are_averaged_and_count_alike_whatever_their_size_and_depth() -> None:
    fake, real = [maps(1.0, 2.0), maps(4.0, size=9)], [maps(0.0, 0.0), maps(0.0, size=9)]
    assert FeatureMatching()(fake, real).item() == pytest.approx((4 / 2 * 3.0 + 4 / 1 * 4.0) / 2)


def test_gradients_go_to_the_made_image_alone() -> None:
    fake, real = (
        torch.ones(1, 1, 2, 2, requires_grad=True),
        torch.zeros(1, 1, 2, 2).requires_grad_(),
    )
    FeatureMatching()([[fake]], [[real]]).backward()
    assert torch.equal(fake.grad, torch.full((1, 1, 2, 2), 4 * 0.25))
    assert real.grad is None


def test_half_precision_maps_are_compared_in_float32() -> None:
    torch.manual_seed(0)
    fake, real = torch.randn(1, 4, 8, 8).bfloat16(), torch.randn(1, 4, 8, 8).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = FeatureMatching()([[fake]], [[real]])
    assert loss.dtype == torch.float32 and loss.shape == ()
    expected = (fake.double() - real.double()).abs().mean().item()
    # A mean of 256 float32 numbers, whose sum rounds 8 times where pairwise: 8 * 2^-24 < 1e-6.
    assert loss.item() == pytest.approx(4 * expected, rel=1e-6)


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


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
def test_the_difference_of_means_is_over_batches_and_the_last_three_layers() -> None:
    """By hand, with scales of four and of two layers; batches of two and of three images."""
    torch.manual_seed(0)
    shapes = [[(2, 4, 4), (3, 2, 2), (1, 2, 2), (5, 1, 1)], [(2, 3, 3), (3, 1, 1)]]
    fake = [[torch.rand(2, *s, requires_grad=True) for s in scale] for scale in shapes]
    real = [[torch.rand(3, *s, requires_grad=True) for s in scale] for scale in shapes]
    expected = 0.0
    for f_scale, r_scale, first in zip(fake, real, (1, 0), strict=True):
        for f, r in zip(f_scale[first:], r_scale[first:], strict=True):
            mean_f, mean_r = (f[0] + f[1]) / 2, (r[0] + r[1] + r[2]) / 3
            expected = expected + ((mean_r.detach() - mean_f) ** 2).sum() / mean_f.numel() / 2
    mine = difference_of_means(fake, real)
    assert mine.item() == pytest.approx(expected.item(), rel=1e-10)
    maps = [f for scale in fake for f in scale][1:]
    pairs = zip(*(torch.autograd.grad(v, maps) for v in (mine, expected)), strict=True)
    assert all(torch.allclose(a, b, rtol=1e-10, atol=0) for a, b in pairs)
    difference_of_means(fake, real).backward()
    assert all(r.grad is None for scale in real for r in scale) and fake[0][0].grad is None
