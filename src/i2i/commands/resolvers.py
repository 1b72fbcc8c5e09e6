"""Values that conf/ computes: how many channels a side has."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf


def side_channels(
    role: str,
    direction: str,
    label_side: str | None,
    label_as: str,
    classes: Mapping[str, Any] | None,
    task: Mapping[str, Any] | None,
) -> int:
    """Channels of one side of a pair: those of the task, one a class, or RGB.

    Args:
        role: input or target.
        direction: AtoB or BtoA.
        label_side: A, B or None.
        label_as: colours or onehot.
        classes: The node of the classes, with their ``colours``.
        task: The node of the task.

    Returns:
        The number; a wrong option is left to whoever takes it.
    """
    if task is not None:
        return task[f"{role}_channels"]
    label_role = "input" if (label_side == "A") == (direction == "AtoB") else "target"
    if label_side and role == label_role and label_as == "onehot" and classes is not None:
        return len(classes["colours"])
    return 3


def register() -> None:
    """Makes ``${side_channels:...}`` known to OmegaConf."""
    OmegaConf.register_new_resolver("side_channels", side_channels, replace=True)
