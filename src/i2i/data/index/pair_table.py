"""The pairs that a table names: ``dataset.pairs``."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from i2i.data.index.csv_rows import Row, read_rows
from i2i.data.index.listing import some
from i2i.data.index.pair_index import OnError, whole_files
from i2i.data.index.pair_list import PairList
from i2i.data.index.pair_sizes import Sizes, check_sizes
from i2i.data.option_checks import SPLITS
from i2i.errors import setting_error
from i2i.files.ordinary import Unreadable
from i2i.images.notes import note_once


class PairTable:
    """A CSV file of pairs; it is read once.

    Its first line names the columns ``input``, which is side A, ``target``, which is side B, and
    perhaps ``split``. Paths are taken below the folder of the table, or else below the data set's
    folder; absolute ones as they are. Pairs keep the order of their rows.

    Args:
        file: Below the data set's folder, or from the working directory.
        splits: What each split is called in the table; None where it is left out.
    """

    def __init__(self, file: str | Path, splits: Mapping[str, str | None]) -> None:
        self.file, self.splits = Path(os.path.expanduser(file)), dict(splits)
        self._rows: list[Row] | None = None

    def check_held_out(self, root: Path, held_out: Mapping[str, float]) -> None:
        """Makes sure that the table has no pairs of a split that is to be held out of train.

        A line names the splits of which there are neither rows nor pairs that are held out.

        Args:
            root: The data set's folder.
            held_out: Split name -> what of train is to be held out for it; 0 for nothing.

        Raises:
            SettingError: It has, or as in ``find``.
        """
        rows = self._read(root)
        n_rows = {
            split: sum(row.split == (self.splits[split] or split) for row in rows)
            for split in held_out
        }
        for split, held in held_out.items():
            if held and n_rows[split]:
                raise setting_error(
                    f"dataset.{split}_from_train={held}", f"{n_rows[split]} row(s) of {split} in "
                    f"'{self.place(root)}'", "a split that is held out, or one that the table "
                    "names", f"Leave dataset.{split}_from_train out.",
                )  # fmt: skip
        absent = [
            split for split, held in held_out.items()
            if self.splits[split] is not None and not held and not n_rows[split]
        ]  # fmt: skip
        if absent:
            options = " ".join(f"dataset.{split}_from_train=0.1" for split in absent)
            note_once(
                f"table {self.file}", f"'{self.place(root)}' names no pairs of "
                f"{' and '.join(absent)}: type {options} to hold some out of train",
            )  # fmt: skip

    def find(
        self, root: Path, word: str, *, on_error: OnError, most_pixels: int, sizes: Sizes = "equal"
    ) -> PairList:
        """Lists the pairs of a split; all those without one are of train.

        Args:
            root: The data set's folder.
            word: What the split is called in the table.
            on_error: As in ``find_pairs``.
            most_pixels: Likewise.
            sizes: Likewise.

        Raises:
            SettingError: The table is damaged, names a file that is not there, or a pair twice;
                files are damaged, or sides differ in size.
        """
        mine = [row for row in self._read(root) if row.split == word]
        if not mine:
            return PairList()
        places = [self._places(root, row) for row in mine]
        missing = [
            f"line {row.line}, {column} '{text}'"
            for row, found in zip(mine, places, strict=True)
            for column, text, place in zip(("input", "target"), row[1:3], found, strict=True)
            if place is None
        ]
        if missing:
            raise self._wrong(
                root, f"{len(missing)} file(s) that are not there: {some(missing)}",
                f"paths below '{self.place(root).parent}' or '{root}'",
                "Correct the paths, or set dataset.root to what they are below.",
            )  # fmt: skip
        pairs = self._listed(root, places)
        left, seen = whole_files(
            root, pairs, False, on_error, most_pixels, f"{self.place(root).name} ({word})"
        )
        check_sizes(root, seen, sizes)
        return left

    def place(self, root: Path) -> Path:
        """Where the table is."""
        return root / self.file if os.path.isfile(root / self.file) else self.file

    def _listed(self, root: Path, places: list[tuple[str, str]]) -> PairList:
        """The pairs by the names of their inputs; of a doubled input by the target's too."""
        at = os.path.join(os.path.abspath(root), "")
        stems = [
            tuple(path[len(at) :] if path.startswith(at) else path for path in pair)
            for pair in places
        ]
        names = [[os.path.splitext(path)[0] for path in pair] for pair in stems]
        names = [[name.replace(os.sep, "/").lstrip("/") for name in pair] for pair in names]
        often = Counter(name for name, _ in names)
        called = [a if often[a] == 1 else f"{a}+{b}" for a, b in names]
        if len(set(called)) < len(called):  # a.png and a.jpg, of two scans
            called = [f"{name}@{line}" for line, name in enumerate(called)]
        blank = [""] * len(places)
        return PairList(
            called, Path(os.path.abspath(root)), blank, Path(os.path.abspath(root)), blank,
            [a for a, _ in stems], [b for _, b in stems],
        )  # fmt: skip

    def _places(self, root: Path, row: Row) -> tuple[str | None, str | None]:
        """Where input and target are; None for what is not there."""
        bases = (self.place(root).parent, root)
        a, b = (self._found(text, bases) for text in (row.input, row.target))
        return a, b

    @staticmethod
    def _found(text: str, bases: tuple[Path, Path]) -> str | None:
        for words in dict.fromkeys((text, text.replace("\\", "/"))):  # of a table made on Windows
            for base in bases:
                path = os.path.abspath(os.path.join(base, os.path.expanduser(words)))
                if os.path.isfile(path):
                    return path
        return None

    def _read(self, root: Path) -> list[Row]:
        if self._rows is not None:
            return self._rows
        if not os.path.isdir(root):
            raise setting_error(
                f"dataset.root='{root}'", "no such folder", "the folder that holds the data set",
                "Set dataset.root to it.",
            )  # fmt: skip
        try:
            rows = read_rows(self.place(root))
        except (Unreadable, OSError) as error:
            raise self._wrong(
                root, str(getattr(error, "strerror", None) or error),
                "a CSV file whose first line names the columns input, target and perhaps split",
                "Correct the table.",
            ) from error  # fmt: skip
        if not rows:
            raise self._wrong(root, "no row", "one for each pair", "Fill the table.")
        self._require_splits(root, rows)
        self._require_once(root, rows)
        train = self.splits["train"] or "train"
        self._rows = [row if row.split else row._replace(split=train) for row in rows]
        return self._rows

    def _require_splits(self, root: Path, rows: list[Row]) -> None:
        known = {*SPLITS, *filter(None, self.splits.values()), ""}
        unknown = [f"line {row.line} '{row.split}'" for row in rows if row.split not in known]
        if unknown:
            raise self._wrong(
                root, f"{len(unknown)} row(s) of an unknown split: {some(unknown)}",
                " or ".join(word for word in self.splits.values() if word),
                "Correct them, or say what a split is called: dataset.splits.val=WORD.",
            )  # fmt: skip
        partly = [f"line {row.line}" for row in rows if not row.split]
        if 0 < len(partly) < len(rows):
            raise self._wrong(
                root, f"{len(partly)} row(s) without a split among those with one: {some(partly)}",
                "a split in each row, or in none", "Fill them in.",
            )  # fmt: skip

    def _require_once(self, root: Path, rows: list[Row]) -> None:
        seen: dict[tuple[str, str], Row] = {}
        doubled = []
        for row in rows:
            first = seen.setdefault((row.input, row.target), row)
            if first is not row:
                doubled.append(f"line {row.line} ({row.split}) as line {first.line} ({first.split})"
                               .replace(" ()", ""))  # fmt: skip
        if doubled:
            raise self._wrong(
                root, f"{len(doubled)} pair(s) that stand there twice: {some(doubled)}",
                "each pair once, and in one split", "Take the rows away.",
            )  # fmt: skip

    def _wrong(self, root: Path, found: str, expected: str, todo: str) -> Exception:
        return setting_error(f"dataset.pairs='{self.place(root)}'", found, expected, todo)
