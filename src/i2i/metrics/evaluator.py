"""Scores passes over image pairs; one evaluator a run, the same numbers on any process count."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed

from i2i.errors import SettingError, setting_error
from i2i.metrics import distribution as between
from i2i.metrics import quality
from i2i.metrics.inception import RESIZE, InceptionFeatures, find_weights, load_inception
from i2i.metrics.processes import gathered, in_group, made_once
from i2i.metrics.quantise import to_uint8

PER_IMAGE = {"ssim": quality.ssim, "psnr": quality.psnr, "mse": quality.mse, "l1": quality.l1}
PROTOCOL = {
    "images": "8 bit, rounded; one value an image, then the mean over images",
    "ssim": "Wang et al. 2004: Gaussian window of 11, sigma 1.5, K1 0.01, K2 0.03, range 255",
    "psnr": "dB over the peak 255; infinite for equal images",
    "mse": "squared levels of 255",
    "l1": "levels of 255",
}

Features = dict[int, np.ndarray]  # index of an image -> its features, float32 (2048,)


@dataclass
class EvaluationResult:
    """What a pass found, the same on every process.

    Attributes:
        values: Means over images under ``ssim``, ``psnr`` (dB), ``mse``, ``l1`` (levels); with
            Inception ``fid``, ``kid`` and ``kid_spread`` (standard deviation over subsets) too.
        per_image: ``name``, ``index`` and the four values of each image, by index.
        n_images: Different images seen.
        protocol: How the values were made, in plain values for a JSON file.
    """

    values: dict[str, float]
    per_image: list[dict[str, Any]]
    n_images: int
    protocol: dict[str, Any]


@dataclass
class _Share:
    """What one process has seen of a pass."""

    images: dict[int, dict[str, Any]]
    fake: Features
    new_real: Features  # of targets that other processes may not know yet


class PairEvaluator:
    """SSIM, PSNR, MSE, L1, FID and KID of outputs against targets.

    A pass is ``start``, ``update`` for every batch on every process, ``compute`` on all processes.
    Targets of a split are taken to be the same in every pass, so their Inception features are
    computed once a run. An image that a distributed sampler hands out twice counts once.

    It is no nn.Module: Inception's weights reach no checkpoint, optimizer or DDP.

    Attributes:
        has_distribution: Whether FID and KID are computed: asked for, and the weights loaded.
    """

    def __init__(
        self,
        distribution: bool = True,  # FID and KID too
        inception_weights: str | None = None,  # file; None: the published ones, downloaded
        kid_subset_size: int | None = None,  # images; None: half of the set, at most 1000
        kid_subsets: int = 100,
        inception_batch_size: int = 32,  # images through Inception at once, real and fake together
        seed: int = 2020,  # of KID's subsets; torch-fidelity's default
    ):
        for name, value in (
            ("kid_subsets", kid_subsets),
            ("inception_batch_size", inception_batch_size),
        ):
            if value < 1:
                raise setting_error(f"metrics.{name}={value}", str(value), "1 or more", "Raise it.")
        if not 0 <= seed < 2**32:
            raise setting_error(f"metrics.seed={seed}", str(seed), "0 to 2^32 - 1", "Change it.")
        self.distribution = distribution
        self.inception_weights = inception_weights
        self.kid_subset_size = kid_subset_size
        self.kid_subsets = kid_subsets
        self.inception_batch_size = inception_batch_size
        self.seed = seed
        self._inception: InceptionFeatures | None = None
        self._gave_up = False
        self._split: str | None = None
        self._images: dict[int, dict[str, Any]] = {}
        self._fake: Features = {}
        self._real: dict[str, Features] = {}  # split -> features of its targets
        self._new_real: dict[str, Features] = {}  # those not yet gathered

    @property
    def has_distribution(self) -> bool:
        return self._inception is not None

    def prepare(self, device: torch.device | str, required: bool) -> None:
        """Loads Inception where FID and KID are asked for. All processes call it together.

        Without the published weights a run that does not require them says so once and goes on
        without FID and KID; a file named by ``metrics.inception_weights`` has to work.

        Args:
            device: Where Inception runs.
            required: Whether missing weights are an error (evaluation) or not (training).

        Raises:
            SettingError: The weights cannot be had and are required, or the named file is wrong.
        """
        if not self.distribution or (self._gave_up and not required):
            return
        if self._inception is None:
            try:
                self._inception = load_inception(_find_together(self.inception_weights), device)
            except SettingError as error:
                if required or self.inception_weights is not None:
                    raise
                self._gave_up = True
                from lightning.fabric.utilities.rank_zero import rank_zero_warn

                rank_zero_warn(f"No Inception weights: going on without FID and KID. {error}")
                return
        self._inception.to(device)

    def check_size(self, split: str, n: int) -> None:
        """Refuses a split that is too small for the chosen metrics, before any training.

        The answer does not depend on whether Inception's weights can be had.

        Args:
            split: Its name, for the error.
            n: Images that a pass will see, over all processes.

        Raises:
            SettingError: No images, or too few for FID and KID with ``metrics.kid_subset_size``.
        """
        if n < 1:
            raise setting_error(
                f"split={split}", "no images", "1 or more", "Check the data set's folder."
            )
        if self.distribution:
            between.resolve_subset_size(self.kid_subset_size, n, f"split '{split}'")

    def start(self, split: str) -> None:
        """Begins a pass over a split; what an unfinished pass saw of the outputs is dropped."""
        self._split = split
        self._images, self._fake = {}, {}

    def update(self, index: Tensor, names: Sequence[str], output: Tensor, target: Tensor) -> None:
        """Adds a batch.

        Args:
            index: Place of each image in its split, (B,).
            names: Name of each image.
            output: What the network made, float (B, C, H, W) in [-1, 1].
            target: What it should be, same shape.

        Raises:
            SettingError: The shapes differ, an image holds NaN, is smaller than 11 pixels, or has
                a channel count that Inception does not take.
        """
        if self._split is None:
            raise RuntimeError("PairEvaluator.update() before start(split)")
        indices = index.tolist()
        if output.shape != target.shape:
            raise setting_error(
                f"model output for {', '.join(names)}",
                f"shape {tuple(output.shape)}",
                f"the target's {tuple(target.shape)}",
                "Check the channels and the padding of the generator.",
            )
        if not len(indices) == len(names) == len(output):
            counts = f"{len(indices)} indices, {len(names)} names, {len(output)} images"
            raise ValueError(f"PairEvaluator.update() got {counts}")
        y_hat, y = to_uint8(output.detach(), names), to_uint8(target.detach(), names)
        columns = {key: metric(y_hat, y).tolist() for key, metric in PER_IMAGE.items()}
        for row, i in enumerate(indices):
            values = {key: column[row] for key, column in columns.items()}
            self._images.setdefault(i, {"name": names[row], "index": i, **values})
        if self.has_distribution:
            self._add_features(indices, y_hat, y)

    def compute(self) -> EvaluationResult:
        """Ends the pass: gathers from all processes and scores. All processes call it together.

        Returns:
            The result, the same on every process.

        Raises:
            SettingError: No image was seen, or too few for FID and KID.
        """
        if self._split is None:
            raise RuntimeError("PairEvaluator.compute() before start(split)")
        mine = _Share(self._images, self._fake, self._new_real.pop(self._split, {}))
        images: dict[int, dict[str, Any]] = {}
        fake: Features = {}
        real = self._real.setdefault(self._split, {})
        for share in reversed(gathered(mine)):  # of two equal indices the lowest rank's stays
            images.update(share.images)
            fake.update(share.fake)
            real.update(share.new_real)
        return made_once(lambda: self._result(images, fake, real))

    def _add_features(self, indices: list[int], y_hat: Tensor, y: Tensor) -> None:
        known = self._real.setdefault(self._split, {})
        fresh = [row for row, i in enumerate(indices) if i not in known]
        batch = torch.cat([y_hat, y[fresh]])
        parts = [self._inception(part) for part in batch.split(self.inception_batch_size)]
        features = torch.cat(parts).numpy()
        made, targets = features[: len(indices)], features[len(indices) :].copy()
        for i, row in zip(indices, made, strict=True):
            self._fake.setdefault(i, row)
        new = self._new_real.setdefault(self._split, {})
        for at, row in zip(fresh, targets, strict=True):
            new[indices[at]] = known[indices[at]] = row

    def _result(self, images: dict, fake: Features, real: Features) -> EvaluationResult:
        if not images:
            raise setting_error(f"split={self._split}", "no images", "1 or more", "Check its size.")
        rows = [images[i] for i in sorted(images)]
        values = {key: math.fsum(row[key] for row in rows) / len(rows) for key in PER_IMAGE}
        protocol = {**PROTOCOL, "n_images": len(rows)}
        if self.has_distribution:
            scores, details = self._distances(sorted(images), fake, real)
            values |= scores
            protocol |= details
        return EvaluationResult(values, rows, len(rows), protocol)

    def _distances(self, indices: list[int], fake: Features, real: Features) -> tuple[dict, dict]:
        n = len(indices)
        size = between.resolve_subset_size(self.kid_subset_size, n, f"split '{self._split}'")
        y, y_hat = (torch.from_numpy(np.stack([side[i] for i in indices])) for side in (real, fake))
        kid, spread = between.kernel_distance(y, y_hat, size, self.kid_subsets, self.seed)
        details = {
            "extractor": self._inception.name,
            "extractor_sha256": self._inception.sha256,
            "resize": RESIZE,
            "n_real": n,
            "n_fake": n,
            "kid_subset_size": size,
            "kid_subsets": self.kid_subsets,
            "seed": self.seed,
        }
        if n < between.UNBIASED_FROM:
            details["fid_note"] = (
                f"FID on {n} images is biased upwards (fewer than {between.UNBIASED_FROM}): "
                "compare it only between runs with the same n, and read KID beside it"
            )
        values = {"fid": between.frechet_distance(y, y_hat), "kid": kid, "kid_spread": spread}
        return values, details


def _find_together(path: str | None) -> Path:
    """Finds the weights on every process, downloading once, or once a machine; or fails on all."""
    if not in_group():
        return find_weights(path)
    rank = distributed.get_rank()
    first_here = int(os.environ.get("LOCAL_RANK", rank)) == 0
    found = error = None
    for turn in (rank == 0, first_here, True):
        if turn and found is None:
            try:
                found = find_weights(path)
            except SettingError as caught:
                error = caught
        errors = [text for text in gathered(error and str(error)) if text]
        if errors:
            raise error or SettingError(errors[0])
    return found
