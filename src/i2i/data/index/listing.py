"""Lists the images below a folder, or says what is there instead; what is not read is counted.

Data sets, translate.py and its masks all ask here which files of a folder are data.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from i2i.data.index.layouts import how_to_read
from i2i.errors import setting_error
from i2i.files.clutter import is_clutter
from i2i.files.walk import files_below
from i2i.images.image_io import IMAGE_SUFFIXES
from i2i.messages import say

_LISTED = 10  # names in a message at most: it has to fit on one screen


def folder_of(root: Path, pattern: str, split_folder: str, key: str) -> Path:
    """The folder of one side of a split.

    Args:
        root: The data set's folder.
        pattern: Of the folder below it.
        split_folder: Replaces ``{split}`` in the pattern.
        key: The option that the pattern comes from, for the error.

    Raises:
        SettingError: There is no such folder; says what is there.
    """
    folder = root / pattern.replace("{split}", split_folder)
    if os.path.isdir(folder):  # Path's own raises for names that are too long, and without rights
        return folder
    present = next((above for above in folder.parents if os.path.isdir(above)), Path("/"))
    if not os.path.isdir(root):
        raise setting_error(
            f"dataset.root='{root}'",
            "a file" if os.path.exists(root) else f"no such folder ('{present}' is there)",
            "the folder that holds the data set",
            "Set dataset.root to it.",
        )
    try:
        inside = sorted(name for name in os.listdir(present) if not is_clutter(name))
    except OSError as error:
        inside = [f"({error.strerror or error})"]
    raise setting_error(
        f"dataset.root='{root}'",
        f"no folder '{folder.relative_to(root)}' ('{present}' has: {some(inside) or 'nothing'})",
        f"it to be there, as dataset.{key} says ('{pattern}')",
        how_to_read(root) or f"Set dataset.root, dataset.splits or dataset.{key} to what is there.",
    )


def require_splits_apart(root: Path, split_folder: str) -> None:
    """Makes sure that a split which takes all images does not take those of other splits.

    Raises:
        SettingError: It would.
    """
    if split_folder == "." and (root / "train").is_dir():
        raise setting_error(
            f"dataset.root='{root}'",
            "a folder 'train' in it, and dataset.splits.train='.', which takes all images",
            "splits that are read apart",
            "Add dataset.splits.train=train dataset.splits.val=val dataset.splits.test=test "
            "dataset.val_from_train=0 dataset.test_from_train=0 (as far as there are such).",
        )


class Images(NamedTuple):
    """What a folder of a data set holds."""

    found: dict[str, str]  # name -> suffix, sorted by name; subfolders are part of the name
    others: list[str]  # names of the files that are not read


def images_below(root: Path, folder: Path) -> Images:
    """Lists the images of a folder and its subfolders.

    Args:
        root: The data set's folder, for the error.
        folder: Where to look.

    Raises:
        SettingError: There is no image, or one name twice.
    """
    setting = f"dataset.root='{root}'"
    found: dict[str, str] = {}
    twice = []
    images, others = listed(folder, setting)
    for below, stem, suffix in images:
        name = f"{below}/{stem}" if below else stem
        if name in found:
            twice.append(f"{stem}{suffix} and {stem}{found[name]}")
        found[name] = suffix
    if twice:
        raise setting_error(
            setting,
            f"{len(twice)} name(s) used twice in '{folder}': {some(sorted(twice))}",
            "one image a name",
            "Take one of the two away.",
        )
    if not found:
        raise setting_error(
            setting,
            f"no image in '{folder}' (other files: {some(sorted(others)) or 'none'})",
            f"files that end in {', '.join(IMAGE_SUFFIXES)}",
            "Put the images there, or set dataset.root to where they are.",
        )
    return Images(dict(sorted(found.items())), others)


def listed(
    folder: Path, setting: str, without: Path | None = None
) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The images below a folder, and the names of the other files that are somebody's.

    Args:
        folder: Where to look.
        setting: The option that names it, for the error.
        without: A folder in it whose files are not looked at.

    Returns:
        Subfolder, stem and suffix of each image: subfolder / (stem + suffix) is its place. And the
        others.

    Raises:
        SettingError: A subfolder cannot be read.
    """
    images, others = [], []
    left_out = None if without is None else Path(os.path.realpath(without))
    last, inside = None, False
    for below, file in files_below(folder, setting):
        if left_out is not None and below != last:
            here = Path(os.path.realpath(folder / below))
            last, inside = below, left_out in (here, *here.parents)
        if inside:
            continue
        stem, _, ending = file.rpartition(".")
        if stem and f".{ending}".lower() in IMAGE_SUFFIXES:
            images.append((below, stem, f".{ending}"))
        else:
            others.append(file)
    return images, others


def say_passed_over(folder: Path, others: Iterable[str]) -> None:
    """Counts the files of a folder that are not read, by their suffixes; one line, or none.

    Args:
        folder: Where they are.
        others: Their names.
    """
    kinds = Counter(os.path.splitext(name)[1].lower() or "without a suffix" for name in others)
    if kinds:
        total = kinds.total()
        counted = [f"{n} {kind}" for kind, n in sorted(kinds.items(), key=lambda k: (-k[1], k[0]))]
        say(f"'{folder}': {total} other file{'s'[: total != 1]} passed over: {some(counted)}")


def say_what_stands_above(root: Path, patterns: Iterable[str], split_folder: str) -> None:
    """Counts the files that stand in a split's own folder, of which only subfolders are read.

    Args:
        root: The data set's folder.
        patterns: Of the folders that are read.
        split_folder: Replaces ``{split}`` in them.
    """
    read = [PurePosixPath(pattern) for pattern in patterns]
    for above in dict.fromkeys(pattern.parent for pattern in read):
        if above in read or "{split}" not in str(above):
            continue
        folder = root / str(above).replace("{split}", split_folder)
        with os.scandir(folder) as entries:
            say_passed_over(
                folder,
                [e.name for e in entries if not is_clutter(e.name) and not e.is_dir()],
            )


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
