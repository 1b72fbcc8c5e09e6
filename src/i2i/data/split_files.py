"""The files of each split: found in their folders, held out of training, or left out as damaged."""

from collections.abc import Mapping
from pathlib import Path

from i2i.data.folders import Folders
from i2i.data.index.listing import require_splits_apart
from i2i.data.index.pair_index import OnError
from i2i.data.index.pair_list import PairList
from i2i.data.index.pair_table import PairTable
from i2i.data.index.validation_split import hold_out
from i2i.data.option_checks import SPLITS, check_held_out, one_of
from i2i.data.reading.damage import without_unreadable


class SplitFiles:
    """Lists of files by split; each is made when it is first asked for, and stays.

    Args:
        root: The data set's folder.
        folders: How the files lie.
        splits: Folder of each split, or what a table calls it; None where there is none.
        held_out: Split -> what is held out of the training files for it; see ``Splits``.
        on_error: What becomes of files that cannot be read.
        most_pixels: What a picture may have.
        has_pairs: Whether pictures at the same place of all lists belong together.
        table: Names the pairs, if there is one.

    Raises:
        SettingError: There is a split that is none, or one is published and held out.
    """

    def __init__(
        self,
        root: Path,
        folders: Folders,
        splits: Mapping[str, str | None],
        held_out: Mapping[str, float],
        *,
        on_error: OnError,
        most_pixels: int,
        has_pairs: bool,
        table: PairTable | None,
    ) -> None:
        self.root, self.folders, self.splits, self.held_out = root, folders, splits, held_out
        self.on_error, self.most_pixels = on_error, most_pixels
        self.has_pairs, self.table = has_pairs, table
        self._files: dict[str, tuple[PairList, ...]] = {}

    def of(self, split: str) -> tuple[PairList, ...]:
        """Returns the lists of a split; see ``Splits.files``.

        Raises:
            SettingError: The files cannot be used, or the name is unknown.
        """
        one_of("splits", split, SPLITS)
        if split not in self._files:
            if split == "train" or self.held_out[split]:
                if self.table is not None:
                    self.table.check_held_out(self.root, self.held_out)
                self._hold_out(self._find(self.splits["train"]))
            else:
                self._files[split] = self._readable(self._find(self.splits[split]))
        return self._files[split]

    def indexed(self) -> list[tuple[PairList, ...]]:
        """The lists that were made so far."""
        return list(self._files.values())

    def evaluate_train(self) -> None:
        """Leaves unreadable files out of the training split, too, which is not trained on then."""
        self._files["train"] = self._readable(self.of("train"))

    def _hold_out(self, found: tuple[PairList, ...]) -> None:
        """Divides what is published for training, evenly on each side."""
        kind = "pairs" if len(found) == 1 else "images"
        parts = [
            hold_out(files, self.held_out, f"training {kind} in '{files.folder}'")
            for files in found
        ]
        divided = {split: tuple(part[split] for part in parts) for split in parts[0]}
        evaluated = {split: self._readable(divided[split]) for split in divided if split != "train"}
        self._files |= divided | evaluated

    def _readable(self, lists: tuple[PairList, ...]) -> tuple[PairList, ...]:
        """Those files of a split for evaluation that can be read, where the others are left out."""
        if self.on_error == "raise":
            return lists
        return without_unreadable(lists, self.has_pairs, self.most_pixels)

    def _find(self, folder: str | None) -> tuple[PairList, ...]:
        if folder is None:
            return self.folders.nothing()
        require_splits_apart(self.root, folder)
        return self.folders.find(
            self.root, folder, on_error=self.on_error, most_pixels=self.most_pixels
        )


def check_splits(
    given: Mapping[str, str | None],
    splits: Mapping[str, str | None],
    held_out: Mapping[str, float],
    in_a_table: bool,
) -> None:
    """Makes sure that the options of splits name such, and go together.

    Args:
        given: ``dataset.splits``.
        splits: The same, with all three.
        held_out: As in ``SplitFiles``.
        in_a_table: Whether a table names the pairs.

    Raises:
        SettingError: They do not.
    """
    for split in given:
        one_of("splits", split, SPLITS)
    for split, held in held_out.items():
        check_held_out(split, held, splits, in_a_table=in_a_table)
