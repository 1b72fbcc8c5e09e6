"""What the tasks ask of their settings and of the pictures they are given."""

from typing import Any

import numpy as np

from i2i.errors import setting_error


def require_one_of(key: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Makes sure that ``task.<key>`` is one of the values allowed.

    Raises:
        SettingError: It is another.
    """
    if value not in allowed:
        raise setting_error(
            f"task.{key}={value}",
            f"'{value}'",
            f"one of {', '.join(map(str, allowed))}",
            f"For example task.{key}={allowed[0]}.",
        )


def require_channels(task: str, given: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Makes sure that the channels in the settings, which size the networks, are the task's.

    Args:
        task: What the task is called in the error.
        given: ``input_channels`` and ``target_channels`` of the settings.
        wanted: Those that the task makes.

    Raises:
        SettingError: They differ.
    """
    for key, found, right in zip(("input_channels", "target_channels"), given, wanted, strict=True):
        if found != right:
            raise setting_error(
                f"task.{key}={found}",
                f"{found} channels",
                f"{right}, because that is what {task} makes",
                f"Leave task.{key} out, or choose another task.",
            )


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Gives a picture three channels.

    Args:
        image: (H, W, 1 or 3).

    Returns:
        (H, W, 3); grey is repeated.

    Raises:
        ValueError: It has another shape.
    """
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"image has shape {image.shape}; expected (H, W, 1 or 3)")
    return image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
