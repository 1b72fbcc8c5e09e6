"""FID, KID and Inception Score of passes over splits, one Inception pass an image."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.metrics import distribution as between
from i2i.metrics.inception import RESIZE, InceptionFeatures

Rows = dict[int, np.ndarray]  # index of an image -> its features (2048,) or logits (1008,), float32


@dataclass
class InceptionShare:
    """What one process, or all of them, have seen of a pass.

    Attributes:
        fake: Features of the made images.
        logits: Their class scores.
        real: Features of targets; of one process those that others may not know yet.
    """

    fake: Rows = field(default_factory=dict)
    logits: Rows = field(default_factory=dict)
    real: Rows = field(default_factory=dict)

    def take_in(self, other: "InceptionShare") -> None:
        """Adds another share; of two equal indices the other's stays."""
        self.fake.update(other.fake)
        self.logits.update(other.logits)
        self.real.update(other.real)


class InceptionScores:
    """Collects what Inception says of made images and targets, and scores a pass.

    Targets of a split are taken to be the same in every pass, so their features are computed once
    a run.
    """

    def __init__(
        self,
        kid_subset_size: int | None,  # images; None: half of the set, at most 1000
        kid_subsets: int,
        batch_size: int,  # images through Inception at once, real and fake together
        seed: int,  # of KID's subsets and the Inception Score's splits
    ):
        self.kid_subset_size, self.kid_subsets = kid_subset_size, kid_subsets
        self.batch_size, self.seed = batch_size, seed
        self._share = InceptionShare()  # of the pass at hand, without the targets
        self._real: dict[str, Rows] = {}  # split -> features of its targets
        self._new_real: dict[str, Rows] = {}  # those not yet gathered

    def start(self) -> None:
        """Begins a pass; features of targets stay."""
        self._share = InceptionShare()

    def update(
        self, extractor: InceptionFeatures, split: str, indices: list[int], y_hat: Tensor, y: Tensor
    ) -> None:
        """Adds a batch.

        Args:
            extractor: Gives features and logits of 8-bit images.
            split: What the images belong to.
            indices: Place of each image in its split.
            y_hat: What the network made, uint8 (B, C, H, W).
            y: The targets, same shape.

        Raises:
            SettingError: The images have a channel count that Inception does not take.
        """
        known = self._real.setdefault(split, {})
        fresh = [row for row, i in enumerate(indices) if i not in known]
        batch = torch.cat([y_hat, y[fresh]])
        parts = [extractor(part) for part in batch.split(self.batch_size)]
        features, logits = (torch.cat(side).numpy() for side in zip(*parts, strict=True))
        targets = features[len(indices) :].copy()
        for row, i in enumerate(indices):
            self._share.fake.setdefault(i, features[row].copy())
            self._share.logits.setdefault(i, logits[row].copy())
        new = self._new_real.setdefault(split, {})
        for at, row in zip(fresh, targets, strict=True):
            new[indices[at]] = known[indices[at]] = row

    def share(self, split: str) -> InceptionShare:
        """Hands over what other processes may not know; new targets once."""
        new = self._new_real.pop(split, {})
        return InceptionShare(self._share.fake, self._share.logits, new)

    def take_in(self, split: str, shares: list[InceptionShare]) -> InceptionShare:
        """Joins the shares of all processes; of two equal indices the lowest rank's stays."""
        real = self._real.setdefault(split, {})
        joined = InceptionShare(real=real)
        for share in reversed(shares):
            joined.take_in(share)
        return joined

    def scores(
        self, extractor: InceptionFeatures, split: str, indices: list[int], seen: InceptionShare
    ) -> tuple[dict[str, float], dict[str, Any]]:
        """Scores a pass.

        Args:
            extractor: What the features come from, for the protocol.
            split: Its name, for errors.
            indices: Of all images, sorted: the order is part of the draw of KID's subsets.
            seen: What all processes have seen.

        Returns:
            ``fid``, ``kid``, ``kid_spread``, ``inception_score``, ``inception_score_spread``; and
            how they were made, in plain values.

        Raises:
            SettingError: The split is too small.
        """
        n = len(indices)
        size = between.resolve_subset_size(self.kid_subset_size, n, f"split '{split}'")
        y, y_hat, logits = (
            torch.from_numpy(np.stack([rows[i] for i in indices]))
            for rows in (seen.real, seen.fake, seen.logits)
        )
        kid, spread = between.kernel_distance(y, y_hat, size, self.kid_subsets, self.seed)
        n_splits = min(between.MOST_SPLITS, n)
        score, score_spread = between.inception_score(logits, self.seed, n_splits)
        values = {"fid": between.frechet_distance(y, y_hat), "kid": kid, "kid_spread": spread}
        values |= {"inception_score": score, "inception_score_spread": score_spread}
        details = {
            "extractor": extractor.name,
            "extractor_sha256": extractor.sha256,
            "resize": RESIZE,
            "n_real": n,
            "n_fake": n,
            "kid_subset_size": size,
            "kid_subsets": self.kid_subsets,
            "inception_score_splits": n_splits,
            "seed": self.seed,
        }
        return values, details | _notes(n, n_splits, logits.shape[1])


def _notes(n: int, n_splits: int, n_classes: int) -> dict[str, str]:
    """What a reader of scores on few images has to know."""
    notes = {}
    if n < between.UNBIASED_FROM:
        notes["fid_note"] = (
            f"FID on {n} images is biased upwards (fewer than {between.UNBIASED_FROM}): "
            "compare it only between runs with the same n, and read KID beside it"
        )
    if n // n_splits < n_classes:
        notes["inception_score_note"] = (
            f"Inception Score over splits of about {n // n_splits} images: it cannot exceed that "
            "number, so compare it only between runs with the same n"
        )
    return notes
