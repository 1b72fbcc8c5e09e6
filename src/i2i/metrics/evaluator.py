"""Scores passes over image pairs; one evaluator a run, the same numbers on any process count."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from i2i.cluster.gathering import gathered, made_once
from i2i.errors import setting_error
from i2i.images.picture_kind import PLAIN_PICTURES, PictureKind
from i2i.images.quantise import refuse_nan
from i2i.labels.class_scores import SCORES as OF_CLASSES
from i2i.labels.class_scores import ClassMaps, ClassShare
from i2i.metrics import distribution as between
from i2i.metrics.checks import check_numbers, require_fitting, require_metrics
from i2i.metrics.class_accuracy import ClassAccuracy
from i2i.metrics.image_metric import ImageMetric
from i2i.metrics.inception import InceptionFeatures, find_weights, load_inception
from i2i.metrics.inception_scores import SCORES as OF_INCEPTION
from i2i.metrics.inception_scores import InceptionScores, InceptionShare
from i2i.metrics.optional_network import OptionalNetwork, found_together
from i2i.metrics.pictures import Pictures
from i2i.metrics.protocol import protocol_of
from i2i.metrics.real_cache import RealCache
from i2i.metrics.result import EvaluationResult, add_classes, add_told, means_of
from i2i.scores import RECONSTRUCTION

SCORES = (*OF_CLASSES, *OF_INCEPTION)  # of a pass, beside the means of its metrics


@dataclass
class _Share:
    """What one process has seen of a pass."""

    images: dict[int, dict[str, Any]]
    targets: set[int]
    inception: InceptionShare
    classes: ClassShare
    told: dict[int, float]


class PairEvaluator:
    """Scores outputs against targets: an image, a class and a distribution at a time.

    Where the targets are not the true answers, but other images of the same domain, only their
    distributions are compared.

    A pass is ``start``, ``update`` for every batch on every process, ``compute`` on all processes.
    Targets of a split are taken to be the same in every pass, so their Inception features are
    computed once a run; with ``cache_dir``, once. An image that a distributed sampler hands out
    twice counts once.

    It is no nn.Module: the weights of Inception reach no checkpoint, optimizer or DDP.

    Attributes:
        metrics: What gives one value per image, by name, in the order of the tables; without those
            whose weights cannot be had.
        has_distribution: Whether FID, KID and Inception Score are computed: asked for, and the
            weights loaded.
        split: Of the pass at hand; None before the first.
        segmentation: Whether class maps are scored where ``update`` gets them.
        segmenter: As given; whoever makes the class maps loads it.
        classifier: As given; whoever asks it loads it.
    """

    def __init__(
        self,
        distribution: bool = False,  # FID, KID and Inception Score too
        inception_weights: str | None = None,  # file; None: the published ones, downloaded
        kid_subset_size: int | None = None,  # images; None: half of the set, at most 1000
        kid_subsets: int = 100,
        inception_batch_size: int = 32,  # images through Inception at once
        seed: int = 2020,  # of KID's subsets and the score's splits; torch-fidelity's default
        segmentation: bool = True,  # scores of class maps, where there are any
        segmenter: str | None = None,  # file of a segmentation network that reads the made images
        classifier: str | None = None,  # run that tells what the made images are of; or itself
        cache_dir: str | None = None,  # folder for the targets' Inception features; None: none
        cache_gb: float = 2.0,  # what it may hold, 10^9 bytes; the files used last stay
        **metrics: ImageMetric,  # one value per image each, by name
    ):
        check_numbers(kid_subsets, inception_batch_size, cache_gb, seed)
        require_metrics(metrics)
        self.metrics = self._asked = metrics
        self.distribution, self.inception_weights = distribution, inception_weights
        self.kid_subset_size = kid_subset_size
        self.segmentation, self.segmenter, self.classifier = segmentation, segmenter, classifier
        self._inception = OptionalNetwork(
            self._load_inception, move=lambda network, device: network.to(device),
            named=inception_weights is not None,
            without="No Inception weights: going on without FID and KID.",
        )  # fmt: skip
        cache = None if cache_dir is None else RealCache(cache_dir, cache_gb)
        sizes = (kid_subset_size, kid_subsets, inception_batch_size)
        self._make_scores = lambda: InceptionScores(*sizes, seed, cache)
        self._begin("")

    def _begin(self, data: str) -> None:
        self._scores = self._make_scores()
        self._scores.data = data
        self.split: str | None = None
        self._images: dict[int, dict[str, Any]] = {}
        self._targets: set[int] = set()
        self._classes = ClassShare()
        self._told: dict[int, float] = {}
        self._kinds = (PLAIN_PICTURES, PLAIN_PICTURES)  # of targets and of sources

    def for_data(self, name: str) -> "PairEvaluator":
        """An evaluator with the same options and networks, and passes of its own.

        Args:
            name: Of the data set, for the cache's file names; of a route too, if there are several.
        """
        other = copy.copy(self)
        other._begin(name)
        return other

    @property
    def has_distribution(self) -> bool:
        return self._inception.network is not None

    def prepare(self, device: torch.device | str, required: bool) -> None:
        """Loads Inception and what the metrics need. All processes call it together.

        Without the published weights a run that does not require them says so once and goes on
        without what they measure; a file named by ``metrics.inception_weights`` or
        ``metrics.lpips.weights_file`` has to work.

        Args:
            device: Where the networks run.
            required: Whether missing weights are an error (evaluation) or not (training).

        Raises:
            SettingError: Weights cannot be had and are required, or a named file is wrong.
        """
        if self.distribution:
            self._inception.prepare(device, required)
        ready = [name for name, metric in self._asked.items() if metric.prepare(device, required)]
        self.metrics = {name: self._asked[name] for name in ready}

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
            limit = f"trainer.limit_{split}_batches"
            todo = (
                f"Check the data set's folder, and {limit}: a share of its batches is rounded down."
            )
            raise setting_error(f"split={split}", "no images", "1 or more", todo)
        if self.distribution:
            between.resolve_subset_size(self.kid_subset_size, n, f"split '{split}'")

    def start(self, split: str) -> None:
        """Begins a pass over a split; what an unfinished pass saw of the outputs is dropped."""
        self.split = split
        self._images, self._targets, self._classes, self._told = {}, set(), ClassShare(), {}
        self._scores.start()

    def update(
        self,
        index: Tensor,
        names: Sequence[str],
        output: Tensor,
        target: Tensor,
        classes: ClassMaps | None = None,
        target_index: Tensor | None = None,
        back: tuple[Tensor, Tensor] | None = None,
        true: bool = True,
        told: tuple[Tensor, Tensor | None] | None = None,
        kinds: tuple[PictureKind, PictureKind] = (PLAIN_PICTURES, PLAIN_PICTURES),
    ) -> None:
        """Adds a batch.

        Args:
            index: Place of each image in its split, (B,).
            names: Name of each image.
            output: What the network made, float (B, C, H, W) in [-1, 1].
            target: What it should be, same shape; B' images where they are not true answers.
            classes: Class maps of the images, where segmentation is scored.
            target_index: Place of each target in its split, (B,) or (B',); None: ``index``.
            back: What was translated there and back, and what that should be.
            true: Whether the targets are the true answers, and not other images of the domain.
            told: ``class_accuracy`` of each image, (B,), and of each target.
            kinds: What the targets, and what the images were made from, are in their files.

        Raises:
            SettingError: The shapes differ, an image holds NaN, is smaller than 11 pixels, or has
                a channel count that Inception or LPIPS does not take.
        """
        if self.split is None:
            raise RuntimeError("PairEvaluator.update() before start(split)")
        indices = index.tolist()
        targets = indices if target_index is None else target_index.tolist()
        require_fitting(len(indices), names, output, target, true)
        self._kinds = kinds
        y_hat = Pictures(output, kinds[0], names)
        y = Pictures(target, kinds[0], names if true else None)
        refuse_nan(y_hat.images, names)
        columns = self._measured("", y_hat, y) if true else {}
        if back is not None:
            ways = (Pictures(images, kinds[1], names) for images in back)
            columns |= self._measured(RECONSTRUCTION, *ways)
        if told is not None:
            columns[ClassAccuracy.name] = told[0].tolist()
            self._told |= (
                {} if told[1] is None else dict(zip(targets, told[1].tolist(), strict=True))
            )
        for row, i in enumerate(indices):
            values = {key: column[row] for key, column in columns.items()}
            self._images.setdefault(i, {"name": names[row], "index": i, **values})
        self._targets.update(targets)
        if self.has_distribution:
            network = self._inception.network
            self._scores.update(network, self.split, indices, y_hat.seen, targets, y.seen)
        if self.segmentation and classes is not None:
            self._classes.add(indices, classes)

    def _measured(self, prefix: str, output: Pictures, target: Pictures) -> dict[str, list[float]]:
        if not len(output.images):  # a batch that has nothing for this route
            return {}
        columns = {}
        for name, metric in self._measuring(output.kind).items():
            pair = (getattr(pictures, metric.takes) for pictures in (output, target))
            columns[prefix + name] = metric(*pair).tolist()
        return columns

    def _measuring(self, kind: PictureKind) -> dict[str, ImageMetric]:
        """The metrics for pictures of a kind."""
        return {name: metric.measuring(kind.values) for name, metric in self.metrics.items()}

    def compute(self) -> EvaluationResult:
        """Ends the pass: gathers from all processes and scores. All processes call it together.

        Returns:
            The result, the same on every process.

        Raises:
            SettingError: No image was seen, or too few for FID and KID.
        """
        if self.split is None:
            raise RuntimeError("PairEvaluator.compute() before start(split)")
        inception = self._scores.share(self._inception.network, self.split)
        mine = _Share(self._images, self._targets, inception, self._classes, self._told)
        images: dict[int, dict[str, Any]] = {}
        targets: set[int] = set()
        classes, told = ClassShare(), {}
        shares = gathered(mine)
        for share in reversed(shares):  # of two equal indices the lowest rank's stays
            images.update(share.images)
            targets |= share.targets
            classes.take_in(share.classes)
            told |= share.told
        seen = self._scores.take_in(self.split, [share.inception for share in shares])
        return made_once(lambda: self._result(images, sorted(targets), classes, seen, told))

    def _result(
        self,
        images: dict[int, dict[str, Any]],
        targets: list[int],
        classes: ClassShare,
        seen: InceptionShare,
        told: dict[int, float],
    ) -> EvaluationResult:
        if not images:
            raise setting_error(f"split={self.split}", "no images", "1 or more", "Check its size.")
        indices = sorted(images)
        known: dict[str, Any] = {}
        for prefix, kind in zip(("", RECONSTRUCTION), self._kinds, strict=True):
            known |= {prefix + name: m for name, m in self._measuring(kind).items()}
        known[ClassAccuracy.name] = ClassAccuracy
        rows = [dict(images[i]) for i in indices]
        result = means_of(rows, known, protocol_of(self._kinds[0]))
        values = result.values
        add_classes(result, classes)
        add_told(result, told)
        if self.has_distribution:
            network = self._inception.network
            scores, details = self._scores.scores(network, self.split, indices, targets, seen)
            values |= scores
            result.protocol |= details
        units = {name: metric.unit for name, metric in known.items()}
        units |= {score.name: score.unit for score in SCORES}
        result.units = {name: units[name] for name in values if units.get(name)}
        return result

    def _load_inception(self, device: torch.device | str) -> InceptionFeatures:
        return load_inception(found_together(lambda: find_weights(self.inception_weights)), device)
