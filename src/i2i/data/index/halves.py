"""Warns where files are read as two sides beside each other, and look like something else."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from i2i.data.index.layouts import how_to_read, names_in_twos
from i2i.data.index.listing import some
from i2i.data.index.pair_sizes import Size, by
from i2i.messages import warn

OTHERWISE = (
    "If each is one photograph, or one side, set dataset.b_folder or choose dataset=photos "
    "task=colorization, say."
)


def warn_of_doubtful_halves(root: Path, names: Iterable[str], sizes: Sequence[Size]) -> None:
    """Says, with the options that read such files, what speaks against halving them.

    Args:
        root: The data set's folder.
        names: Of all files of a split, subfolders included.
        sizes: Of those that were looked at.
    """
    names = list(names)
    below: dict[str, set[str]] = {}
    for name in names:
        first, slash, rest = name.partition("/")
        below.setdefault(first if slash else "", set()).add(rest if slash else name)
    if "" in below:
        below.clear()
    found = _two_folders(below) or _twos(names) or _narrow(root, sizes) or _folders(root, below)
    if found:
        warn(f"dataset.root='{root}': each image is read as a side-by-side pair, {found}")


def _two_folders(below: Mapping[str, set[str]]) -> str | None:
    if len(below) != 2:
        return None
    (first, names), (second, others) = below.items()
    return (
        f"yet '{first}' and '{second}' hold the same names. If they are the two sides, set "
        f"\"dataset.a_folder='{{split}}/{first}'\" and \"dataset.b_folder='{{split}}/{second}'\"."
        if names == others
        else None
    )


def _twos(names: Sequence[str]) -> str | None:
    rule = names_in_twos(sorted(names)) if len(names) > 2 else ""  # of two, they may be numbers
    return rule and f"yet the names come in twos. If these are the two sides, set {rule}."


def _narrow(root: Path, sizes: Sequence[Size]) -> str | None:
    """Pictures that are nowhere much wider than high are hardly two sides beside each other."""
    if not sizes or any(2 * width >= 3 * height for height, width in sizes):  # halves below 3:4
        return None
    height, width = sizes[0]
    return (
        f"and none is 1.5 times as wide as high: {by((height, width))} becomes two sides of "
        f"{by((height, width // 2))}. {how_to_read(root, halves=False) or OTHERWISE}"
    )


def _folders(root: Path, below: Mapping[str, set[str]]) -> str | None:
    """Folders of other names are classes or domains, as a rule."""
    if len(below) < 2:
        return None
    return (
        f"yet they lie in folders ({some(sorted(below))}), as classes do. If each is one picture: "
        f"{how_to_read(root, halves=False) or OTHERWISE}"
    )
