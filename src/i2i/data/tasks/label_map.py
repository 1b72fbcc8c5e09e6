"""Label maps with known classes: as colours or as one channel a class."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from i2i.data.batches import OTHER_SIDE
from i2i.data.option_checks import at_least, one_of
from i2i.data.paired_transforms import Role
from i2i.data.reading.pair_reader import PairReader
from i2i.data.tasks.task import PhotoTask, Task
from i2i.images.ranges import to_float
from i2i.labels.palette import ClassPalette


class LabelTask(Task):
    """Pairs of which one side is a label map; the other is a picture.

    Args:
        classes: Of the label map.
        role: Which side it is.
        label_as: ``colours``: the network sees the palette's colours, 3 channels; ``onehot``: one
            channel per class. An input is 1 where it is that class and 0 elsewhere, as in SPADE and
            pix2pixHD: the zeros that convolutions pad with then mean "no class", like an unlabelled
            pixel. A target is 1 and -1, the two ends of a generator's tanh, and all -1 where
            unlabelled.
    """

    def __init__(
        self,
        classes: ClassPalette,
        role: Role,
        label_as: Literal["colours", "onehot"] = "colours",
    ) -> None:
        if role not in ("input", "target") or label_as not in ("colours", "onehot"):
            raise ValueError(f"role={role}, label_as={label_as}")
        self.classes, self.role, self.label_as = classes, role, label_as
        self.plain = label_as == "colours"
        self._from_zero = role == "input"  # what "not this class" is as a number: 0, else -1

    def reversed(self) -> "LabelTask":
        other = LabelTask(self.classes, OTHER_SIDE[self.role], self.label_as)
        other._from_zero = self._from_zero  # the tensors are those of the same data set
        other.kinds = self.exchanged_kinds()
        return other

    def encode_role(self, role: Role, image: np.ndarray, seed: int) -> Tensor:
        """Makes one side; a label map comes as class ids, (H, W, 1) uint8, for ``onehot``."""
        return self._one_hot(image) if self._is_one_hot(role) else to_float(image)

    def encode_input(self, image: np.ndarray, seed: int, mask: np.ndarray | None = None) -> Tensor:
        """Makes the network's input of a label map or a photograph.

        Args:
            image: (H, W, 3), uint8, or floats on the 0..255 scale: a label map in the palette's
                colours, exact ones for ``onehot``.
            seed: Unused.
            mask: Unused.

        Returns:
            (3 or n_classes, H, W).

        Raises:
            SettingError: A label map for ``onehot`` has colours that are no class.
        """
        if not self._is_one_hot("input"):
            return to_float(image)
        return self._channels(self.prepare(image, seed)[0])

    def prepare(
        self, image: np.ndarray, seed: int, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Turns a label map for ``onehot`` into class ids, (H, W) uint8, and checks it as a whole.

        Raises:
            SettingError: It has colours that are no class, more of them than allowed.
        """
        if not self._is_one_hot("input"):
            return image, None
        self.classes.check([("the input image", image, False)], "input")
        return self.classes.decode(image), None

    def encode_part(
        self, image: np.ndarray, seed: int, mask: np.ndarray | None, rows: slice, columns: slice
    ) -> Tensor:
        """Takes the class ids of ``prepare`` for ``onehot``."""
        if not self._is_one_hot("input"):
            return to_float(image[rows, columns])
        return self._channels(image[rows, columns])

    def input_picture(self, x: Tensor) -> Tensor:
        """Shows a one-hot input in the palette's colours."""
        return self._picture("input", x)

    def output_picture(self, x: Tensor, y: Tensor) -> Tensor:
        """Shows one-hot answers in the palette's colours, true ones and made ones.

        A made pixel whose channels are all exactly -1 is shown as unlabelled: a picture does not
        tell who made it.
        """
        return self._picture("target", y)

    def _is_one_hot(self, role: str) -> bool:
        return role == self.role and self.label_as == "onehot"

    def _one_hot(self, ids: np.ndarray) -> Tensor:
        if ids.ndim != 3 or ids.shape[2] != 1 or ids.dtype != np.uint8:
            raise ValueError(f"a label map of {ids.dtype} {ids.shape}; expected uint8 (H, W, 1)")
        return self._channels(ids[:, :, 0])

    def _channels(self, ids: np.ndarray) -> Tensor:
        channels = self.classes.one_hot(ids)
        return channels.clamp_(min=0) if self._from_zero else channels

    def _picture(self, role: Role, side: Tensor) -> Tensor:
        if not self._is_one_hot(role):
            return side
        with torch.no_grad():
            channels = 2 * side - 1 if self._from_zero else side
            return self.classes.colours_of_ids(self.classes.ids_of_one_hot(channels, truth=True))


def task_of(reader: PairReader, task: PhotoTask | None) -> Task:
    """What a network is shown of a data set: a task's pairs, classes, or the two sides as they are.

    Args:
        reader: Knows the classes and the numbers of channels.
        task: Made from the photographs; None for the pairs.

    Raises:
        SettingError: The numbers of channels are not those of the task or of the classes.
    """
    role, sizes = reader.label_role, {}
    if task is not None:
        sizes = {"input": task.input_channels, "target": task.target_channels}
    elif reader.classes is not None and reader.label_as == "onehot":
        sizes = {role: reader.classes.n_classes}
    elif reader.classes is not None:
        sizes = {role: 3}  # colours; grey ones would be no classes
    for side in ("input", "target"):
        channels = getattr(reader, f"{side}_channels")
        if side in sizes:
            one_of(f"{side}_channels", channels, (sizes[side],))
        else:
            at_least(f"{side}_channels", channels, 1)
    if task is not None:
        return task
    return LabelTask(reader.classes, role, reader.label_as) if reader.classes else Task()
