"""Pixels of label files that are no class, counted file by file, and the error about them."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from i2i.errors import setting_error

SHOWN = 3  # files, and stray values, named in an error
OUT_OF_RANGE = "class ids out of range"
NO_COLOURS = "colours that are no class"
UNMAPPED_IDS = "class ids that dataset.id_map does not name"
KINDS = {
    OUT_OF_RANGE: "Correct dataset.classes, say with dataset.id_map which class each id is, or set "
    "dataset.label_files=colours where the files hold those.",
    NO_COLOURS: "Name such colours in dataset.classes.colours or "
    "dataset.classes.unlabelled, allow them with dataset.classes.tolerance (levels) or "
    "dataset.classes.stray_share (of a file), set dataset.label_files=ids where the values are the "
    "class ids, or set dataset.classes=null.",
    UNMAPPED_IDS: "Name them in dataset.id_map (255: unlabelled), or say which colour unlabelled "
    "pixels have, which these are then: dataset.classes.unlabelled=[0,0,0].",
}  # what stray pixels are: what to do about them


class Strays(NamedTuple):
    """The pixels of a label file that are none of the palette's; ``values`` only if too many."""

    count: int
    n_pixels: int
    allowed: float  # share of the pixels
    values: Counter[str]  # the most frequent stray colours or ids, as text
    kind: str  # one of KINDS
    expected: str  # what would have been right

    @property
    def too_many(self) -> bool:
        """Whether the file is to be refused."""
        return self.count > self.allowed * self.n_pixels


def refuse_strays(
    found: Iterable[tuple[str, Strays]], setting: str, todo: str | None = None
) -> None:
    """Stops where label files have more stray pixels than allowed.

    Args:
        found: Name and count of each file; colours or ids, not both.
        setting: Where the files are, for the error.
        todo: What to do about them; None: as ``KINDS`` says.

    Raises:
        SettingError: With the number of such files and pixels, the first files by name and the most
            frequent stray values.
    """
    looked_at = list(found)
    bad = {name: strays for name, strays in looked_at if strays.too_many}
    if not bad:
        return
    count, n_pixels = (sum(strays[i] for strays in bad.values()) for i in (0, 1))
    values = sum((strays.values for strays in bad.values()), Counter())
    frequent = ", ".join(f"{value} ({n:,} times)" for value, n in values.most_common(SHOWN))
    named = ", ".join(sorted(bad)[:SHOWN]) + (", ..." if len(bad) > SHOWN else "")
    first = next(iter(bad.values()))
    raise setting_error(
        setting,
        f"{first.kind} in {len(bad)} of {len(looked_at)} label files ({named}): {count:,} pixels, "
        f"{100 * count / n_pixels:.3g} % of theirs; the most frequent: {frequent}",
        first.expected,
        todo or KINDS[first.kind],
    )
