"""FID, KID and Inception Score of passes over splits, one Inception pass an image."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.cluster.gathering import is_first
from i2i.metrics import distribution as between
from i2i.metrics.inception import RESIZE, InceptionFeatures
from i2i.metrics.real_cache import Features, RealCache, cache_key, digests
from i2i.scores import Score

SCORES = (
    *(Score("fid", False), Score("kid", False), Score("kid_spread", None)),
    *(Score("inception_score", True), Score("inception_score_spread", None)),
)

Rows = dict[int, np.ndarray]  # index of an image -> its features (2048,) or logits (1008,), float32


@dataclass
class InceptionShare:
    """What one process, or all of them, have seen of a pass.

    Attributes:
        fake: Features of the made images.
        logits: Their class scores.
        real: Features of targets; of one process those that others may not know yet.
        computed: Of these, what the disk does not hold yet: by digest.
    """

    fake: Rows = field(default_factory=dict)
    logits: Rows = field(default_factory=dict)
    real: Rows = field(default_factory=dict)
    computed: Features = field(default_factory=dict)

    def take_in(self, other: "InceptionShare") -> None:
        """Adds another share; of two equal indices the other's stays."""
        self.fake.update(other.fake)
        self.logits.update(other.logits)
        self.real.update(other.real)
        self.computed.update(other.computed)


class InceptionScores:
    """Collects what Inception says of made images and targets, and scores a pass.

    Targets of a split are taken to be the same in every pass, so their features are computed once
    a run; with a cache, once. Images wait until there is a whole batch for Inception, however few
    the network makes at a time. Made ones and targets go through it apart: what is known of the
    targets then changes no bit of the others' features.

    Attributes:
        data: Name of the data set, for the cache.
    """

    def __init__(
        self,
        kid_subset_size: int | None,  # images; None: half of the set, at most 1000
        kid_subsets: int,
        batch_size: int,  # images through Inception at once
        seed: int,  # of KID's subsets and the Inception Score's splits
        cache: RealCache | None = None,  # of the targets' features; None keeps them for the run
    ):
        self.kid_subset_size, self.kid_subsets = kid_subset_size, kid_subsets
        self.batch_size, self.seed, self.cache = batch_size, seed, cache
        self.data = ""
        self._share = InceptionShare()  # of the pass at hand, without the targets
        self._waiting: dict[str, dict[int, Tensor]] = {"fake": {}, "real": {}}  # uint8 (C, H, W)
        self._real: dict[str, Rows] = {}  # split -> features of its targets
        self._new: dict[str, InceptionShare] = {}  # those not yet gathered
        self._key: dict[str, Any] | None = None  # of the cache's file for the pass at hand
        self._stored: Features | None = None  # what it holds; None before it is read

    def start(self) -> None:
        """Begins a pass; features of targets stay."""
        self._share, self._key, self._stored = InceptionShare(), None, None
        self._waiting = {"fake": {}, "real": {}}

    def update(
        self,
        extractor: InceptionFeatures,
        split: str,
        indices: list[int],
        y_hat: Tensor,
        targets: list[int],
        y: Tensor,
    ) -> None:
        """Adds a batch.

        Args:
            extractor: Gives features and logits of 8-bit images.
            split: What the images belong to.
            indices: Place of each made image in its split.
            y_hat: What the network made, uint8 (B, C, H, W).
            targets: Place of each target in its split.
            y: The targets, same shape.

        Raises:
            SettingError: The images have a channel count that Inception does not take; said once
                there is a batch for it.
        """
        known = {"fake": self._share.fake, "real": self._real.setdefault(split, {})}
        for side, places, images in (("fake", indices, y_hat), ("real", targets, y)):
            for row, i in enumerate(places):
                waiting = self._waiting[side]
                if i in known[side] or i in waiting:
                    continue
                if any(other.shape != images[row].shape for other in waiting.values()):
                    self._flush(extractor, split, side)
                self._waiting[side][i] = images[row]
                if len(self._waiting[side]) == self.batch_size:
                    self._flush(extractor, split, side)

    def share(self, extractor: InceptionFeatures, split: str) -> InceptionShare:
        """Hands over what other processes may not know; new targets once."""
        for side in self._waiting:
            self._flush(extractor, split, side)
        new = self._new.pop(split, InceptionShare())
        return InceptionShare(self._share.fake, self._share.logits, new.real, new.computed)

    def take_in(self, split: str, shares: list[InceptionShare]) -> InceptionShare:
        """Joins the shares of all processes; of two equal indices the lowest rank's stays."""
        real = self._real.setdefault(split, {})
        joined = InceptionShare(real=real)
        for share in reversed(shares):
            joined.take_in(share)
        if joined.computed and self._key is not None and is_first():
            self.cache.write(self._key, joined.computed | (self._stored or {}))
        self._stored = None
        return joined

    def _flush(self, extractor: InceptionFeatures, split: str, side: str) -> None:
        """Puts through Inception what waits on one side."""
        waiting, self._waiting[side] = self._waiting[side], {}
        if not waiting:
            return
        images = torch.stack(list(waiting.values()))
        if side == "real":
            self._take_targets(extractor, split, list(waiting), images)
            return
        features, logits = (rows.numpy() for rows in extractor(images))
        self._share.fake.update(zip(waiting, features, strict=True))
        self._share.logits.update(zip(waiting, logits, strict=True))

    def _take_targets(
        self, extractor: InceptionFeatures, split: str, indices: list[int], images: Tensor
    ) -> None:
        """Features of targets: from the disk where it has the whole batch, else from Inception."""
        new = self._new.setdefault(split, InceptionShare())
        names, rows = [], []
        if self.cache is not None:
            names = digests(images)
            stored = self._read(extractor, split, images[0])
            rows = [stored[name] for name in names if name in stored]
        if len(rows) < len(images):
            rows = list(extractor(images)[0].numpy())
            new.computed.update(zip(names, rows, strict=False))  # no names without a cache
        self._real[split].update(zip(indices, rows, strict=True))
        new.real.update(zip(indices, rows, strict=True))

    def _read(self, extractor: InceptionFeatures, split: str, image: Tensor) -> Features:
        if self._stored is None:
            self._key = cache_key(self.data, split, image, extractor.sha256)
            self._stored = self.cache.read(self._key)
        return self._stored

    def scores(
        self,
        extractor: InceptionFeatures,
        split: str,
        indices: list[int],
        targets: list[int],
        seen: InceptionShare,
    ) -> tuple[dict[str, float], dict[str, Any]]:
        """Scores a pass.

        Args:
            extractor: What the features come from, for the protocol.
            split: Its name, for errors.
            indices: Of all made images, sorted: the order is part of the draw of KID's subsets.
            targets: Of all targets, likewise.
            seen: What all processes have seen.

        Returns:
            The values of ``SCORES`` by name; and how they were made, in plain values.

        Raises:
            SettingError: The split is too small.
        """
        n, n_real = len(indices), len(targets)
        fewer = min(n, n_real)
        size = between.resolve_subset_size(self.kid_subset_size, fewer, f"split '{split}'")
        y, y_hat, logits = (
            torch.from_numpy(np.stack([rows[i] for i in places]))
            for places, rows in (
                (targets, seen.real), (indices, seen.fake), (indices, seen.logits)
            )
        )  # fmt: skip
        kid, spread = between.kernel_distance(y, y_hat, size, self.kid_subsets, self.seed)
        n_splits = min(between.MOST_SPLITS, n)
        score, score_spread = between.inception_score(logits, self.seed, n_splits)
        found = (between.frechet_distance(y, y_hat), kid, spread, score, score_spread)
        values = dict(zip((each.name for each in SCORES), found, strict=True))
        details = self._protocol(extractor, n_real, n, size, n_splits)
        return values, details | _notes(fewer, n // n_splits, logits.shape[1])

    def _protocol(
        self, extractor: InceptionFeatures, n_real: int, n: int, size: int, n_splits: int
    ) -> dict[str, Any]:
        return {
            "extractor": extractor.name,
            "extractor_sha256": extractor.sha256,
            "resize": RESIZE,
            "n_real": n_real,
            "n_fake": n,
            "kid_subset_size": size,
            "kid_subsets": self.kid_subsets,
            "inception_score_splits": n_splits,
            "seed": self.seed,
        }


def _notes(n: int, of_a_part: int, n_classes: int) -> dict[str, str]:
    """What a reader of scores on few images has to know.

    Args:
        n: Images on the smaller side.
        of_a_part: Made images in a split of the Inception Score.
        n_classes: Of Inception.
    """
    notes = {}
    if n < between.UNBIASED_FROM:
        notes["fid_note"] = (
            f"FID on {n} images is biased upwards (fewer than {between.UNBIASED_FROM}): "
            "compare it only between runs with the same n, and read KID beside it"
        )
    if of_a_part < n_classes:
        notes["inception_score_note"] = (
            f"Inception Score over splits of about {of_a_part} images: it cannot exceed that "
            "number, so compare it only between runs with the same n"
        )
    return notes
