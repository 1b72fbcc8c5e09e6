"""From what a system shows to what is scored: pictures, and class maps where there are classes."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from i2i.data.paired_transforms import Role
from i2i.images.quantise import to_uint8
from i2i.labels.class_scores import SCORES as OF_CLASSES
from i2i.labels.class_scores import Matrices, matrices
from i2i.labels.palette import ClassPalette
from i2i.metrics.class_accuracy import ClassAccuracy, right
from i2i.metrics.evaluator import ClassMaps, PairEvaluator
from i2i.metrics.inception_scores import SCORES as OF_INCEPTION
from i2i.metrics.shown import Shown
from i2i.scores import RECONSTRUCTION


class Segmenter(Protocol):
    """Tells the classes in photographs."""

    def __call__(self, photos: Tensor, names: Sequence[str]) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, H, W) uint8."""

    def to(self, device: torch.device | str) -> Any:
        """Moves its network."""


class Classifier(Protocol):
    """Tells what pictures are of."""

    def __call__(self, pictures: Tensor) -> Tensor:
        """(B, C, H, W) in [-1, 1] to logits (B, n)."""

    def to(self, device: torch.device | str) -> Any:
        """Moves its network."""


class Scorer:
    """Feeds an evaluator with what a batch shows.

    Class maps go with them both ways. Photo to label: the nearest palette colour of what was made,
    against the label. Label to photo: what a segmenter sees in the made photograph, against the
    label that it was made from; what it sees in the real one is the ceiling. Targets of a split are
    taken to be the same in every pass, so the segmenter looks at the real ones once a run, and its
    answers are kept as counts.
    """

    def __init__(
        self,
        evaluator: PairEvaluator,
        classes: ClassPalette | None = None,
        label_role: Role | None = None,
        segmenter: Segmenter | None = None,
        lossy_labels: Callable[[], bool] = lambda: False,
        classifier: Classifier | None = None,
        tells_itself: bool = False,
    ):
        """Takes what it needs of the data set.

        Args:
            evaluator: Keeps the scores.
            classes: Those of the label map, if any.
            label_role: Whether it is the input or the target.
            segmenter: Tells the classes in photographs.
            lossy_labels: Says whether true labels come from JPEG files, whose blended edges have
                the colours of classes that are not there; asked once the files are known.
            classifier: Tells what the made pictures are of, where they ought to be of something.
            tells_itself: Whether the system does, of its own pictures.
        """
        self.evaluator = evaluator
        self.classes, self.label_role, self.segmenter = classes, label_role, segmenter
        self.lossy_labels, self.classifier = lossy_labels, classifier
        self.tells_labels = tells_itself or classifier is not None
        self._ceilings: dict[str | None, Matrices] = {}  # by split
        self._told: dict[str | None, dict[int, float]] = {}  # by split, of the targets

    @property
    def tells_classes(self) -> bool:
        """Whether there are classes to score, and something tells them in what is made."""
        seen = self.label_role == "target" or self.segmenter is not None
        return self.classes is not None and self.evaluator.segmentation and seen

    def directions(self, truth: bool, back: bool) -> dict[str, bool]:
        """Whether more is better, for the scores that a pass will give.

        Args:
            truth: Whether the true answers are known.
            back: Whether images are translated back, too.
        """
        metrics = {n: metric.more_is_better for n, metric in self.evaluator.metrics.items()}
        found = dict(metrics) if truth else {}
        of_classes = OF_CLASSES if truth and self.tells_classes else ()
        of_sets = OF_INCEPTION if self.evaluator.has_distribution else ()
        known = {score.name: score.more_is_better for score in (*of_classes, *of_sets)}
        known |= {ClassAccuracy.name: ClassAccuracy.more_is_better} if self.tells_labels else {}
        found |= {name: more for name, more in known.items() if more is not None}
        return found | ({RECONSTRUCTION + n: more for n, more in metrics.items()} if back else {})

    def update(self, shown: Shown, made: Tensor | None = None) -> None:
        """Adds a batch.

        Args:
            shown: The batch.
            made: Other pictures, (B, C, H, W), to score in place of those that it made.
        """
        told = self.told(shown, made)
        made = shown.made if made is None else made
        classes = self.class_maps(shown, made) if shown.true else None
        back = None if shown.back is None else (shown.back, shown.source)
        self.evaluator.update(
            shown.index, shown.names, made, shown.real, classes, shown.y_index, back, shown.true,
            told, (shown.task.kinds["target"], shown.task.kinds["input"]),
        )  # fmt: skip

    def told(self, shown: Shown, made: Tensor | None) -> tuple[Tensor, Tensor | None] | None:
        """The class accuracy of each picture that was made, and of each target; or None.

        Args:
            shown: The batch.
            made: Pictures in place of those that the system made, or None.
        """
        if made is None and shown.correct is not None:
            return shown.correct, None
        if self.classifier is None or shown.label is None:
            return None
        made = shown.made if made is None else made
        return self.told_of(made, shown.label, shown.names), self.told_of_targets(shown)

    def told_of(self, pictures: Tensor, label: Tensor, names: Sequence[str] | None) -> Tensor:
        """The class accuracy of pictures, (B, 1 or 3, H, W), as they are when they are written."""
        if not len(pictures):  # a batch may have none for a route, made ones or targets
            return torch.zeros(0)
        return right(self.classifier(to_uint8(pictures, names).float() / 127.5 - 1), label)

    def told_of_targets(self, shown: Shown) -> Tensor:
        """The same of the real pictures, which the classifier looks at once a run."""
        known = self._told.setdefault(self.evaluator.split, {})
        places = (shown.index if shown.y_index is None else shown.y_index).tolist()
        if any(place not in known for place in places):
            label = shown.label if shown.y_label is None else shown.y_label
            found = self.told_of(shown.real, label, None).tolist()
            known |= dict(zip(places, found, strict=True)) | known  # what was known stays
        return torch.tensor([known[place] for place in places])

    def class_maps(self, shown: Shown, made: Tensor) -> ClassMaps | None:
        """The classes of a batch and of pictures made of it; None where nothing tells them."""
        if not self.tells_classes:
            return None
        names = tuple(self.classes.names)
        if self.label_role == "target":
            seen = self.classes.ids_of_colours(made, with_unlabelled=False)
            return ClassMaps(names, self.true_ids(shown.real), seen, None)
        truth = self.true_ids(shown.source)
        look = shown.task.kinds["target"].seen
        levels = to_uint8(look(made), shown.names)
        seen = self.segmenter(levels.float() / 127.5 - 1, shown.names)
        counts = self.ceiling(shown.index.tolist(), shown.names, truth, look(shown.real))
        return ClassMaps(names, truth, seen, counted=counts)

    def ceiling(
        self, indices: list[int], names: list[str], truth: Tensor, target: Tensor
    ) -> Matrices:
        """What the segmenter says of the real photographs: counts of each, see ``confusion``."""
        known = self._ceilings.setdefault(self.evaluator.split, {})
        if any(i not in known for i in indices):  # the whole batch: it may share its statistics
            found = matrices(indices, truth, self.segmenter(target, names), len(self.classes.names))
            known |= found | known  # what was known stays
        return known

    def true_ids(self, label: Tensor) -> Tensor:
        """The class ids, (B, H, W) uint8, of true label pictures, (B, 3, H, W)."""
        if not self.lossy_labels():
            return self.classes.ids_of_colours(label, with_unlabelled=True)
        pictures = to_uint8(label).permute(0, 2, 3, 1).cpu().numpy()
        ids = [torch.from_numpy(self.classes.decode(picture, lossy=True)) for picture in pictures]
        return torch.stack(ids).to(label.device)
