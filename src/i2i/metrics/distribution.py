"""FID and KID from features, the Inception Score from logits, in float64.

n_real need not equal n_fake.
"""

import math

import numpy as np
import torch
from torch import Tensor

from i2i.errors import SettingError, setting_error

MAX_SUBSET = 1000  # images, as in Binkowski et al. 2018 and torch-fidelity
UNBIASED_FROM = 2048  # images; below it the covariances have not full rank
MOST_SPLITS = 10  # of the Inception Score, as in Salimans et al. 2016 and torch-fidelity
BLOCK = 1024  # rows of a kernel matrix held at once
CLEAR = 1e-8  # of the largest eigenvalue: those above keep half their digits in float64
ROUNDING = 2e-15  # of the largest eigenvalue: how far off any of them can come out
# Of the trace of the root. What is compared with it adds up all moduli and is 10 (many zeros) to
# 3000 times (none) what singular values show, so FIDs above a hundredth of the trace keep 6 digits.
TOLERANCE = 4e-8


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """FID (Heusel et al. 2017, Eq. 6): |mu_r - mu_f|^2 + Tr(S_r + S_f - 2 (S_r S_f)^(1/2)).

    With S = A^T A for centred features A / sqrt(n - 1), the last trace is the sum of the singular
    values of A_r A_f^T. That takes n x n numbers where n is below the number of features, and needs
    no complex roots.

    Args:
        real: Features (n_real, d), n_real at least 2.
        fake: Features (n_fake, d), n_fake at least 2.

    Returns:
        The squared distance, 0 or more.

    Raises:
        SettingError: Fewer than 2 images on a side, or a feature that is not finite.
    """
    real, fake = _float64(real, "real"), _float64(fake, "made")
    a, b = _covariance_root(real), _covariance_root(fake)
    means = (real.mean(0) - fake.mean(0)).square().sum()
    traces = a.square().sum() + b.square().sum()
    return max(0.0, float(means + traces) - 2 * _nuclear_norm(a @ b.T))


def kernel_distance(
    real: Tensor, fake: Tensor, subset_size: int, n_subsets: int, seed: int
) -> tuple[float, float]:
    """KID (Binkowski et al. 2018): unbiased MMD^2 with the kernel (x.y / d + 1)^3, over subsets.

    Subsets are drawn as torch-fidelity draws them with the made images as its ``input1``, so equal
    features in equal order with an equal seed give an equal value.

    Args:
        real: Features (n_real, d).
        fake: Features (n_fake, d).
        subset_size: Images a side in a subset, at least 2, at most n_real and n_fake.
        n_subsets: How many subsets, at least 1.
        seed: Of the draw, 0 to 2^32 - 1.

    Returns:
        Mean and population standard deviation over the subsets. The mean may be slightly negative.

    Raises:
        SettingError: The subset is larger than a side or smaller than 2, there are no subsets,
            a side has fewer than 2 images, or a feature is not finite.
    """
    real, fake = _float64(real, "real"), _float64(fake, "made")
    resolve_subset_size(subset_size, min(len(real), len(fake)))
    if n_subsets < 1:
        raise setting_error(
            f"metrics.kid_subsets={n_subsets}", f"{n_subsets} subsets", "1 or more", "Type 100."
        )
    rng = np.random.RandomState(seed)
    draws = []
    for _ in range(n_subsets):
        of_fake, of_real = (
            torch.from_numpy(rng.choice(len(x), subset_size, replace=False)) for x in (fake, real)
        )
        draws.append((of_real, of_fake))
    shared = len(real) * len(fake) <= n_subsets * subset_size**2  # one big kernel matrix is less
    groups = [draws] if shared else [[draw] for draw in draws]
    distances = torch.cat([_squared_mmd(real, fake, group) for group in groups])
    return float(distances.mean()), float(distances.std(correction=0))


def inception_score(logits: Tensor, seed: int, n_splits: int | None = None) -> tuple[float, float]:
    """Inception Score (Salimans et al. 2016, Sec. 4): exp of the mean KL(p(y|x) || p(y)), by split.

    Images are shuffled and split as torch-fidelity does it, so equal logits in equal order with an
    equal seed give an equal value.

    Args:
        logits: Of the made images, (n, n_classes).
        seed: Of the shuffle, 0 to 2^32 - 1.
        n_splits: Parts that are scored each on its own, 1 to n; None for 10, or n where fewer.

    Returns:
        Mean and population standard deviation over the splits. A split scores at least 1 and at
        most the number of its images.

    Raises:
        SettingError: There is no image, or a logit is not finite.
        ValueError: ``n_splits`` is below 1 or above n.
    """
    n = len(logits)
    if n < 1:
        raise _side_error("no made images", "1 or more")
    _require_finite(logits, "made")
    n_splits = min(MOST_SPLITS, n) if n_splits is None else n_splits
    if not 1 <= n_splits <= n:
        raise ValueError(f"n_splits={n_splits} of {n} images; expected 1 to {n}")
    order = torch.from_numpy(np.random.RandomState(seed).permutation(n))
    log_p = logits[order].double().log_softmax(1)
    scores = []
    for k in range(n_splits):
        part = log_p[k * n // n_splits : (k + 1) * n // n_splits]
        log_q = part.logsumexp(0) - math.log(len(part))  # the log of the mean, without underflow
        scores.append((part.exp() * (part - log_q)).sum(1).mean().exp())
    scores = torch.stack(scores)
    return float(scores.mean()), float(scores.std(correction=0))


def resolve_subset_size(asked: int | None, n_images: int, where: str = "a set") -> int:
    """Says how many images a subset of KID has, and refuses what a set is too small for.

    Args:
        asked: ``metrics.kid_subset_size``; None for half of the images, at most 1000.
        n_images: Images on the smaller side.
        where: What has ``n_images``, for the error.

    Returns:
        The size, 2 to ``n_images``.

    Raises:
        SettingError: The set has too few images for the size, or the size is below 2.
    """
    mend = "metrics=pairwise does without FID and KID"
    if asked is None:
        size = min(MAX_SUBSET, n_images // 2)
        if size < 2:
            if n_images >= 2:
                mend = f"metrics.kid_subset_size={n_images} measures KID once on all; {mend}"
            found = f"{where} of {n_images} images"
            expected = "4 or more for FID and KID (KID draws subsets of half of them)"
            raise setting_error("metrics.kid_subset_size=null", found, expected, f"{mend}.")
        return size
    if not 2 <= asked <= n_images:
        expected = f"2 to {n_images}" if n_images >= 2 else "2 images or more for FID and KID"
        if n_images >= 2:
            mend = f"Type metrics.kid_subset_size=null for half of the images; {mend}"
        found = f"{asked} images a subset for {where} of {n_images} images"
        raise setting_error(f"metrics.kid_subset_size={asked}", found, expected, f"{mend}.")
    return asked


def _covariance_root(features: Tensor) -> Tensor:
    """A with A^T A = the sample covariance; (min(n - 1, d), d)."""
    n = len(features)
    centred = (features - features.mean(0)) / math.sqrt(n - 1)
    if n > centred.shape[1]:
        return torch.linalg.qr(centred, mode="r").R
    # The rows add up to zero. The reflection that turns (1, ..., 1) into the first axis makes the
    # first row zero and leaves A^T A as it is: one eigenvalue less that is nothing but rounding.
    return centred[1:] + centred[0] / (math.sqrt(n) - 1)


def _nuclear_norm(matrix: Tensor) -> float:
    """Sum of the singular values of a matrix, all of one size or not.

    They are roots of eigenvalues of M M^T, which takes an eighth of the time that a singular value
    decomposition takes at 2048 x 2048. Each eigenvalue is off by a share of the largest, so the
    root of a small one loses half its digits. Where that adds up (many of them: pictures that
    repeat, features that are always zero), the small ones are computed anew from M on their own
    subspace, in which the large ones are gone.
    """
    total = 0.0
    if len(matrix) > matrix.shape[1]:
        matrix = matrix.T
    while len(matrix):
        # Never more than sqrt(rank) times the Frobenius norm is left.
        if math.sqrt(len(matrix)) * float(matrix.norm()) <= 1e-12 * total:
            break
        gram = matrix @ matrix.T
        values = torch.linalg.eigvalsh(gram).clamp(min=0.0)  # ascending
        off = ROUNDING * values[-1]
        doubt = float((off / (values + off).sqrt()).sum())  # of each at most sqrt(off)
        found = float(values.sqrt().sum())
        if doubt <= TOLERANCE * (total + found):
            return total + found
        small = int((values <= CLEAR * values[-1]).sum())
        if small == 0:
            return total + found
        _, vectors = torch.linalg.eigh(gram)
        total += float(values[small:].sqrt().sum())
        matrix = vectors[:, :small].T @ matrix
    return total


def _squared_mmd(real: Tensor, fake: Tensor, draws: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Unbiased MMD^2 (Gretton et al. 2012, Eq. 3, all real-fake pairs kept) of each draw."""
    m = len(draws[0][0])
    (x, in_x), (y, in_y) = (
        _drawn(real, [draw[0] for draw in draws]),
        _drawn(fake, [draw[1] for draw in draws]),
    )
    within = _kernel_sums(x, x, in_x, in_x, diagonal=False)
    within += _kernel_sums(y, y, in_y, in_y, diagonal=False)
    return within / (m * (m - 1)) - 2 * _kernel_sums(x, y, in_x, in_y) / m**2


def _drawn(features: Tensor, draws: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The rows that some draw has, (r, d), and 1 where a draw has a row, (n_draws, r)."""
    member = torch.zeros(len(draws), len(features), dtype=torch.float64)
    for row, draw in zip(member, draws, strict=True):
        row[draw] = 1.0
    used = member.any(0)
    return features[used], member[:, used]


def _kernel_sums(
    x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, *, diagonal: bool = True
) -> Tensor:
    """Sum of k(x_i, y_j) over the i and j of each draw; without i = j where x is y."""
    total = torch.zeros(len(in_x), dtype=torch.float64)
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        kernel = (x[rows] @ y.T / x.shape[1] + 1.0) ** 3  # (rows, len(y))
        if not diagonal:
            kernel.diagonal(start).zero_()
        total += ((in_x[:, rows] @ kernel) * in_y).sum(1)
    return total


def _float64(features: Tensor, side: str) -> Tensor:
    """Checks the features of one side and widens them."""
    n_images = len(features)
    if n_images < 2:
        raise _side_error(f"{n_images} {side} images", "2 or more on each side")
    _require_finite(features, side)
    return features.double()


def _require_finite(features: Tensor, side: str) -> None:
    if not features.isfinite().all():
        raise _side_error(f"features of {side} images that are not finite", "finite numbers")


def _side_error(found: str, expected: str) -> SettingError:
    todo = "metrics=pairwise does without FID and KID."
    return setting_error("metrics.distribution=true", found, expected, todo)
