"""The sides of a split: lists of files, and what of a file is read, resized and kept as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from i2i.data.index.pair_list import PairFiles, PairList
from i2i.data.paired_transforms import Role


class Unit(NamedTuple):
    """What is read, resized and kept in memory as one."""

    files: PairFiles
    entry: int  # its number in the split
    role: Role | None  # the one image of the files that it is; None: all that the task takes


@dataclass(frozen=True)
class Side:
    """The units of one side, by their places.

    Where one file holds both sides, or a photograph of which both are made, both sides have the
    same units.
    """

    files: PairList
    role: Role | None
    first: int = 0  # the number of its first unit

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> Unit:
        return Unit(self.files[place], self.first + place, self.role)


def apart(lists: Sequence[PairList], roles: Sequence[Role]) -> tuple[Side, ...]:
    """Sides whose pictures lie in files of their own."""
    firsts = [sum(map(len, lists[:place])) for place in range(len(lists))]
    found = zip(lists, roles, firsts, strict=True)
    return tuple(Side(files, role, first) for files, role, first in found)


def n_units(sides: Sequence[Side]) -> int:
    """How many units these sides have, each counted once."""
    return max(side.first + len(side) for side in sides)
