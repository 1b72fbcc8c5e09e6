"""The sizes of the files of pairs: whether the two sides show the same pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from i2i.data.index.layouts import how_to_read
from i2i.data.index.listing import some
from i2i.data.index.pair_list import PairFiles
from i2i.errors import setting_error
from i2i.messages import warn
from i2i.printable import printable

Sizes = Literal["equal", "scale"]
Size = tuple[int, int]  # height and width in pixels


class Seen(NamedTuple):
    """A pair, or one picture, whose files were looked at and are whole."""

    files: PairFiles
    a: Size
    b: Size | None  # None: there is no second file


def check_sizes(root: Path, seen: Sequence[Seen], sizes: Sizes) -> None:
    """Refuses side-by-side images of odd width, and pairs of unequal size unless they are scaled.

    Args:
        root: The data set's folder.
        seen: What was looked at.
        sizes: ``dataset.sizes``.

    Raises:
        SettingError: There are such.
    """
    odd = [
        f"{shown(pair.a, root)} (width {size[1]})"
        for pair, size, _ in seen
        if pair.b is None and size[1] % 2
    ]
    if odd:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(odd)} side-by-side image(s) of odd width: {some(odd)}",
            "two halves of equal width",
            how_to_read(root, halves=False)
            or "Mend these files, or set dataset.b_folder if the sides lie in two folders.",
        )
    unequal = [(pair.name, a, b) for pair, a, b in seen if b is not None and a != b]
    words = [f"{name} (A {by(a)}, B {by(b)})" for name, a, b in unequal]
    if unequal and sizes == "equal":
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(unequal)} pair(s) of unequal size, height x width: {some(words)}",
            "the two sides of a pair to show the same pixels",
            "Resize or take away these files, or set dataset.sizes=scale, which scales each side "
            "to dataset.image_size.",
        )
    other = [w for w, (_, a, b) in zip(words, unequal, strict=True) if not same_shape(a, b)]
    if other:
        warn(
            f"dataset.sizes=scale: {len(other)} pair(s) have sides of other proportions, which "
            f"scaling draws out: {some(other)}"
        )


def same_shape(a: Size, b: Size) -> bool:
    """Whether two sizes have the same proportions, but for the rounding to whole pixels."""
    return abs(a[0] * b[1] - a[1] * b[0]) <= max(*a, *b)


def shown(path: Path, root: Path) -> str:
    """A file's path below the data set's folder, or the whole where it lies elsewhere."""
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)


def by(size: Size) -> str:
    """Says a size: height x width."""
    return f"{size[0]} x {size[1]}"
