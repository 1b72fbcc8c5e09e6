"""``metrics.segmenter=``: a checkpoint trained photo -> label tells the classes in photographs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from i2i.checkpoints.saved_model import load_model
from i2i.data.paired_transforms import Role, as_size
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.errors import setting_error
from i2i.labels.palette import ClassPalette
from i2i.messages import warn


class CheckpointSegmenter:
    """A generator that was trained photo -> label.

    It is no nn.Module: its weights reach no checkpoint, optimizer or DDP.
    """

    def __init__(self, model: Any):
        self.model = model.eval().requires_grad_(False)
        self.task: LabelTask = model.task

    def to(self, device: torch.device | str) -> "CheckpointSegmenter":
        """Moves the network in place."""
        self.model.to(device)
        return self

    @torch.no_grad()
    def __call__(self, photos: Tensor, names: Sequence[str]) -> Tensor:
        """Tells the classes, in float32, with the segmenter's own model.inference.

        Args:
            photos: (B, 3, H, W) in [-1, 1].
            names: One an image; the segmenter's dropout noise, if it has any, depends on it.

        Returns:
            Class ids (B, H, W) uint8.
        """
        picture = self.model.translator().pictures(photos.float(), names)
        return self.task.classes.ids_of_colours(picture, with_unlabelled=False)


def load_segmenter(
    path: str | None,
    classes: ClassPalette | None,
    label_role: Role | None,
    image_size: int | Sequence[int],
) -> CheckpointSegmenter | None:
    """Loads ``metrics.segmenter`` and makes sure that it knows the data set's classes.

    Args:
        path: A checkpoint or a run folder; None for no segmenter.
        classes: Those of the data set that is scored.
        label_role: Which side of it is the label.
        image_size: Of its images, in pixels, or [height, width].

    Returns:
        The segmenter on the CPU.

    Raises:
        SettingError: The checkpoint cannot be used, was not trained photo -> label, or has other
            classes; or the data set has none, or does not make photographs from labels.
    """
    if path is None:
        return None
    setting = f"metrics.segmenter={path}"
    if classes is None or label_role != "input":
        found = "a data set without classes" if classes is None else "photo -> label translation"
        raise setting_error(
            setting, found, "label -> photo translation with dataset.classes",
            "Leave metrics.segmenter out: labels that were made are scored by their colours."
            if classes else "Leave metrics.segmenter out, or set dataset.classes.",
        )  # fmt: skip
    model, checkpoint = load_model(path, {}, "metrics.segmenter")
    require_same_classes(setting, model.task, classes)
    require_same_photographs(setting, checkpoint.config["dataset"], image_size)
    return CheckpointSegmenter(model)


def require_same_classes(setting: str, task: Task, classes: ClassPalette) -> None:
    """Refuses a checkpoint that does not tell the classes of the data set that is scored.

    Args:
        setting: The option that named it.
        task: What it was trained for.
        classes: Those of the data set.

    Raises:
        SettingError: It does not make label maps, or makes them of other classes.
    """
    if not isinstance(task, LabelTask) or task.role != "target":
        raise setting_error(
            setting, "a checkpoint that does not make label maps",
            "one trained photo -> label on a data set with classes",
            "Train one: python src/train.py dataset=camvid dataset.root=... dataset.direction=AtoB "
            "dataset.label_as=onehot.",
        )  # fmt: skip
    if not task.classes.same_classes(classes):
        theirs, ours = list(task.classes.names), list(classes.names)
        differing = sorted(set(theirs) ^ set(ours)) or "their order"
        raise setting_error(
            setting, f"a segmenter with other classes ({len(theirs)}: {', '.join(theirs)})",
            f"the {len(ours)} of the data set ({', '.join(ours)}); the difference: {differing}",
            "Train a segmenter on this data set.",
        )  # fmt: skip


def require_same_photographs(
    setting: str, own: dict[str, Any], image_size: int | Sequence[int]
) -> None:
    """Refuses a segmenter of grey pictures, and tells of one of another size.

    Args:
        setting: The option that named it.
        own: The data set that it was trained on, as configured.
        image_size: Of the pictures that it will see.

    Raises:
        SettingError: It does not take three channels.
    """
    if own["input_channels"] != 3:
        raise setting_error(
            setting, f"a segmenter of {own['input_channels']} input channels", "3: it sees RGB",
            "Train one on colour photographs.",
        )  # fmt: skip
    if as_size(own["image_size"]) != as_size(image_size):
        warn(
            f"{setting} was trained on images of {own['image_size']} pixels, and sees those of "
            f"{image_size}: its scores, the ceiling too, may be low."
        )
