"""``metrics.classifier=``: a run of model=classifier tells what made pictures are of."""

from typing import Any

import torch
from torch import Tensor

from i2i.checkpoints.saved_model import load_model
from i2i.commands.scoring.data_to_score import KIND_OF_LABELS
from i2i.data.paired_transforms import as_size
from i2i.errors import setting_error
from i2i.messages import warn
from i2i.metrics.class_accuracy import ITSELF


class CheckpointClassifier:
    """A classifier out of a checkpoint.

    It is no nn.Module: its weights reach no checkpoint, optimizer or DDP.
    """

    def __init__(self, model: Any):
        self.model = model.eval().requires_grad_(False)

    def to(self, device: torch.device | str) -> "CheckpointClassifier":
        """Moves the network in place."""
        self.model.to(device)
        return self

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> Tensor:
        """(B, C, H, W) in [-1, 1] to logits (B, n), in float32."""
        with torch.autocast(pictures.device.type, enabled=False):
            return self.model.tell(pictures.float())


def load_classifier(path: str | None, datamodule: Any, model: Any) -> CheckpointClassifier | None:
    """Loads ``metrics.classifier`` and makes sure that it tells the data set's classes.

    Args:
        path: A run folder or a checkpoint; None for no classifier, ``itself`` where the system is
            one.
        datamodule: The data set that is scored.
        model: The system that is scored.

    Returns:
        The classifier on the CPU; None where there is none, or the system is one.

    Raises:
        SettingError: The checkpoint cannot be used, is of no classifier, or of one with other
            classes or channels; or the system or the data have no labels.
    """
    setting, tells = f"metrics.classifier={path}", hasattr(model, "tell")
    if tells != (path == ITSELF) and (tells or path == ITSELF):
        raise setting_error(
            setting, f"{type(model).__name__}, which {'tells' if tells else 'does not tell'} "
            "classes by itself", ITSELF if tells else "a run of model=classifier, or null",
            "Leave metrics.classifier out.",
        )  # fmt: skip
    if path is None or path == ITSELF:
        return None
    if datamodule.pairing != "labelled":
        raise setting_error(
            setting, f"dataset.pairing={datamodule.pairing}, whose pictures have no labels",
            "labelled pictures, as model=stargan and model=cgan learn from",
            "Leave metrics.classifier out.",
        )  # fmt: skip
    judge, checkpoint = load_model(path, {}, "metrics.classifier")
    if not hasattr(judge, "tell"):
        raise setting_error(
            setting, f"a checkpoint of {type(judge).__name__}, which tells no classes",
            "a run of model=classifier",
            "Train one: python src/train.py model=classifier dataset=NAME.",
        )  # fmt: skip
    require_same_domains(setting, judge.domains, datamodule.domains)
    require_same_kind(setting, checkpoint.config["dataset"], datamodule.exclusive)
    require_same_pictures(setting, checkpoint.config["dataset"], datamodule)
    return CheckpointClassifier(judge)


def require_same_domains(setting: str, its: tuple[str, ...], ours: tuple[str, ...]) -> None:
    """Refuses a classifier of other domains, classes or attributes, or of another order.

    Raises:
        SettingError: Their names or their order differ.
    """
    if its != ours:
        differing = sorted(set(its) ^ set(ours)) or "their order"
        raise setting_error(
            setting, f"a classifier with other classes ({len(its)}: {', '.join(its)})",
            f"the {len(ours)} of the data set ({', '.join(ours)}); the difference: {differing}",
            "Train a classifier on this data set.",
        )  # fmt: skip


def require_same_kind(setting: str, own: dict[str, Any], exclusive: bool) -> None:
    """Refuses a classifier of attributes for classes of the same names, and the reverse.

    Args:
        setting: The option that named it.
        own: The data set that it was trained on, as configured.
        exclusive: Whether a picture of the data to score has one label and no other.

    Raises:
        SettingError: It is one.
    """
    its = own.get("attributes") is None
    if its != exclusive:
        raise setting_error(
            setting, f"a classifier of {KIND_OF_LABELS[its]}",
            f"one of {KIND_OF_LABELS[exclusive]}, which the data set has",
            "Train a classifier on this data set.",
        )  # fmt: skip


def require_same_pictures(setting: str, own: dict[str, Any], datamodule: Any) -> None:
    """Refuses a classifier of other channels, and tells of one of another size.

    Args:
        setting: The option that named it.
        own: The data set that it was trained on, as configured.
        datamodule: The one that is scored.

    Raises:
        SettingError: The channels differ.
    """
    channels = datamodule.reader.input_channels
    if own["input_channels"] != channels:
        raise setting_error(
            setting, f"a classifier of {own['input_channels']} channels", f"{channels}, which the "
            "pictures have", "Train a classifier on this data set.",
        )  # fmt: skip
    if as_size(own["image_size"]) != as_size(datamodule.image_size):
        warn(
            f"{setting} was trained on pictures of {own['image_size']} pixels, and sees those of "
            f"{datamodule.image_size}: class_accuracy, the ceiling's too, may be low."
        )
