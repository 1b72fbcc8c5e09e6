"""What a score is called, what it counts in, and whether more of it is better."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A number that a pass over a split ends with."""

    name: str  # in files, in ``sweep_metric=val/NAME``
    more_is_better: bool | None  # None: neither, such as a spread
    unit: str = ""  # for headings of tables


def heading(name: str, unit: str = "") -> str:
    """How a table calls a score: its name, and its unit where it has one."""
    return f"{name} ({unit})" if unit else name
