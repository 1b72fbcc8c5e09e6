"""What a data set holds: where its splits lie, what they mean, and whether they can be used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from i2i.data.folders import folders_of, sides_of
from i2i.data.index.attribute_tables import tables_of
from i2i.data.index.pair_list import PairList
from i2i.data.index.pair_sizes import Sizes
from i2i.data.index.pair_table import PairTable
from i2i.data.option_checks import (
    SPLITS,
    check_id_files,
    check_single,
    check_ways_to_pair,
    one_of,
)
from i2i.data.pairing import Pairing, Samples
from i2i.data.pairing_checks import check_labels_alone, check_pairing, pairing_of
from i2i.data.reading.content_checks import check_no_ids
from i2i.data.reading.known_values import KnownValues
from i2i.data.reading.pair_reader import ROLES, Direction, LabelAs, LabelFiles, Side
from i2i.data.reading.reader_options import reader_of
from i2i.data.reading.told_of_files import say_transparency
from i2i.data.source import PairSource
from i2i.data.split_files import SplitFiles, check_splits
from i2i.data.tasks.label_map import task_of
from i2i.data.tasks.task import PhotoTask
from i2i.errors import setting_error
from i2i.images.pixel_limit import DEFAULT_MEGAPIXELS
from i2i.images.transparency import DEFAULT_BACKGROUND
from i2i.labels.palette import ClassPalette, palette_of

MOST_COUNTED = 4  # domains that a line counts one by one


class Splits(KnownValues):
    """What a data set holds; how it is loaded is ``PairedDataModule``'s part.

    Args:
        name: What the set is called in tables and logs.
        root: Its folder.
        direction: "AtoB" or "BtoA"; "AtoB" with ``has_labels``.
        input_channels: 3, or 1 for grey, or as many as the files have; with class ids or a task as
            many as these have.
        target_channels: Likewise.
        a_folder: Folder pattern of side A, or of the side-by-side images; ``{split}`` is replaced,
            and ``{domain}`` by each of ``domains``.
        splits: train, val, test -> folder name, or None where the set publishes none.
        b_folder: Folder pattern of side B; None for side-by-side images, with ``{domain}``, and
            where ``pair_by`` tells the sides of one folder apart.
        domains: What sides A and B are called, with ``pairing="labelled"`` as many as there are;
            the names of their folders, where ``a_folder`` has ``{domain}``.
        has_pairs: Whether the two sides, or all domains, show the same places; else each is listed
            by itself.
        has_labels: Whether it is a set of classes or attributes, of neither pairs nor two sides.
        attributes: Names of those that are read for each picture, where tables say them.
        attribute_file: The table of them, below ``root``; see ``AttributeTables``.
        partition_file: The table of the splits, likewise.
        pair_by: What of a file's name says to which pair it belongs; see ``PairKeys``. None: all.
        pairs: A CSV file that names the pairs, instead of the folders; see ``PairTable``.
        sizes: "equal": sides of unequal size are refused; "scale": each is scaled to the size of
            the images by itself, label maps by the nearest pixel.
        pairing: What makes a sample: "paired"; "unpaired", where training takes the second picture
            from another place, and evaluation what is known; "labelled", one picture and the number
            of its domain. None is what the set is by itself.
        label_side: "A" or "B" if that side is a label map, else None.
        classes: The classes of the label map, where they are known; see ``palette_of``.
        label_as: Whether the network sees a label map as colours or as one-hot class ids.
        label_files: Whether label files hold colours or class ids.
        id_map: The class of each id in label files, where these do not count classes from 0; see
            ``IdMap``.
        single: Whether each file is one photograph instead of two sides; needs a task.
        photo_side: The side that a task takes; None for the one that is no label map, else A.
        task: Makes input and target from the photograph of each pair; None for the pairs.
        val_from_train: Evenly spaced training pairs to hold out as val, and not train on: their
            number, or a share below 1; of each side where there are no pairs.
        test_from_train: The same for test.
        on_error: "raise" stops on a damaged file, "skip" leaves its pair out; where it is found
            damaged in training only, another pair takes its place.
        max_megapixels: Millions of pixels that an image may have.
        background: What shows through where a picture is transparent: a name or [red, green, blue],
            or "keep" for alpha as the last channel of a side of 2 or 4 channels.
        source: Fetches or draws the set where it is missing; None if it is simply there.
        licence: The set's licence, for the logs.
        values: Which stored values are black and white, and what is shown; see ``KnownValues``.

    Attributes:
        pairing: What makes a sample.
        domains: What the sides are called, the input's first; by number for "labelled".
        exclusive: Whether a picture has one of these labels and no other, as attributes have not.

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
        has_pairs: bool = True,
        has_labels: bool = False,
        attributes: Sequence[str] | None = None,
        attribute_file: str | None = None,
        partition_file: str | None = None,
        pair_by: str | Mapping[str, str] | None = None,
        pairs: str | Path | None = None,
        sizes: Sizes = "equal",
        pairing: Pairing | None = None,
        label_side: Side | None = None,
        classes: ClassPalette | Mapping[str, Any] | None = None,
        label_as: LabelAs = "colours",
        label_files: LabelFiles = "colours",
        id_map: Mapping[int, int] | None = None,
        single: bool = False,
        photo_side: Side | None = None,
        task: PhotoTask | None = None,
        val_from_train: float = 0,
        test_from_train: float = 0,
        on_error: Literal["raise", "skip"] = "raise",
        max_megapixels: float = DEFAULT_MEGAPIXELS,
        background: Any = DEFAULT_BACKGROUND,
        source: PairSource | None = None,
        licence: str | None = None,
        **values: Any,  # see KnownValues
    ) -> None:
        super().__init__(**values)
        self.name, self.root, self.licence, self.source = name, Path(root), licence, source
        self.input_channels, self.target_channels = input_channels, target_channels
        classes = palette_of(classes)
        self.splits = {split: splits.get(split) for split in SPLITS}
        held_out = {"val": val_from_train, "test": test_from_train}
        self.on_error = one_of("on_error", on_error, ("raise", "skip"))
        table = None if pairs is None else PairTable(pairs, self.splits)
        check_splits(splits, self.splits, held_out, in_a_table=table is not None)
        check_labels_alone(has_labels, has_pairs, attributes, direction)
        self.has_labels = has_labels
        self.pairing = pairing_of(pairing, has_pairs, name, has_labels)
        tables = tables_of(attributes, attribute_file, partition_file, self.splits, domains)
        check_ways_to_pair(pair_by, pairs, sizes, has_pairs, single or tables is not None)
        check_single(single, b_folder, task)
        n_splits = 1 if tables else sum(folder is not None for folder in self.splits.values())
        sides, keys = sides_of(
            a_folder, b_folder, None if tables else domains, n_splits, pair_by, pairs is not None
        )
        apart = not has_pairs or len(sides) > 2
        options = {
            "direction": direction, "input_channels": input_channels, "background": background,
            "target_channels": target_channels, "max_megapixels": max_megapixels,
            "label_side": label_side, "label_as": label_as, "label_files": label_files,
            "id_map": id_map, "photo_side": photo_side, "on_error": on_error, "sizes": sizes,
        }  # fmt: skip
        self.reader = reader_of(options, self.values, classes, single or apart)
        check_id_files(label_files, len(sides))
        check_pairing(self.pairing, has_pairs, sides, self.reader, task, attributes)
        self.task = task_of(self.reader, task)
        self.values.check(self.reader, task, self.pairing == "labelled")
        self.task.kinds = self.values.kinds()
        forth = 1 if direction == "AtoB" else -1
        self.has_pairs = one_of("has_pairs", has_pairs, (True, False))
        self.domains = tuple(map(str, attributes or domains or ("A", "B")))[::forth]
        self.exclusive = tables is None
        self.folders = folders_of(
            sides, apart, has_pairs, forth, single=single, photo=task is not None, tables=tables,
            table=table, pair_by=keys, sizes=sizes,
        )  # fmt: skip
        self._files = SplitFiles(
            self.root, self.folders, self.splits, held_out, on_error=self.on_error,
            most_pixels=self.reader.most_pixels, has_pairs=self.has_pairs, table=table,
        )  # fmt: skip

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

    def files(self, split: str) -> tuple[PairList, ...]:
        """Returns the files of a split, which are empty lists where the set has no such split.

        Args:
            split: train, val or test.

        Returns:
            One list of pairs, or one of pictures for each side, sorted by name, with the count of
            those left out in ``skipped``.

        Raises:
            SettingError: If the split's files cannot be used, or its name is unknown.
        """
        found = self._files.of(split)
        say_transparency(found, self.reader, split)
        return found

    def evaluate_train(self) -> None:
        """Makes the training split one to evaluate: files that cannot be read are left out of it.

        Trained on, it keeps them, and others take their places.
        """
        self._files.evaluate_train()

    def samples(self, split: str, training: bool = False) -> Samples:
        """Returns what the samples of a split are made of.

        Args:
            split: train, val or test.
            training: Whether they are trained on; evaluation keeps what is known.
        """
        return self.folders.samples(self.files(split), self.pairing, training)

    def set_size(self, split: str) -> int:
        """Returns the number of samples in a split over all processes, 0 where there is none."""
        return len(self.samples(split))

    def smaller_side(self, split: str) -> int:
        """Returns the number of pictures on the side of a split that has fewer."""
        return min(len(files) for files in self.files(split))

    def require(self, split: str) -> None:
        """Makes sure that there is the split that somebody asked for.

        Raises:
            SettingError: There is none.
        """
        if not self.set_size(split):
            raise setting_error(
                f"dataset.splits.{split}={self.splits[split]}",
                f"no {split} split in data set '{self.name}'",
                "the name of its folder",
                f"Set dataset.splits.{split}=FOLDER, or ask for another split.",
            )

    def counted(self, split: str) -> str:
        """Says how many there are in a split: "400", of each side "1067 + 1334", or of many."""
        numbers = [len(files) for files in self.files(split)]
        if len(numbers) > MOST_COUNTED:
            return f"{sum(numbers)} (in {len(numbers)} domains)"
        return " + ".join(map(str, numbers))

    def skipped(self, split: str) -> int:
        """Returns how many ``on_error="skip"`` left out of a split."""
        return sum(files.skipped for files in self.files(split))

    def fingerprint(self, split: str) -> str:
        """Says which pictures these are, and what is made of them (see ``PairList``)."""
        found = "; ".join(files.fingerprint() for files in self.files(split))
        return found if self.pairing == "paired" else f"{self.pairing}: {found}"

    def check_content(self, splits: Sequence[str] = SPLITS) -> None:
        """Looks into the files for what would spoil the training: stray labels, grey photographs.

        Args:
            splits: Those that will be read.

        Raises:
            SettingError: The classes or the task do not fit the data.
        """
        for split in splits:
            setting = f"dataset.root='{self.root}' ({split})"
            self.task.check_files(self.reader, self._to_check(self.files(split)), setting)
            if split == "train":
                roles = ("input",) if self.has_labels else ROLES
                check_no_ids(self.task, self.reader, self.files(split), roles, setting)

    def has_lossy_labels(self) -> bool:
        """Whether a split that was indexed has labels in JPEG files, and shows them as colours."""
        if self.reader.label_side is None or self.reader.label_as == "onehot":
            return False  # class ids are told from the files, whatever these are
        labels = map(self._to_check, self._files.indexed())
        return any(self.reader.lossy(pair) for files in labels for pair in files[:1])

    def _to_check(self, lists: tuple[PairList, ...]) -> PairList:
        """Those files of a split that hold the label maps, or the photographs."""
        return lists[-1] if self.reader.label_role == "target" else lists[0]
