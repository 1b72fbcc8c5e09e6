"""The pairs of a data set: where its splits lie, what they mean, and whether they can be used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from lightning.pytorch import LightningDataModule

from i2i.data.option_checks import (
    SPLITS,
    check_held_out,
    check_id_files,
    check_single,
    one_of,
)
from i2i.data.pair_index import check_patterns, find_pairs
from i2i.data.pair_list import PairList
from i2i.data.pair_reader import Direction, LabelAs, LabelFiles, PairReader, Side
from i2i.data.tasks.label_map import task_of
from i2i.data.tasks.task import PhotoTask
from i2i.data.validation_split import hold_out
from i2i.errors import setting_error
from i2i.images.frame import DEFAULT_MEGAPIXELS, pixel_limit
from i2i.labels.palette import ClassPalette


class PairSource(Protocol):
    """Where a data set comes from when it is not there yet: a download, or the built-in drawing."""

    def prepare(self, root: Path) -> None:
        """Makes sure that ``root`` holds the whole data set."""


class PairedSplits(LightningDataModule):
    """What a data set holds; how it is loaded is ``PairedDataModule``'s part.

    Args:
        name: What the set is called in tables and logs.
        root: Its folder.
        direction: "AtoB" or "BtoA".
        input_channels: 1 or 3; with class ids or a task as many as these have.
        target_channels: Likewise.
        a_folder: Folder pattern of side A, or of the side-by-side images; ``{split}`` is replaced.
        splits: train, val, test -> folder name, or None where the set publishes none.
        b_folder: Folder pattern of side B; None for side-by-side images.
        domains: What the sides A and B show, where that has a name; the folder patterns use it.
        label_side: "A" or "B" if that side is a label map, else None.
        classes: The classes of the label map, where they are known.
        label_as: Whether the network sees a label map as colours or as one-hot class ids.
        label_files: Whether label files hold colours or class ids.
        single: Whether each file is one photograph instead of two sides; needs a task.
        photo_side: The side that a task takes; None for the one that is no label map, else A.
        task: Makes input and target from the photograph of each pair; None for the pairs.
        val_from_train: Evenly spaced training pairs to hold out as val, and not train on: their
            number, or a share below 1.
        test_from_train: The same for test.
        on_error: "raise" stops on a damaged file, "skip" leaves its pair out.
        max_megapixels: Millions of pixels that an image may have.
        source: Fetches or draws the set where it is missing; None if it is simply there.
        licence: The set's licence, for the logs.

    Raises:
        SettingError: If an option cannot be used as it is.
    """

    def __init__(
        self,
        *,
        name: str,
        root: str | Path,
        direction: Direction,
        input_channels: int,
        target_channels: int,
        a_folder: str,
        splits: Mapping[str, str | None],
        b_folder: str | None = None,
        domains: Sequence[str] | None = None,
        label_side: Side | None = None,
        classes: ClassPalette | None = None,
        label_as: LabelAs = "colours",
        label_files: LabelFiles = "colours",
        single: bool = False,
        photo_side: Side | None = None,
        task: PhotoTask | None = None,
        val_from_train: float = 0,
        test_from_train: float = 0,
        on_error: Literal["raise", "skip"] = "raise",
        max_megapixels: float = DEFAULT_MEGAPIXELS,
        source: PairSource | None = None,
        licence: str | None = None,
    ) -> None:
        super().__init__()
        self.name, self.root, self.licence, self.source = name, Path(root), licence, source
        self.input_channels, self.target_channels = input_channels, target_channels
        self.a_folder, self.b_folder, self.single = a_folder, b_folder, single
        self.domains = domains
        self.splits = {split: splits.get(split) for split in SPLITS}
        self.held_out = {"val": val_from_train, "test": test_from_train}
        self.on_error = one_of("on_error", on_error, ("raise", "skip"))
        self.reader = PairReader(
            direction, input_channels, target_channels, label_side, classes, label_as, label_files,
            single, photo_side, pixel_limit(max_megapixels, "dataset.max_megapixels"),
        )  # fmt: skip
        self._check_options(splits)
        check_single(single, b_folder, task)
        self.task = task_of(self.reader, task)
        self._pairs: dict[str, PairList] = {}

    @property
    def direction(self) -> Direction:
        return self.reader.direction

    @property
    def classes(self) -> ClassPalette | None:
        return self.reader.classes

    def prepare_data(self) -> None:
        """Fetches or draws the data set where it is missing (one process of each machine)."""
        if self.source is not None:
            self.source.prepare(self.root)

    def pairs(self, split: str) -> PairList:
        """Returns the pairs of a split; an empty list where the set has no such split.

        Args:
            split: train, val or test.

        Returns:
            The pairs, sorted by name, with the count of those left out in ``skipped``.

        Raises:
            SettingError: If the split's files cannot be used, or its name is unknown.
        """
        one_of("splits", split, SPLITS)
        if split not in self._pairs:
            folder = self.splits[split]
            if split == "train" or self.held_out[split]:
                published = self.splits["train"]
                found = PairList() if published is None else self._find(published)
                self._pairs |= hold_out(found, self.held_out, self.root)
            elif folder is None:
                self._pairs[split] = PairList()
            else:
                self._pairs[split] = self._find(folder)
        return self._pairs[split]

    def needed(self, split: str) -> PairList:
        """Returns the pairs of a split that somebody asked for.

        Raises:
            SettingError: If there are none.
        """
        pairs = self.pairs(split)
        if not pairs:
            raise setting_error(
                f"dataset.splits.{split}={self.splits[split]}",
                f"no {split} split in data set '{self.name}'",
                "the name of its folder",
                f"Set dataset.splits.{split}=FOLDER, or ask for another split.",
            )
        return pairs

    def set_size(self, split: str) -> int:
        """Returns the number of pairs in a split over all processes, 0 where there is none."""
        return len(self.pairs(split))

    def check_content(self, splits: Sequence[str] = SPLITS) -> None:
        """Looks into the files for what would spoil the training: stray labels, grey photographs.

        Args:
            splits: Those that will be read.

        Raises:
            SettingError: The classes or the task do not fit the data.
        """
        for split in splits:
            setting = f"dataset.root='{self.root}' ({split})"
            self.task.check_files(self.reader, self.pairs(split), setting)

    def has_lossy_labels(self) -> bool:
        """Whether a split that was indexed has labels in JPEG files, and shows them as colours."""
        if self.reader.label_side is None or self.reader.label_as == "onehot":
            return False  # class ids are told from the files, whatever these are
        return any(self.reader.lossy(pair) for pairs in self._pairs.values() for pair in pairs[:1])

    def _find(self, folder: str) -> PairList:
        if folder == "." and (self.root / "train").is_dir():
            raise setting_error(
                f"dataset.root='{self.root}'",
                "a folder 'train' in it, and dataset.splits.train='.', which takes all images",
                "splits that are read apart",
                "Add dataset.splits.train=train dataset.splits.val=val dataset.splits.test=test "
                "dataset.val_from_train=0 dataset.test_from_train=0 (as far as there are such).",
            )
        return find_pairs(
            self.root,
            folder,
            a_folder=self.a_folder,
            b_folder=self.b_folder,
            single=self.single,
            on_error=self.on_error,
            most_pixels=self.reader.most_pixels,
        )

    def _check_options(self, given: Mapping[str, str | None]) -> None:
        for split in given:
            one_of("splits", split, SPLITS)
        n_splits = sum(folder is not None for folder in self.splits.values())
        check_patterns(self.a_folder, self.b_folder, n_splits)
        for split, held in self.held_out.items():
            check_held_out(split, held, self.splits)
        check_id_files(self.reader.label_files, self.b_folder)
