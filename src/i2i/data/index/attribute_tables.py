"""Which split and which attributes each picture of one folder has, from tables as CelebA's.

Liu et al. 2015, "Deep Learning Face Attributes in the Wild": list_attr_celeba.txt has the number of
pictures in its first line, the names of the attributes in its second, and then a line for each
picture, its file and 1 or -1 for each attribute; list_eval_partition.txt has a line for each
picture, its file and 0 (train), 1 (val) or 2 (test).
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from i2i.data.index.folder_patterns import Folder
from i2i.data.index.listing import folder_of, images_below, say_passed_over, some
from i2i.data.index.pair_index import OnError, whole_files
from i2i.data.index.pair_list import PairList
from i2i.data.option_checks import SPLITS
from i2i.errors import setting_error
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text

MOST_BYTES = 256_000_000  # of a table; CelebA's attributes are 27 MB
BY_HAND = (
    "Get img_align_celeba.zip, list_attr_celeba.txt and list_eval_partition.txt by hand from "
    "mmlab.ie.cuhk.edu.hk/projects/CelebA.html (In-The-Wild Images are not needed), unpack them "
    "into one folder, and set dataset.root to it."
)


class Table(NamedTuple):
    """What the tables say, in the order of the names."""

    names: np.ndarray  # (n,) text: of the pictures, without suffix, sorted
    splits: np.ndarray  # (n,) uint8: 0 train, 1 val, 2 test
    labels: np.ndarray  # (n, n_attributes) float32 of 0 and 1


class AttributeTables:
    """The tables of one set; they are read once.

    Args:
        attributes: Names of those to read, in the order in which labels hold them.
        attribute_file: Below the root of the set.
        partition_file: Likewise.
    """

    def __init__(self, attributes: Sequence[str], attribute_file: str, partition_file: str) -> None:
        self.attributes = tuple(attributes)
        self.attribute_file, self.partition_file = attribute_file, partition_file
        self._table: Table | None = None
        self._present: dict[str, str] = {}

    def find(
        self, root: Path, split: str, folder: Folder, *, on_error: OnError, most_pixels: int
    ) -> PairList:
        """Lists the pictures of a split.

        Args:
            root: The data set's folder.
            split: train, val or test.
            folder: Of all pictures, below ``root``.
            on_error: Whether a damaged picture stops the run ("raise") or is left out ("skip").
            most_pixels: What a picture may have.

        Raises:
            SettingError: Folder or tables are missing or damaged, or do not fit each other.
        """
        if self._table is None:
            self._read(root, folder)
        at = root / folder.pattern
        chosen = self._table.names[self._table.splits == SPLITS.index(split)].tolist()
        if not chosen:
            raise setting_error(
                f"dataset.splits={split}", f"no picture of it in '{root / self.partition_file}'",
                f"lines that end in {SPLITS.index(split)}", BY_HAND,
            )  # fmt: skip
        pictures = PairList(chosen, at, [self._present[name] for name in chosen])
        return whole_files(
            root, pictures, True, on_error, most_pixels, f"{folder.pattern} ({split})"
        )[0]

    def labels(self, pictures: PairList) -> Tensor:
        """What is said of pictures that ``find`` listed: (n, n_attributes) float32 of 0 and 1."""
        if self._table is None or not len(pictures):
            return torch.zeros(0, len(self.attributes))
        places = np.searchsorted(self._table.names, [picture.name for picture in pictures])
        return torch.from_numpy(self._table.labels[places])

    def _read(self, root: Path, folder: Folder) -> None:
        missing = [
            name
            for name in (folder.pattern, self.attribute_file, self.partition_file)
            if root.is_dir() and not (root / name).exists()
        ]
        if missing or not root.is_dir():
            raise setting_error(
                f"dataset.root='{root}'", f"no {', no '.join(missing)} in it" if missing else
                "no such folder", f"{folder.pattern}, {self.attribute_file} and "
                f"{self.partition_file}", BY_HAND,
            )  # fmt: skip
        at = folder_of(root, folder.pattern, "", folder.key)
        self._present, others = images_below(root, at)
        say_passed_over(at, others)
        names, labels = read_attributes(root / self.attribute_file, self.attributes)
        others, splits = read_partition(root / self.partition_file)
        files = {
            f"'{self.attribute_file}'": names,
            f"'{self.partition_file}'": others,
            f"folder '{folder.pattern}'": sorted(self._present),
        }
        require_same(root, files)
        self._table = Table(np.array(names), splits, labels)


def tables_of(
    attributes: Sequence[str] | None,
    attribute_file: str | None,
    partition_file: str | None,
    splits: Mapping[str, str | None],
    domains: Sequence[str] | None,
) -> AttributeTables | None:
    """The tables of a set, where it has attributes.

    Args:
        attributes: ``dataset.attributes``.
        attribute_file: ``dataset.attribute_file``.
        partition_file: ``dataset.partition_file``.
        splits: ``dataset.splits``.
        domains: ``dataset.domains``.

    Raises:
        SettingError: The options do not go together.
    """
    if attributes is None:
        return None
    names = [] if isinstance(attributes, str) else [str(name) for name in attributes]
    if not names or len(set(names)) < len(names):
        raise setting_error(
            f"dataset.attributes={attributes}", f"{len(set(names))} attribute(s) in {len(names)} "
            "names", "a list of one or more, each once", "For example "
            "dataset.attributes=[Male,Young].",
        )  # fmt: skip
    if domains is not None and list(domains) != names:
        raise setting_error(
            f"dataset.domains=[{','.join(map(str, domains))}]", "other names than "
            "dataset.attributes", f"those: [{','.join(names)}]",
            "Leave dataset.domains out, and set dataset.attributes.",
        )  # fmt: skip
    for key, value in (("attribute_file", attribute_file), ("partition_file", partition_file)):
        if value is None:
            raise setting_error(
                f"dataset.{key}=null", "no table beside dataset.attributes", "a file below "
                "dataset.root", "See conf/dataset/celeba.yaml.",
            )  # fmt: skip
    for split, folder in splits.items():
        if folder not in (split, None):
            raise setting_error(
                f"dataset.splits.{split}={folder}", "another name", f"{split}, as the table of the "
                "splits counts them, or null", f"Set dataset.splits.{split}={split}.",
            )  # fmt: skip
    return AttributeTables(names, attribute_file, partition_file)


def read_lines(file: Path) -> list[str]:
    """The lines of a table that hold something.

    Raises:
        SettingError: It cannot be read.
    """
    try:
        return [line for line in read_text(file, MOST_BYTES).splitlines() if line.strip()]
    except Unreadable as error:
        raise setting_error(
            f"dataset.root, '{file}'", f"a table that cannot be read ({error})",
            "text as CelebA brings it", BY_HAND,
        ) from error  # fmt: skip


def damaged(file: Path, line: str, found: str, expected: str) -> Exception:
    """The error of one line of a table."""
    return setting_error(f"dataset.root, '{file}'", f"{found}: {line[:80]!r}", expected, BY_HAND)


def read_attributes(file: Path, wanted: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Reads the table of the attributes.

    Args:
        file: See the head of this module.
        wanted: Attributes to read.

    Returns:
        Names of the pictures, sorted and without suffix, and (n, n_wanted) float32 of 0 and 1.

    Raises:
        SettingError: The table is damaged, or has no such attribute.
    """
    lines = read_lines(file)
    count, known = [*lines, "", ""][:2]
    if count.strip() != str(len(lines) - 2):
        raise damaged(file, count, f"{max(len(lines) - 2, 0)} lines of pictures under the first "
                      "line", "the number of pictures in it")  # fmt: skip
    places = known.split()
    for name in wanted:
        if name not in places:
            near = get_close_matches(name, places, 1, 0.5)
            raise setting_error(
                f"dataset.attributes=[{','.join(wanted)}]", f"'{name}', which '{file}' has not",
                f"of {', '.join(places)[:1000]}",
                f"Did you mean {near[0]}?" if near else "Choose among them.",
            )  # fmt: skip
    columns = [places.index(name) + 1 for name in wanted]
    rows: dict[str, list[bool]] = {}
    for line in lines[2:]:
        name, *values = words = line.split()
        if len(values) != len(places) or not {"1", "-1"}.issuperset(values):
            raise damaged(file, line, "a damaged line", f"a file and {len(places)} times 1 or -1")
        rows[name.rpartition(".")[0] or name] = [words[column] == "1" for column in columns]
    require_once(file, len(rows), len(lines) - 2)
    names = sorted(rows)
    return names, np.array([rows[name] for name in names], np.float32)


def read_partition(file: Path) -> tuple[list[str], np.ndarray]:
    """Reads the table of the splits.

    Args:
        file: See the head of this module.

    Returns:
        Names of the pictures, sorted and without suffix, and (n,) uint8: 0 train, 1 val, 2 test.

    Raises:
        SettingError: The table is damaged.
    """
    lines, rows = read_lines(file), {}
    for line in lines:
        name, *values = line.split()
        if len(values) != 1 or values[0] not in ("0", "1", "2"):
            raise damaged(file, line, "a damaged line", "a file and 0, 1 or 2")
        rows[name.rpartition(".")[0] or name] = int(values[0])
    require_once(file, len(rows), len(lines))
    names = sorted(rows)
    return names, np.array([rows[name] for name in names], np.uint8)


def require_once(file: Path, n_names: int, n_lines: int) -> None:
    """Refuses a table that names a picture twice.

    Raises:
        SettingError: It does.
    """
    if n_names < n_lines:
        raise setting_error(
            f"dataset.root, '{file}'", f"{n_names} pictures in {n_lines} lines",
            "a line for each", BY_HAND,
        )  # fmt: skip


def require_same(root: Path, files: Mapping[str, Sequence[str]]) -> None:
    """Refuses tables that are not of these pictures.

    Args:
        root: Of the data set, for the error.
        files: What each table and the folder names, sorted.

    Raises:
        SettingError: Two differ.
    """
    (first, names), *rest = files.items()
    for other, others in rest:
        if list(names) == list(others):
            continue
        absent = [*((n, other, first) for n in sorted(set(names) - set(others)))]
        absent += [*((n, first, other) for n in sorted(set(others) - set(names)))]
        name, without, has = absent[0]
        of_kind = [n for n, w, _ in absent if w == without]
        raise setting_error(
            f"dataset.root='{root}'", f"{len(of_kind)} picture(s) that {has} has and {without} has "
            f"not, the first '{name}': {some(of_kind)}", "the same pictures in the folder and in "
            "both tables", BY_HAND,
        )  # fmt: skip
