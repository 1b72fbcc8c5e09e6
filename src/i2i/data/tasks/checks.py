"""What the tasks ask of their settings and of the pictures they are given."""

from typing import Any

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
