"""What a score is called, what it counts in, and whether more of it is better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Score:
    """A number that a pass over a split ends with."""

    name: str  # in files, in ``sweep_metric=val/NAME``
    more_is_better: bool | None  # None: neither, such as a spread
    unit: str = ""  # for headings of tables


RECONSTRUCTION = "reconstruction_"  # before a metric's name: of what was translated there and back
# What a run is judged by where nobody says so, in this order. Without the truth the distribution of
# the images counts; the way back alone says nothing of the answers, but of a training that breaks.
MAIN = ("ssim", "fid", f"{RECONSTRUCTION}l1")


def main_score(names: Iterable[str]) -> str | None:
    """The score that a run is judged by, of those that there are; None where there is none.

    Args:
        names: NAME or ROUTE/NAME, those of the main route first.
    """
    names = list(names)
    ordered = [n for main in MAIN for n in names if n.rpartition("/")[2] == main]
    return next(iter([*ordered, *names]), None)


def by_name(routes: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """What belongs to each route, under NAME where there is one route, else under ROUTE/NAME."""
    prefixes = {route: "" if len(routes) == 1 else f"{route}/" for route in routes}
    return {prefixes[route] + n: value for route, own in routes.items() for n, value in own.items()}


def heading(name: str, unit: str = "") -> str:
    """How a table calls a score: its name, and its unit where it has one."""
    return f"{name} ({unit})" if unit else name
