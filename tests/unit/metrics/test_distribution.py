import math

import numpy as np
import pytest
import torch
from scipy import linalg

from i2i.errors import SettingError
from i2i.metrics.distribution import (
    _nuclear_norm,
    frechet_distance,
    inception_score,
    kernel_distance,
    resolve_subset_size,
)


def features(n, d=16, shift=0.0, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return (torch.randn(n, d, generator=draw) + shift).relu()


def reference_frechet(real, fake):
    """The textbook form, with a matrix root by eigenvalues."""
    real, fake = real.double().numpy(), fake.double().numpy()
    s_r, s_f = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(s_r @ s_f).astype(complex)).real.sum()
    gap = real.mean(0) - fake.mean(0)
    return gap @ gap + np.trace(s_r) + np.trace(s_f) - 2 * root


@pytest.mark.parametrize(("n_real", "n_fake"), [(100, 100), (100, 60), (17, 200)])
def test_fid_equals_the_textbook_form(n_real, n_fake):
    real, fake = features(n_real), features(n_fake, shift=0.3, seed=1)
    expected = reference_frechet(real, fake)
    assert expected > 0.1
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_fid_with_fewer_images_than_features_equals_torch_fidelity():
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    real, fake = features(40, d=128), features(30, d=128, shift=0.3, seed=1)
    statistics = [fid_features_to_statistics(x.double()) for x in (real, fake)]
    (expected,) = fid_statistics_to_metric(*statistics, verbose=False).values()
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-6)


def test_fid_of_two_shifted_copies_is_the_squared_shift():
    real = features(50, d=8)
    assert frechet_distance(real, real + 2.0) == pytest.approx(8 * 4.0, rel=1e-6)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-12)
    # one feature: (mu - mu')^2 + (sigma - sigma')^2
    x = torch.tensor([[0.0], [2.0]])
    expected = (1 - 3) ** 2 + (math.sqrt(2) - 3 * math.sqrt(2)) ** 2
    assert frechet_distance(x, 3 * x) == pytest.approx(expected, rel=1e-12)


def spectrum(decades, zeros=0, d=150, seed=0):
    """D x d: singular values from 1 down by so many powers of ten, and so many that are zero."""
    draw = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(d, d, generator=draw, dtype=torch.float64)).Q for _ in range(2)
    )
    sizes = torch.logspace(0, -decades, d, dtype=torch.float64)
    sizes[d - zeros :] = 0.0
    return (left * sizes) @ right, float(sizes.sum())


@pytest.mark.parametrize(
    ("decades", "zeros"), [(0, 0), (3, 0), (6, 0), (12, 0), (0, 140), (4, 75), (12, 149), (0, 150)]
)
def test_the_sum_of_singular_values_however_small_they_are(decades, zeros):
    matrix, expected = spectrum(decades, zeros)
    assert _nuclear_norm(matrix) == pytest.approx(expected, rel=1e-10, abs=1e-300)
    for part in (matrix[:40], matrix[:, :40]):
        expected = float(torch.linalg.svdvals(part).sum())
        assert _nuclear_norm(part) == pytest.approx(expected, rel=1e-10, abs=1e-300)


def repeated(n, different, d=64, seed=0):
    """N rows of which only so many differ, as of a network that makes a few pictures."""
    return features(different, d, 0.2 * seed, seed)[torch.arange(n) % different]


def dead(n, d=64, seed=0):
    """Features a third of which are always zero."""
    return features(n, d, 0.2 * seed, seed) * (torch.arange(d) % 3 != 0)


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        (features(300, 64), features(300, 64, 0.3, 1)),
        (features(300, 64), repeated(200, 5, seed=1)),
        (repeated(90, 7), repeated(200, 40, seed=1)),
        (dead(200), dead(150, seed=1)),
        (dead(30), features(50, 64, 0.3, 1)),
        (features(300, 64), features(300, 64, 0.3, 1) * torch.logspace(0, -5, 64)),
    ],
)
def test_fid_equals_scipy_and_torch_fidelity_whatever_the_rank(real, fake):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    found = frechet_distance(real, fake)
    real, fake = real.double(), fake.double()
    statistics = [fid_features_to_statistics(x) for x in (real, fake)]
    (theirs,) = fid_statistics_to_metric(*statistics, verbose=False).values()
    assert found == pytest.approx(theirs, rel=1e-6)
    # scipy on the symmetric form, whose root exists where a covariance has no inverse
    s_r, s_f = (np.cov(x.numpy(), rowvar=False) for x in (real, fake))
    values, vectors = linalg.eigh(s_r)
    half = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    root = linalg.sqrtm(half @ s_f @ half + 1e-20 * np.eye(64)).real
    gap = (real.mean(0) - fake.mean(0)).square().sum().item()
    expected = gap + np.trace(s_r) + np.trace(s_f) - 2 * np.trace(root)
    assert found == pytest.approx(expected, rel=1e-6) and found > 0.1


@pytest.mark.parametrize(
    ("n_real", "n_fake", "size", "subsets"),
    [(30, 30, 12, 50), (30, 30, 30, 3), (90, 70, 5, 4)],  # the last: one kernel matrix a draw
)
def test_kid_equals_torch_fidelity_subset_by_subset(n_real, n_fake, size, subsets):
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = features(n_real, 64).double(), features(n_fake, 64, shift=0.3, seed=1).double()
    expected = kid_features_to_metric(
        fake, real, kid_subset_size=size, kid_subsets=subsets, rng_seed=7, verbose=False
    )
    mean, spread = kernel_distance(real, fake, size, subsets, seed=7)
    assert mean == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-10)
    assert spread == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-8, abs=1e-14)
    assert mean > 0.01


def test_kid_by_hand():
    real, fake = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    within_real, within_fake = (0 * 1 + 1) ** 3, (1 * 2 + 1) ** 3
    between = (1**3 + 1**3 + 2**3 + 3**3) / 4
    expected = within_real + within_fake - 2 * between
    assert kernel_distance(real, fake, 2, 4, seed=0) == pytest.approx((expected, 0.0), abs=1e-12)


def test_kid_does_not_depend_on_the_block_of_rows(monkeypatch):
    real, fake = features(40), features(40, shift=0.2, seed=1)
    whole = kernel_distance(real, fake, 20, 30, seed=1)
    monkeypatch.setattr("i2i.metrics.distribution.BLOCK", 7)
    assert kernel_distance(real, fake, 20, 30, seed=1) == pytest.approx(whole, rel=1e-12)


def test_the_seed_of_kid_decides_and_global_state_does_not():
    real, fake = features(40), features(40, shift=0.2, seed=1)
    np.random.seed(0)
    first = kernel_distance(real, fake, 10, 5, seed=1)
    assert kernel_distance(real, fake, 10, 5, seed=1) == first
    assert kernel_distance(real, fake, 10, 5, seed=2) != first
    assert first[1] > 0


def logits(n, classes=40, seed=0):
    return 3 * torch.randn(n, classes, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("n", "splits"), [(50, 10), (53, 10), (53, 7), (6, 6), (30, 1)])
def test_the_inception_score_equals_torch_fidelity(n, splits):
    from torch_fidelity.metric_isc import isc_features_to_metric

    expected = isc_features_to_metric(logits(n), splits, shuffle=True, rng_seed=7)
    mean, spread = inception_score(logits(n), 7, splits)
    assert mean == pytest.approx(expected["inception_score_mean"], rel=1e-12)
    assert spread == pytest.approx(expected["inception_score_std"], rel=1e-9, abs=1e-14)
    assert mean > 1.5 or splits == n


def test_the_inception_score_by_hand():
    """Three sure answers for three classes: as many classes as images; one answer for all: 1."""
    sure = 100.0 * torch.eye(3)
    assert inception_score(sure, 0, 1) == pytest.approx((3.0, 0.0), abs=1e-12)
    assert inception_score(sure[[1, 1, 1]], 0, 1) == pytest.approx((1.0, 0.0), abs=1e-12)
    # p = (3/4, 1/4) and its mirror: exp(log 2 - H(3/4, 1/4))
    pair = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert inception_score(pair, 0, 1)[0] == pytest.approx(2 * math.exp(-entropy), rel=1e-7)


def test_classes_that_no_image_has_do_not_break_the_inception_score():
    never = torch.tensor([[0.0, -2000.0, 1.0], [1.0, -2000.0, 0.0]])
    assert inception_score(never, 0, 1) == inception_score(never[:, [0, 2]], 0, 1)


def test_fewer_images_than_splits_are_scored_one_a_split():
    assert inception_score(logits(25), 3) == inception_score(logits(25), 3, 10)
    assert inception_score(logits(4), 3) == inception_score(logits(4), 3, 4)
    assert inception_score(logits(4), 3) == pytest.approx((1.0, 0.0), abs=1e-12)


def test_the_inception_score_refuses_what_it_cannot_score():
    broken = logits(5)
    broken[2, 1] = float("inf")
    with pytest.raises(SettingError, match="features of made images that are not finite"):
        inception_score(broken, 0)
    with pytest.raises(SettingError, match="found no made images; expected 1 or more"):
        inception_score(broken[:0], 0)
    for splits in (0, 6):
        with pytest.raises(ValueError, match=f"n_splits={splits} of 5 images"):
            inception_score(logits(5), 0, splits)


@pytest.mark.parametrize(
    ("asked", "n", "size"), [(None, 106, 53), (None, 5000, 1000), (None, 4, 2), (7, 7, 7)]
)
def test_the_subset_size(asked, n, size):
    assert resolve_subset_size(asked, n) == size


@pytest.mark.parametrize(
    ("asked", "n", "message"),
    [
        (
            200,
            106,
            r"kid_subset_size=200: found 200 images a subset for a set of 106 images; .*2 t",
        ),
        (1, 106, "kid_subset_size=1: found 1 images a subset for a set of 106"),
        (2, 1, "found 2 images a subset for a set of 1 images; expected 2 images or more"),
        (None, 3, "found a set of 3 images; expected 4 or more.*metrics.kid_subset_size=3"),
        (None, 1, "found a set of 1 images; expected 4 or more.*metrics=pairwise"),
    ],
)
def test_a_set_too_small_for_the_subset_is_refused(asked, n, message):
    with pytest.raises(SettingError, match=message) as caught:
        resolve_subset_size(asked, n)
    assert "metrics=pairwise does without" in str(caught.value)


def test_degenerate_features_are_refused():
    good, one = features(5), features(1)
    broken = good.clone()
    broken[0, 0] = float("nan")
    with pytest.raises(SettingError, match="found 1 made images; expected 2 or more"):
        frechet_distance(good, one)
    with pytest.raises(SettingError, match="found 1 real images; expected 2 or more"):
        kernel_distance(one, good, 2, 1, 0)
    with pytest.raises(SettingError, match="features of made images that are not finite"):
        frechet_distance(good, broken)
    with pytest.raises(SettingError, match="found 6 images a subset for a set of 5 images"):
        kernel_distance(good, good, 6, 1, 0)
    with pytest.raises(SettingError, match="kid_subsets=0"):
        kernel_distance(good, good, 2, 0, 0)
