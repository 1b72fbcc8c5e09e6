"""Reads the two sides of a pair, or the photograph in it, from files."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from i2i.data.index.pair_index import OnError
from i2i.data.index.pair_list import PairFiles
from i2i.data.index.pair_sizes import Sizes
from i2i.data.option_checks import check_labels_known, one_of
from i2i.data.paired_transforms import Role
from i2i.errors import setting_error
from i2i.images.ids import read_ids
from i2i.images.reading import COLOURS, Reading
from i2i.labels.id_map import IdMap
from i2i.labels.palette import ClassPalette
from i2i.labels.stray_colours import Strays, refuse_strays

Direction = Literal["AtoB", "BtoA"]
Side = Literal["A", "B"]
LabelAs = Literal["colours", "onehot"]
LabelFiles = Literal["colours", "ids"]


OTHER_WAY: dict[Direction, Direction] = {"AtoB": "BtoA", "BtoA": "AtoB"}
ROLES: tuple[Role, Role] = ("input", "target")


def role_of(side: Side | None, direction: Direction) -> Role | None:
    """Whether a side is the input or the target; None for no side."""
    if side is None:
        return None
    return "input" if (side == "A") == (direction == "AtoB") else "target"


def photo_side(asked: Side | None, label_side: Side | None) -> Side:
    """The side that a task takes: the one asked for, else the one that is no label map, else A."""
    return asked or ("B" if label_side == "A" else "A")


@dataclass(frozen=True)
class PairReader:
    """How the files of a data set are to be understood.

    The attributes are those options of ``Splits``; ``photo_of`` is its ``photo_side``,
    ``input`` and ``target`` say how the pictures of each side are read, and ``single`` says that
    each file shows one picture: a photograph, or one side of a set without pairs. With "AtoB" A is
    the input and B the target.

    Raises:
        SettingError: A value is no choice, or class ids are asked of a set without classes.
    """

    direction: Direction = "AtoB"
    input: Reading = COLOURS
    target: Reading = COLOURS
    label_side: Side | None = None
    classes: ClassPalette | None = None
    label_as: LabelAs = "colours"
    label_files: LabelFiles = "colours"
    single: bool = False
    photo_of: Side | None = None
    on_error: OnError = "raise"
    sizes: Sizes = "equal"
    id_map: IdMap | None = None

    def __post_init__(self) -> None:
        one_of("direction", self.direction, ("AtoB", "BtoA"))
        one_of("label_side", self.label_side, ("A", "B", None))
        one_of("label_as", self.label_as, ("colours", "onehot"))
        one_of("label_files", self.label_files, ("colours", "ids"))
        one_of("photo_side", self.photo_of, ("A", "B", None))
        check_labels_known(self.label_as, self.label_files, self.label_side, self.classes)

    @property
    def input_channels(self) -> int:
        return self.input.channels

    @property
    def target_channels(self) -> int:
        return self.target.channels

    @property
    def most_pixels(self) -> int:
        """Pixels that a picture may have, on either side."""
        return self.input.most_pixels

    @property
    def label_role(self) -> Role | None:
        """Whether the label map is the input or the target."""
        return role_of(self.label_side, self.direction)

    @property
    def photo_side(self) -> Side:
        """The side that a task takes."""
        return photo_side(self.photo_of, self.label_side)

    def pair(self, files: PairFiles, check_label: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Returns input and target, (H, W, C) each; a label map as class ids is (H, W, 1).

        Args:
            files: Of the pair.
            check_label: Whether to count the pixels of a label map that are of no class.

        Raises:
            SettingError: A file cannot be read, the sides do not show the same pixels, or there are
                more such pixels than ``dataset.classes`` allows.
        """
        sides = self._sides(files, check_label)
        if self.sizes == "equal" and sides[0].shape[:2] != sides[1].shape[:2]:
            found = " and ".join(f"{h} x {w}" for h, w, _ in (side.shape for side in sides))
            raise setting_error(
                f"pair '{files.name}' ({files.a} and {files.b})",
                f"sides of {found} pixels",
                "the two sides of a pair to show the same pixels",
                "Resize or take away these files, or set dataset.sizes=scale.",
            )
        return sides

    def _sides(self, files: PairFiles, check_label: bool) -> tuple[np.ndarray, np.ndarray]:
        if files.b is not None:
            first, second = (self.side(files, role, check_label) for role in ROLES)
            return first, second
        readings = [self.input, self.target]
        if self.classes is None:
            return self._halves(files, *readings)
        at = ROLES.index(self.label_role)
        readings[at] = replace(readings[at], channels=3)
        sides = [*self._halves(files, *readings)]
        sides[at] = self._label(files, sides[at], check_label)
        return sides[0], sides[1]

    def side(self, files: PairFiles, role: Role, check_label: bool = False) -> np.ndarray:
        """Returns the one side that is the input or the target, (H, W, C).

        Args:
            files: Of the pair, or of the one picture.
            role: Which it is.
            check_label: As in ``pair``; without an effect on a side that is no label map.

        Raises:
            SettingError: As in ``pair``.
        """
        if self.classes is not None and role == self.label_role:
            return self._label(files, self.label_picture(files)[0], check_label)
        reading = self.input if role == "input" else self.target
        return self._side(files, "A" if role == role_of("A", self.direction) else "B", reading)

    def photo(self, files: PairFiles) -> np.ndarray:
        """Returns the photograph of a pair, or the single one, (H, W, 3)."""
        return self._side(files, self.photo_side)

    def label_picture(self, files: PairFiles) -> tuple[np.ndarray, bool]:
        """Returns a label map as stored, ids mapped, and whether its file is lossy (JPEG).

        Colours are (H, W, 3), class ids (H, W).
        """
        if self.label_files == "ids":
            ids = self._ids(files)
            return ids if self.id_map is None else self.id_map.apply(ids), False
        return self._side(files, self.label_side), self.lossy(files)

    def _label(self, files: PairFiles, stored: np.ndarray, check: bool) -> np.ndarray:
        """A label map as ``label_as`` asks for it.

        The check is what ``check_labels`` does at the start, for a file that it did not look at.
        """
        if check:
            setting = f"label map '{self._file(files, self.label_side)}'"
            refuse_strays([(files.name, self.strays(files, stored))], setting)
        return self._coded(stored, self.lossy(files))

    def _coded(self, stored: np.ndarray, lossy: bool) -> np.ndarray:
        if self.label_as == "colours":
            return self.classes.encode_colours(stored) if self.label_files == "ids" else stored
        ids = stored if self.label_files == "ids" else self.classes.decode(stored, lossy=lossy)
        return ids[:, :, np.newaxis]

    def strays(self, files: PairFiles, stored: np.ndarray | None = None) -> Strays:
        """Counts the pixels of a label map that are of no class.

        Args:
            files: Of the pair.
            stored: What ``label_picture`` returned for them; None reads it.
        """
        lossy = self.lossy(files)
        if stored is None:
            stored, lossy = self.label_picture(files)
        found = self.classes.strays(stored, lossy)
        if self.id_map is not None and found.too_many:  # which ids these were tells the file
            return self.id_map.strays(self._ids(files))
        return found

    def _ids(self, files: PairFiles) -> np.ndarray:
        return read_ids(self._file(files, self.label_side), self.most_pixels)

    def lossy(self, files: PairFiles) -> bool:
        """Whether the label map is stored as JPEG."""
        return self._file(files, self.label_side).suffix.lower() in (".jpg", ".jpeg")

    def _file(self, files: PairFiles, side: Side) -> Path:
        return files.a if files.b is None or side == "A" else files.b

    def _side(self, files: PairFiles, side: Side, reading: Reading | None = None) -> np.ndarray:
        """One side as ``reading`` asks for it; in colours where none does."""
        if reading is None:
            role = role_of(side, self.direction)
            reading = replace(self.input if role == "input" else self.target, channels=3)
        return reading.of(self._stored(files, side, reading), self._file(files, side))

    def stored(self, files: PairFiles, role: Role) -> np.ndarray:
        """Returns a picture of one side as its file stores it, (H, W, C) of any type."""
        side = "A" if role == role_of("A", self.direction) else "B"
        return self._stored(files, side, self.input if role == "input" else self.target)

    def stored_photo(self, files: PairFiles) -> np.ndarray:
        """Returns the photograph that a task takes likewise."""
        role = role_of(self.photo_side, self.direction)
        reading = self.input if role == "input" else self.target
        return self._stored(files, self.photo_side, reading)

    def _stored(self, files: PairFiles, side: Side, reading: Reading) -> np.ndarray:
        stored = reading.stored(self._file(files, side))
        if files.b is None and not self.single:
            return halves(stored, files.a)[side == "B"]
        return stored

    def _halves(
        self, files: PairFiles, first: Reading, second: Reading
    ) -> tuple[np.ndarray, np.ndarray]:
        """Input and target of a side-by-side image, which is decoded once."""
        way = 1 if self.direction == "AtoB" else -1
        both = halves(first.stored(files.a), files.a)[::way]
        others = both
        if first.behind != second.behind:  # alpha is a channel of one side alone
            others = halves(second.stored(files.a), files.a)[::way]
        return first.of(both[0], files.a), second.of(others[1], files.a)


def halves(both: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Sides A and B of a side-by-side image, as views."""
    half, rest = divmod(both.shape[1], 2)
    if rest:
        raise setting_error(
            f"image '{path}'",
            f"a side-by-side image of odd width {both.shape[1]}",
            "two halves of equal width",
            "Mend the file, or set dataset.b_folder if the sides lie in two folders.",
        )
    return both[:, :half], both[:, half:]
