"""Which class each value of a label file is, where these do not count the classes from 0."""

from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from i2i.errors import setting_error
from i2i.labels.palette import UNLABELLED, ClassPalette
from i2i.labels.stray_colours import UNMAPPED_IDS, Strays

NO_CLASS = UNLABELLED - 1  # one more than the last id that a class can have
MOST_IDS = 65536


class IdMap:
    """The way from the values of label files to class ids.

    Values that the map does not name are unlabelled where the classes have a colour for that
    (``dataset.classes.unlabelled``), and otherwise of no class, which ``ClassPalette.strays`` and
    ``strays`` count; 255 is unlabelled unless the map says otherwise.

    Args:
        ids: Value in a file, 0..65535 -> class id, 0..n-1, or 255 for unlabelled.
        classes: Of the labels.

    Raises:
        SettingError: A value or a class is none.
    """

    def __init__(self, ids: Mapping[int, int], classes: ClassPalette) -> None:
        self.ids = _checked(ids, classes.n_classes)
        other = UNLABELLED if classes.has_unlabelled_colour else NO_CLASS
        self._table = np.full(max(256, *self.ids) + 2, other, np.uint8)
        self._table[UNLABELLED] = UNLABELLED
        self._table[list(self.ids)] = list(self.ids.values())

    def apply(self, ids: np.ndarray) -> np.ndarray:
        """Class ids, (H, W) uint8, of the values of a label file, (H, W) of whole numbers."""
        beyond = len(self._table) - 1  # a row that is no value's
        fits = np.iinfo(ids.dtype).max <= beyond
        return self._table[ids if fits else np.minimum(ids, beyond)]

    def strays(self, ids: np.ndarray) -> Strays:
        """Counts the pixels of a label file, (H, W), whose values are of no class."""
        stray = ids[self.apply(ids) == NO_CLASS]
        return Strays(
            stray.size, ids.size, 0.0, Counter(map(str, stray.tolist())), UNMAPPED_IDS,
            f"{', '.join(map(str, sorted(self.ids)))} as dataset.id_map names them, or "
            f"{UNLABELLED} for unlabelled",
        )  # fmt: skip


def colours_of_ids(
    ids: np.ndarray, mapping: Mapping[int, int] | None, classes: ClassPalette
) -> np.ndarray:
    """The picture of a map of ids, in the colours of the classes.

    Args:
        ids: (H, W) of whole numbers.
        mapping: ``dataset.id_map``; None where the ids are the classes already.
        classes: Of the labels.

    Returns:
        (H, W, 3) uint8.
    """
    its = id_map_of(mapping, "ids", classes)
    return classes.encode_colours(ids if its is None else its.apply(ids))


def id_map_of(
    ids: Mapping[int, int] | None, label_files: str, classes: ClassPalette | None
) -> IdMap | None:
    """The map of ``dataset.id_map``; None where there is none.

    Args:
        ids: The option.
        label_files: ``dataset.label_files``.
        classes: ``dataset.classes``.

    Raises:
        SettingError: The label files do not hold ids, or it is none.
    """
    if ids is None:
        return None
    if label_files != "ids" or classes is None:
        raise setting_error(
            "dataset.id_map", f"dataset.label_files={label_files}" if classes is not None else
            "no dataset.classes", "label files whose values are class ids, and their classes",
            "Set dataset.label_files=ids and dataset.classes, or leave dataset.id_map out.",
        )  # fmt: skip
    return IdMap(ids, classes)


def _checked(ids: Mapping[int, int], n_classes: int) -> dict[int, int]:
    good = isinstance(ids, Mapping) and len(ids) > 0
    if good:
        numbers = all(type(n) is int for item in ids.items() for n in item)
        good = numbers and all(
            0 <= value < MOST_IDS and (0 <= c < n_classes or c == UNLABELLED)
            for value, c in ids.items()
        )
    if not good:
        raise setting_error(
            f"dataset.id_map={ids}", "that value", f"values of the files, each with a class from 0 "
            f"to {n_classes - 1}, or {UNLABELLED} for unlabelled",
            "For example \"dataset.id_map={0: 0, 255: 1}\".",
        )  # fmt: skip
    return dict(ids)


def map_for(seen: Collection[int], n_classes: int) -> str | None:
    """What ``dataset.id_map`` probably has to be for the values of some files; None if unclear.

    Args:
        seen: All values in them.
        n_classes: Of the set.
    """
    values = sorted(seen)
    labelled = [value for value in values if value != UNLABELLED]
    if all(value < n_classes for value in labelled):  # nothing is wrong, but in a mask
        found = values if looks_like_mask(values) else []
    elif len(values) == n_classes:
        found = values
    elif labelled[0] > 0 and labelled[-1] == n_classes:
        found = range(1, n_classes + 1)
    else:
        found = labelled if len(labelled) == n_classes else []
    if not found:
        return None
    words = ", ".join(f"{value}: {place}" for place, value in enumerate(found))
    return f'"dataset.id_map={{{words}}}"'


def looks_like_mask(seen: Collection[int]) -> bool:
    """Whether the values are two, of which one is white: a mask, and not one class and nothing."""
    return len(seen) == 2 and UNLABELLED in seen
