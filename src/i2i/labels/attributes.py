"""What a picture is asked to show, by name: one of several domains, or some attributes."""

from collections.abc import Mapping, Sequence
from typing import Any

from i2i.errors import setting_error


class Attributes:
    """Names that a label has a number for each of, and which of them exclude each other.

    Args:
        names: By number.
        exclusive: Groups of which a picture has one only: to give it another one is to take the
            others away.
    """

    def __init__(self, names: Sequence[str], exclusive: Sequence[Sequence[str]] = ()) -> None:
        self.names = tuple(map(str, names))
        self.exclusive = tuple(tuple(map(str, group)) for group in exclusive)

    def rivals(self, name: str) -> list[int]:
        """Numbers of what a picture loses where it gets this one, its own among them, if any."""
        groups = [group for group in self.exclusive if name in group]
        return [i for i, other in enumerate(self.names) if any(other in g for g in groups)]

    def one(self, name: str) -> tuple[float, ...]:
        """The label that has this one alone."""
        return tuple(float(other == name) for other in self.names)

    def label(self, asked: Mapping[str, Any]) -> tuple[float, ...]:
        """The label of pictures that have these attributes, and none that are not named.

        Args:
            asked: 0 or 1 by name.

        Raises:
            SettingError: There is no such attribute, a value is neither 0 nor 1, or two exclude
                each other.
        """
        for name, value in asked.items():
            if name not in self.names or value not in (0, 1):
                raise setting_error(
                    "attributes", f"{name}: {value}", f"0 or 1 for any of {', '.join(self.names)}",
                    "Correct the name or the value.",
                )  # fmt: skip
        label = tuple(float(asked.get(name, 0)) for name in self.names)
        for name in (name for name, value in asked.items() if value):
            both = [self.names[i] for i in self.rivals(name) if label[i]]
            if len(both) > 1:
                raise setting_error(
                    "attributes", f"{' and '.join(both)}", "one of them, as model.exclusive says",
                    "Ask for one.",
                )  # fmt: skip
        return label
