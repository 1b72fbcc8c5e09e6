"""From tensors to what is scored: pictures, and class maps where the data set has classes."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from i2i.data.paired_transforms import Role
from i2i.data.tasks.task import Task
from i2i.images.quantise import to_uint8
from i2i.labels.class_scores import Matrices, matrices
from i2i.labels.palette import ClassPalette
from i2i.metrics.evaluator import ClassMaps, PairEvaluator


class Segmenter(Protocol):
    """Tells the classes in photographs."""

    def __call__(self, photos: Tensor, names: Sequence[str]) -> Tensor:
        """(B, 3, H, W) in [-1, 1] to (B, H, W) uint8."""

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
        task: Task | None = None,
        classes: ClassPalette | None = None,
        label_role: Role | None = None,
        segmenter: Segmenter | None = None,
        lossy_labels: Callable[[], bool] = lambda: False,
    ):
        """Takes what it needs of the data set.

        Args:
            evaluator: Keeps the scores.
            task: How tensors become pictures; None for pictures.
            classes: Those of the label map, if any.
            label_role: Whether it is the input or the target.
            segmenter: Tells the classes in photographs.
            lossy_labels: Says whether true labels come from JPEG files, whose blended edges have
                the colours of classes that are not there; asked once the files are known.
        """
        self.evaluator, self.task = evaluator, task or Task()
        self.classes, self.label_role, self.segmenter = classes, label_role, segmenter
        self.lossy_labels = lossy_labels
        self._ceilings: dict[str | None, Matrices] = {}  # by split

    @property
    def tells_classes(self) -> bool:
        """Whether there are classes to score, and something tells them in what is made."""
        seen = self.label_role == "target" or self.segmenter is not None
        return self.classes is not None and self.evaluator.segmentation and seen

    def update(self, index: Tensor, names: list[str], x: Tensor, y: Tensor, y_hat: Tensor) -> None:
        """Adds a batch.

        Args:
            index: Place of each image in its split, (B,).
            names: One an image.
            x: Inputs, (B, C_in, H, W) in [-1, 1].
            y: Targets, (B, C_out, H, W) in [-1, 1].
            y_hat: What was made, like y.
        """
        self.update_picture(index, names, x, y, self.task.output_picture(x, y_hat))

    def update_picture(
        self, index: Tensor, names: list[str], x: Tensor, y: Tensor, picture: Tensor
    ) -> None:
        """Adds a batch whose answers are pictures already, (B, 1 or 3, H, W)."""
        target = self.task.output_picture(x, y)
        classes = self.class_maps(index, names, x, picture, target)
        self.evaluator.update(index, names, picture, target, classes)

    def class_maps(
        self, index: Tensor, names: list[str], x: Tensor, made: Tensor, target: Tensor
    ) -> ClassMaps | None:
        """The classes of a batch of inputs and pictures; None where nothing tells them."""
        if not self.tells_classes:
            return None
        if self.label_role == "target":
            return ClassMaps(
                tuple(self.classes.names),
                self.true_ids(target),
                self.classes.ids_of_colours(made, with_unlabelled=False),
                None,
            )
        truth = self.true_ids(self.task.input_picture(x))
        seen = self.segmenter(to_uint8(made, names).float() / 127.5 - 1, names)
        counts = self.ceiling(index.tolist(), names, truth, target)
        return ClassMaps(tuple(self.classes.names), truth, seen, counted=counts)

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
