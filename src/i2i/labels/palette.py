"""The classes of a label map: their names, ids and colours, and the ways between these."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.labels.nearest_colour import decode_jpeg, farther_than, nearest_colour
from i2i.labels.stray_colours import NO_COLOURS, OUT_OF_RANGE, Strays, refuse_strays

UNLABELLED = 255  # the id of pixels that belong to no class
MOST_CLASSES = 254
# What JPEG may do to a label map before it is taken for something else. At quality 75 and 4:2:0
# under 4 % of the pixels of CamVid's labels miss all colours by more than 48 levels (about 6 % if a
# resize blended the edges before), and over 15 % of those of nearly every photograph of it.
JPEG_TOLERANCE = 48  # levels
JPEG_STRAY_SHARE = 0.15  # of a file's pixels
MOST_STRAYS = 1_000_000  # stray pixels of a file that are counted by value
EXAMPLE = (
    'For example "dataset.classes={colours: {sky: [128,128,128], road: [128,64,128]}}", or a '
    "preset such as conf/dataset/camvid.yaml."
)
STAND_INS = ((0, 0, 0), (255, 255, 255), (255, 0, 255), (0, 255, 0))  # for unlabelled, see below


class ClassPalette:
    """Names and colours of classes; the order gives the class ids 0..n-1, unlabelled is 255.

    Label pictures have the palette's colours; the sets' own files may also hold the ids themselves.
    Where the set has no colour for unlabelled pixels (only ids can tell them then), pictures made
    by this class show them in a stand-in, black unless a class is black.

    Args:
        colours: Class name -> (R, G, B), 0..255, all different.
        unlabelled: The colour of pixels that count for nothing, or a list of such colours.
        tolerance: Levels by which the farthest channel of a label pixel may miss a palette colour.
        stray_share: Share of a file's pixels that may miss by more; they take the nearest colour.
            JPEG files get at least ``JPEG_TOLERANCE`` and ``JPEG_STRAY_SHARE``.

    Attributes:
        names: Of the classes, by id.
        table: The colours by id, then those of unlabelled, (n, 3) uint8.
        ids: The class of each row of the table.
        has_unlabelled_colour: Whether the set itself has one.

    Raises:
        SettingError: A colour is none or is doubled, there are fewer than 2 classes or more than
            254, or a tolerance is out of range.
    """

    def __init__(
        self,
        colours: Mapping[str, Sequence[int]],
        unlabelled: Sequence[int] | Sequence[Sequence[int]] | None = None,
        tolerance: int = 0,
        stray_share: float = 0.0,
    ) -> None:
        if not isinstance(colours, Mapping):
            raise setting_error(
                "dataset.classes.colours", f"{colours!s:.80}", "a name and a colour of each class",
                EXAMPLE,
            )  # fmt: skip
        self.names = tuple(str(name) for name in colours)
        if not 2 <= len(self.names) <= MOST_CLASSES:
            raise setting_error(
                "dataset.classes.colours", f"{len(self.names)} classes",
                f"2 to {MOST_CLASSES}", "Write name: [R, G, B] for each class.",
            )  # fmt: skip
        left_out = _colour_list(unlabelled)
        rows = [(f"colours.{name}", colour) for name, colour in colours.items()]
        rows += [("unlabelled", colour) for colour in left_out]
        checked = [_checked_colour(key, colour) for key, colour in rows]
        _refuse_doubled([key for key, _ in rows], checked)
        for key, value, most in (("tolerance", tolerance, 255), ("stray_share", stray_share, 1)):
            if not _is_number(value) or not 0 <= value <= most:
                raise setting_error(
                    f"dataset.classes.{key}={value}", "that value", f"0 to {most}", "Try 0."
                )
        self.tolerance, self.stray_share = tolerance, stray_share
        self.table = np.array(checked, np.uint8)  # (n, 3)
        self.ids = np.full(len(checked), UNLABELLED, np.uint8)
        self.ids[: self.n_classes] = np.arange(self.n_classes)
        stand_in = next(c for c in STAND_INS if c not in checked[: self.n_classes])
        self.has_unlabelled_colour = bool(left_out)
        self._unlabelled = checked[self.n_classes] if left_out else stand_in

    @property
    def n_classes(self) -> int:
        """Without unlabelled."""
        return len(self.names)

    def same_classes(self, other: "ClassPalette") -> bool:
        """Whether ids mean the same: equal names in the same order, whatever their colours."""
        return self.names == other.names

    def decode(self, image: np.ndarray, lossy: bool = False) -> np.ndarray:
        """Tells the classes of a label picture by the nearest palette colours.

        Args:
            image: (H, W, 3), uint8, or floats on the 0..255 scale.
            lossy: The picture comes from a JPEG file; see ``nearest_colour.decode_jpeg``: no class
                comes out that was not there before, and very small ones may be lost.

        Returns:
            (H, W) uint8: ids, 255 where unlabelled.
        """
        if lossy:
            levels = np.rint(image).clip(0, 255).astype(np.uint8)
            return decode_jpeg(levels, self.table, self.ids)
        return self.ids[nearest_colour(image, self.table)]

    def encode_colours(self, ids: np.ndarray) -> np.ndarray:
        """Paints class ids, (H, W) uint8, as (H, W, 3) uint8; raises as ``one_hot`` does."""
        return self._table_by_id()[self._checked_ids(ids)]

    def one_hot(self, ids: np.ndarray) -> Tensor:
        """Makes one channel a class: 1 where it is that class, else -1; all -1 where unlabelled.

        Args:
            ids: (H, W) uint8.

        Returns:
            (n_classes, H, W) float32.

        Raises:
            SettingError: An id is neither 0..n-1 nor 255.
        """
        labels = torch.from_numpy(np.array(self._checked_ids(ids)))
        classes = torch.arange(self.n_classes, dtype=torch.uint8)[:, None, None]
        return (labels == classes).float().mul_(2).sub_(1)

    def ids_of_colours(self, picture: Tensor, with_unlabelled: bool) -> Tensor:
        """Tells the classes of label pictures by the nearest palette colours.

        Args:
            picture: (B, 3, H, W) in [-1, 1].
            with_unlabelled: Whether a pixel may be unlabelled: in a true label, not in a made one.

        Returns:
            (B, H, W) uint8 on the picture's device.
        """
        if picture.ndim != 4 or picture.shape[1] != 3:
            raise ValueError(f"label pictures of shape {tuple(picture.shape)}; expected (B,3,H,W)")
        levels = picture.detach().float().add(1).mul(127.5)
        near = torch.full_like(levels[:, 0], torch.inf)
        found = torch.zeros_like(near, dtype=torch.uint8)
        n_rows = len(self.table) if with_unlabelled else self.n_classes
        for colour, c in zip(self.table[:n_rows].tolist(), self.ids.tolist(), strict=False):
            distance = (levels - levels.new_tensor(colour)[:, None, None]).square_().sum(1)
            found = torch.where(distance < near, c, found)
            near = torch.minimum(near, distance)
        if with_unlabelled and not self.has_unlabelled_colour:  # the stand-in is no neighbour
            stand_in = levels.new_tensor(self._unlabelled)[:, None, None]
            found[(levels.round() == stand_in).all(1)] = UNLABELLED
        return found

    def ids_of_one_hot(self, y: Tensor, truth: bool) -> Tensor:
        """Tells the classes of one channel a class by the largest one.

        Args:
            y: (B, n_classes, H, W).
            truth: Whether pixels whose channels are all -1 are unlabelled, as in a true label.

        Returns:
            (B, H, W) uint8 on the device of ``y``.
        """
        if y.ndim != 4 or y.shape[1] != self.n_classes:
            raise ValueError(f"shape {tuple(y.shape)}; expected (B, {self.n_classes}, H, W)")
        largest, found = y.detach().max(1)
        found = found.to(torch.uint8)
        return torch.where(largest <= -1, UNLABELLED, found) if truth else found

    def colours_of_ids(self, ids: Tensor) -> Tensor:
        """Paints class ids, (B, H, W) uint8, as pictures, (B, 3, H, W) float32 in [-1, 1]."""
        table = torch.from_numpy(self._table_by_id()).to(ids.device)
        return table[ids.long()].permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()

    def strays(self, label: np.ndarray, lossy: bool = False) -> Strays:
        """Counts the pixels of a label map that are none of the palette's; thread-safe.

        Args:
            label: Colours, (H, W, 3), or class ids, (H, W).
            lossy: The colours come from a JPEG file.

        Returns:
            The count, for ``refuse_strays``.
        """
        if label.ndim == 2:
            wrong = self._wrong_ids(label)
            expected = f"0 to {self.n_classes - 1}, or {UNLABELLED} for unlabelled"
            return _counted(label, wrong, 0.0, OUT_OF_RANGE, expected)
        tolerance, allowed = self.tolerance, self.stray_share
        if lossy:
            tolerance, allowed = max(tolerance, JPEG_TOLERANCE), max(allowed, JPEG_STRAY_SHARE)
        far = farther_than(label, self.table, tolerance)
        expected = f"the {len(self.table)} colours of dataset.classes"
        return _counted(label, far, allowed, NO_COLOURS, expected)

    def check(
        self, files: Iterable[tuple[str, np.ndarray, bool]], setting: str = "dataset.classes"
    ) -> None:
        """Looks at label maps one at a time, and raises as ``refuse_strays`` does.

        Args:
            files: Name, (H, W, 3) colours or (H, W) class ids, and whether they come from a JPEG.
            setting: Where the files are, for the error.
        """
        refuse_strays(((name, self.strays(label, lossy)) for name, label, lossy in files), setting)

    def _wrong_ids(self, ids: np.ndarray) -> np.ndarray:
        return (ids >= self.n_classes) & (ids != UNLABELLED)

    def _checked_ids(self, ids: np.ndarray) -> np.ndarray:
        if self._wrong_ids(ids).any():
            self.check([("this one", ids, False)])
        return ids

    def _table_by_id(self) -> np.ndarray:
        """(256, 3) uint8; the rows of no class hold the first colour of unlabelled."""
        table = np.empty((256, 3), np.uint8)
        table[:] = self._unlabelled
        table[: self.n_classes] = self.table[: self.n_classes]
        return table


def _counted(
    label: np.ndarray, stray: np.ndarray, allowed: float, kind: str, expected: str
) -> Strays:
    count, values = int(np.count_nonzero(stray)), Counter()
    if count > allowed * stray.size:  # nobody asks for the others'
        found = np.rint(label[stray][:MOST_STRAYS]).astype(int).tolist()
        values = Counter(map(str, found))
    return Strays(count, stray.size, allowed, values, kind, expected)


def _colour_list(unlabelled: Any) -> list[Any]:
    """One colour, several or None, as a list of colours."""
    if unlabelled is None:
        return []
    several = len(unlabelled) and isinstance(unlabelled[0], Sequence)
    return list(unlabelled) if several else [unlabelled]


def palette_of(given: Any) -> ClassPalette | None:
    """The classes that ``dataset.classes`` says, made already or as options; None for none.

    Args:
        given: A palette, or its arguments by name.

    Raises:
        SettingError: It is something else, or as in ``ClassPalette``.
    """
    if given is None or isinstance(given, ClassPalette):
        return given
    named = given if isinstance(given, Mapping) else {}
    options = {key: value for key, value in named.items() if key != "_target_"}
    known = [*signature(ClassPalette).parameters]
    unknown = [str(key) for key in options if key not in known]
    if unknown or "colours" not in options:
        found = f"the key {unknown[0]}" if unknown else f"{given!s:.80}, without colours"
        raise setting_error(
            "dataset.classes", found, f"some of {', '.join(known)}, and colours among them", EXAMPLE
        )
    return ClassPalette(**options)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _checked_colour(key: str, colour: Any) -> tuple[int, int, int]:
    good = isinstance(colour, Sequence) and not isinstance(colour, str) and len(colour) == 3
    if not good or not all(type(level) is int and 0 <= level <= 255 for level in colour):
        raise setting_error(
            f"dataset.classes.{key}", f"{colour}", "three whole numbers from 0 to 255",
            "Write [R, G, B].",
        )  # fmt: skip
    return tuple(colour)


def _refuse_doubled(keys: list[str], colours: list[tuple[int, int, int]]) -> None:
    doubled = [c for c, n in Counter(colours).items() if n > 1]
    if doubled:
        owners = [key for key, colour in zip(keys, colours, strict=True) if colour == doubled[0]]
        raise setting_error(
            "dataset.classes", f"the colour {list(doubled[0])} for {' and '.join(owners)}",
            "a colour of its own for each", "Change or remove one of them.",
        )  # fmt: skip
