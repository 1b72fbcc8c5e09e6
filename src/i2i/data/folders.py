"""Where the files of a split lie: pairs, or a folder for each side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from i2i.data.index.attribute_tables import AttributeTables
from i2i.data.index.folder_patterns import Folder, check_patterns, folders_of_sides
from i2i.data.index.listing import say_passed_over, say_what_stands_above
from i2i.data.index.pair_index import find_pairs, find_pictures
from i2i.data.index.pair_keys import PairKeys, pair_keys
from i2i.data.index.pair_list import PairList
from i2i.data.index.pair_sizes import Sizes
from i2i.data.index.pair_table import PairTable
from i2i.data.index.same_places import find_same_places
from i2i.data.paired_transforms import Role
from i2i.data.pairing import Attributed, Labelled, Paired, Pairing, Samples, Unpaired
from i2i.data.reading.sides import Side, apart


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
        pair_by: What of the names says which belong together; None: the whole names.
        sizes: Whether the sides of a pair need equal sizes.
    """

    sides: tuple[Folder, ...]
    single: bool
    photo: bool
    pair_by: PairKeys | None = None
    sizes: Sizes = "equal"

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        folders = tuple(dict.fromkeys(self.sides))  # one, where it holds both sides
        patterns, keys = zip(*folders, strict=True)
        a_folder, b_folder = (*patterns, None)[:2]
        pairs = find_pairs(
            root, split_folder, a_folder=a_folder, b_folder=b_folder, single=self.single,
            keys=keys, pair_by=self.pair_by, sizes=self.sizes, **options,
        )  # fmt: skip
        say_what_stands_above(root, patterns, split_folder)
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
class PairRows(PairFolders):
    """Pairs that a table names.

    Attributes:
        table: Of all splits.
    """

    table: PairTable | None = None

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        return (self.table.find(root, split_folder, sizes=self.sizes, **options),)


@dataclass(frozen=True)
class SideFolders:
    """A folder for each side, or for each of several domains.

    Attributes:
        sides: Those of input and target, or of the domains in the order of their numbers.
        partners: Whether all show the same places, under the same names.
        pair_by: What of the names says which show the same place; None: the whole names.
        sizes: Whether pictures of a place need equal sizes.
    """

    sides: tuple[Folder, ...]
    partners: bool = False
    pair_by: PairKeys | None = None
    sizes: Sizes = "equal"

    def find(self, root: Path, split_folder: str, **options: Any) -> tuple[PairList, ...]:
        if self.partners:
            found = find_same_places(
                root, split_folder, self.sides, pair_by=self.pair_by, sizes=self.sizes, **options
            )
        else:
            found = tuple(
                find_pictures(root, split_folder, folder=side.pattern, key=side.key, **options)
                for side in self.sides
            )
        for folder, others in _together(found).items():
            say_passed_over(folder, others)
        say_what_stands_above(root, [side.pattern for side in self.sides], split_folder)
        return found

    def nothing(self) -> tuple[PairList, ...]:
        return tuple(PairList() for _ in self.sides)

    def samples(self, lists: tuple[PairList, ...], pairing: Pairing, training: bool) -> Samples:
        roles: list[Role] = ["input", *["target"] * (len(lists) - 1)]
        sides = apart(lists, roles)
        if pairing == "labelled":
            return Labelled(sides, answers=self.partners and not training)
        return Unpaired(*sides, partners=False)


def _together(lists: tuple[PairList, ...]) -> dict[Path, list[str]]:
    """The files that are not read by folder: of many classes all in a line."""
    if len(lists) == 2:
        return {files.folder: [*files.others] for files in lists}
    above: dict[Path, list[str]] = {}
    for files in lists:
        above.setdefault(files.folder.parent, []).extend(files.others)
    return above


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


def sides_of(
    a_folder: str,
    b_folder: str | None,
    domains: Sequence[str] | None,
    n_splits: int,
    pair_by: str | Mapping[str, str] | None,
    in_a_table: bool,
) -> tuple[tuple[Folder, ...], PairKeys | None]:
    """The folders of the sides, or of the only files, and what of a name makes a pair.

    Args:
        a_folder: ``dataset.a_folder``.
        b_folder: ``dataset.b_folder``.
        domains: ``dataset.domains``.
        n_splits: How many splits the folder patterns serve.
        pair_by: ``dataset.pair_by``; with it one folder is that of both sides.
        in_a_table: Whether a table names the pairs, whose two columns stand for folders.

    Raises:
        SettingError: As in ``folders_of_sides``, ``check_patterns`` and ``PairKeys``.
    """
    if in_a_table:
        return folders_of_sides("input", "target", domains), None
    check_patterns(a_folder, b_folder, n_splits)
    sides = folders_of_sides(a_folder, b_folder, domains)
    keys = pair_keys(pair_by, len(sides) == 1)
    if keys is None:
        return sides, None
    sides = 2 * sides if len(sides) == 1 else sides
    keys.require_for(len(sides))
    return sides, keys


def folders_of(
    sides: tuple[Folder, ...],
    apart: bool,
    partners: bool,
    forth: int,
    *,
    single: bool,
    photo: bool,
    tables: AttributeTables | None,
    table: PairTable | None,
    pair_by: PairKeys | None,
    sizes: Sizes,
) -> Folders:
    """How the files of a data set lie.

    Args:
        sides: Of A and B, of the domains, or of the only files.
        apart: Whether each is listed by itself.
        partners: Whether all show the same places.
        forth: -1 where B is the input, else 1.
        single: As in ``PairFolders``.
        photo: Likewise.
        tables: Those of attributes, where there are some.
        table: That of pairs, where there is one.
        pair_by: As in ``PairFolders``.
        sizes: Likewise.
    """
    if tables is not None:
        return AttributeFolder(sides[0], tables)
    if table is not None:
        return PairRows(sides, single, photo, sizes=sizes, table=table)
    if apart:
        return SideFolders(sides[::forth], partners, pair_by, sizes)
    return PairFolders(sides, single, photo, pair_by, sizes)
