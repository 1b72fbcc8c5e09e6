"""Where the files of a split lie: pairs, or a folder for each side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from i2i.data.index.attribute_tables import AttributeTables
from i2i.data.index.folder_patterns import Folder
from i2i.data.index.pair_index import find_pairs, find_pictures
from i2i.data.index.pair_list import PairList
from i2i.data.index.same_places import find_same_places
from i2i.data.paired_transforms import Role
from i2i.data.pairing import Attributed, Labelled, Paired, Pairing, Samples, Unpaired
from i2i.data.sides import Side, apart


class Folders(Protocol):
    """How the files of a data set lie."""

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        """Lists the files of a split; the options are those of ``find_pictures``."""

    def nothing(self) -> tuple[PairList, ...]:
        """The lists of a split that the set has not."""

    def samples(self, lists: tuple[PairList, ...], pairing: Pairing, training: bool) -> Samples:
        """What the samples of a split are made of.

        Args:
            lists: The files of the split.
            pairing: What makes a sample.
            training: Whether the samples are trained on; evaluation keeps what is known.
        """


@dataclass(frozen=True)
class PairFolders:
    """Pairs in two folders with the same names or in side-by-side images, or single photographs.

    Attributes:
        sides: Of A and B, or of the only files.
        single: Whether each file is one photograph.
        photo: Whether a task makes both sides of the photograph of each pair.
    """

    sides: tuple[Folder, ...]
    single: bool
    photo: bool

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        patterns, keys = zip(*self.sides, strict=True)
        a_folder, b_folder = (*patterns, None)[:2]
        pairs = find_pairs(
            root, split_folder, a_folder=a_folder, b_folder=b_folder, single=self.single,
            keys=keys, **options,
        )  # fmt: skip
        return (pairs,)

    def nothing(self) -> tuple[PairList, ...]:
        return (PairList(),)

    def samples(self, lists: tuple[PairList, ...], pairing: Pairing, training: bool) -> Samples:
        (pairs,) = lists
        whole = Side(pairs, None)
        one_file = self.photo or len(self.sides) == 1
        sides = (whole, whole) if one_file else apart((pairs, pairs), ("input", "target"))
        if pairing == "labelled":
            return Labelled(sides, answers=not training)
        if pairing == "unpaired" and training:
            return Unpaired(*sides, partners=True)
        return Paired(whole)


@dataclass(frozen=True)
class SideFolders:
    """A folder for each side, or for each of several domains.

    Attributes:
        sides: Those of input and target, or of the domains in the order of their numbers.
        partners: Whether all show the same places, under the same names.
    """

    sides: tuple[Folder, ...]
    partners: bool = False

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        if self.partners:
            return find_same_places(root, split_folder, self.sides, **options)
        return tuple(
            find_pictures(root, split_folder, folder=side.pattern, key=side.key, **options)
            for side in self.sides
        )

    def nothing(self) -> tuple[PairList, ...]:
        return tuple(PairList() for _ in self.sides)

    def samples(self, lists: tuple[PairList, ...], pairing: Pairing, training: bool) -> Samples:
        roles: list[Role] = ["input", *["target"] * (len(lists) - 1)]
        sides = apart(lists, roles)
        if pairing == "labelled":
            return Labelled(sides, answers=self.partners and not training)
        return Unpaired(*sides, partners=False)


class AttributeFolder:
    """One folder of pictures, and tables that say which split and which attributes each has.

    Args:
        folder: Of the pictures.
        tables: Where splits and attributes stand.
    """

    def __init__(self, folder: Folder, tables: AttributeTables) -> None:
        self.folder, self.tables = folder, tables

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        return (self.tables.find(root, split_folder, self.folder, **options),)

    def nothing(self) -> tuple[PairList, ...]:
        return (PairList(),)

    def samples(self, lists: tuple[PairList, ...], pairing: Pairing, training: bool) -> Samples:
        (pictures,) = lists
        return Attributed(Side(pictures, "input"), self.tables.labels(pictures))
