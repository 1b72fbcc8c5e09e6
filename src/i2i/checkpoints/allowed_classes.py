"""Which classes a configuration out of a file may name, so that no stranger's file runs code."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from i2i.errors import setting_error

# Where the classes that a checkpoint may name live. Only classes below the types of
# ``allowed_types`` are made, so that a file from a stranger cannot call a function.
TRUSTED_MODULES = ("i2i.", "torch.nn.", "torch.optim.", "albumentations.")
OURS = "Use RUN_DIR/checkpoints/best.ckpt or last.ckpt of a training run."
LONGEST = 10_000  # characters of a text in a configuration
DEEPEST = 32  # nodes below one another in a configuration


def entries(node: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every key with its value below a node; the items of a list have the key "".

    Raises:
        SettingError: Nodes lie deeper than a run's ever do.
    """
    if depth > DEEPEST:
        raise setting_error(
            "the configuration of a checkpoint", f"more than {DEEPEST} nodes below one another",
            "fewer", OURS,
        )  # fmt: skip
    if isinstance(node, Mapping | list | tuple):
        pairs = node.items() if isinstance(node, Mapping) else (("", value) for value in node)
        for key, value in pairs:
            yield str(key), value
            yield from entries(value, depth + 1)


def allowed_types(part: str = "model") -> tuple[type, ...]:
    """The kinds of objects that a part of the configuration is made of."""
    from lightning.pytorch import LightningDataModule
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from i2i.data.built_in import BuiltInSet
    from i2i.data.paired_transforms import PairedTransform
    from i2i.data.tasks.task import Task
    from i2i.files.archive import Archive
    from i2i.labels.palette import ClassPalette
    from i2i.losses.gan import GANLoss
    from i2i.losses.reconstruction import ReconstructionLoss
    from i2i.metrics.evaluator import PairEvaluator
    from i2i.metrics.image_metric import ImageMetric
    from i2i.training.speed import Speed

    if part == "dataset":
        kinds = (LightningDataModule, PairedTransform, Archive, BuiltInSet)
        return (*kinds, ClassPalette, Task)
    if part == "metrics":
        return (PairEvaluator, ImageMetric)
    return (nn.Module, Optimizer, LRScheduler, GANLoss, ReconstructionLoss, Speed)


def augmentations() -> tuple[type, ...]:
    """The kinds of objects that ``augmentation.further`` is made of."""
    import albumentations

    return (albumentations.BasicTransform, albumentations.BaseCompose)


def check_targets(node: Any, setting: str, allowed: tuple[type, ...] | None = None) -> None:
    """Refuses a configuration that names more than the classes a run is made of.

    Args:
        node: A part of a configuration from a file.
        setting: What it is called in the error.
        allowed: The kinds of objects it may name; None takes those of a model.

    Raises:
        SettingError: A ``_target_`` is not such a class of this project or of torch.nn or
            torch.optim, or a string asks to be computed.
    """
    for key, value in entries(node):
        if key == "_target_" and not _may_be_made(value, allowed or allowed_types()):
            raise setting_error(
                setting, f"_target_: {value}", "classes of i2i, torch.nn, torch.optim or "
                "albumentations only",
                "Do not use this file unless you know where it comes from; your own networks "
                "belong into src/i2i/.",
            )  # fmt: skip
        for text in (key, value):
            if isinstance(text, str) and len(text) > LONGEST:
                raise setting_error(
                    setting, f"a text of {len(text)} characters", f"at most {LONGEST}", OURS
                )
            if isinstance(text, str) and "${" in text:
                raise setting_error(
                    setting, f"{text[:80]!r}, which asks to be computed", "plain values only",
                    "Do not use this file unless you know where it comes from.",
                )  # fmt: skip


def _may_be_made(target: Any, allowed: tuple[type, ...]) -> bool:
    """Whether a ``_target_`` is a class of this project or of torch, of the kinds allowed."""
    if not str(target).startswith(TRUSTED_MODULES):
        return False
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return False
    kinds = augmentations() if target.startswith("albumentations.") else allowed
    return isinstance(found, type) and issubclass(found, kinds)
