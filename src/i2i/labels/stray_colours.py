"""Pixels of label files that are no class, counted file by file, and the error about them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from i2i.errors import setting_error

SHOWN = 3  # files, and stray values, named in an error


class Strays(NamedTuple):
    """The pixels of a label file that are none of the palette's."""

    count: int
    n_pixels: int
    allowed: float  # share of the pixels
    values: Counter[str]  # the most frequent stray colours or ids, as text
    ids: bool = False  # whether the file holds class ids

    @property
    def too_many(self) -> bool:
        """Whether the file is to be refused."""
        return self.count > self.allowed * self.n_pixels


def add_strays(parts: Sequence[Strays]) -> Strays:
    """The strays of a file from those of its parts; ``allowed`` and ``ids`` are the same in all."""
    values = sum((part.values for part in parts), Counter())
    count, n_pixels = (sum(part[i] for part in parts) for i in (0, 1))
    return Strays(count, n_pixels, parts[0].allowed, values, parts[0].ids)


def refuse_strays(found: Iterable[tuple[str, Strays]], setting: str, expected: str) -> None:
    """Stops where label files have more stray pixels than allowed.

    Args:
        found: Name and count of each file; colours or ids, not both.
        setting: Where the files are, for the error.
        expected: What would have been right.

    Raises:
        SettingError: With the number of such files and pixels, the first files by name and the most
            frequent stray values.
    """
    n_files, count, n_pixels, ids = 0, 0, 0, False
    bad: list[str] = []
    values: Counter[str] = Counter()
    for name, strays in found:
        n_files += 1
        if strays.too_many:
            bad.append(name)
            count, n_pixels = count + strays.count, n_pixels + strays.n_pixels
            values.update(strays.values)
            ids = strays.ids
    if not bad:
        return
    named = ", ".join(sorted(bad)[:SHOWN]) + (", ..." if len(bad) > SHOWN else "")
    frequent = ", ".join(f"{value} ({n:,} times)" for value, n in values.most_common(SHOWN))
    found_text = (
        f"{'class ids out of range' if ids else 'colours that are no class'} in {len(bad)} of "
        f"{n_files} label files ({named}): {count:,} pixels, {100 * count / n_pixels:.2g} % of "
        f"theirs; the most frequent: {frequent}"
    )
    todo = "Correct dataset.classes, or set dataset.label_files=colours where the files hold those."
    if not ids:
        todo = (
            "Name such colours in dataset.classes.colours or dataset.classes.unlabelled, allow "
            "them with dataset.classes.tolerance (levels) or dataset.classes.stray_share (of a "
            "file), or set dataset.classes=null."
        )
    raise setting_error(setting, found_text, expected, todo)
