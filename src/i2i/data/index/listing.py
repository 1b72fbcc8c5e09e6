"""Lists the images below a folder, or says what is there instead."""

import os
from collections.abc import Sequence
from pathlib import Path

from i2i.errors import setting_error
from i2i.files.walk import files_below
from i2i.images.image_io import IMAGE_SUFFIXES

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
        inside = sorted(os.listdir(present))
    except OSError as error:
        inside = [f"({error.strerror or error})"]
    todo = f"Set dataset.root, dataset.splits or dataset.{key} to what is there."
    if key == "a_folder" and {"trainA", "trainB"} <= set(inside):
        todo = (
            "This is the unpaired download: dataset=folders reads it. Or get the paired one, with "
            "a plain 'train' folder."
        )
    raise setting_error(
        f"dataset.root='{root}'",
        f"no folder '{folder.relative_to(root)}' ('{present}' has: {some(inside) or 'nothing'})",
        f"it to be there, as dataset.{key} says ('{pattern}')",
        todo,
    )


def images_below(root: Path, folder: Path) -> dict[str, str]:
    """Returns name -> suffix of the files, sorted by name; subfolders are part of the name.

    Args:
        root: The data set's folder, for the error.
        folder: Where to look.

    Raises:
        SettingError: There is no image, or one name twice.
    """
    found: dict[str, str] = {}
    twice, others = [], []
    for below, file in files_below(folder, f"dataset.root='{root}'"):
        if file.startswith("."):
            continue
        stem, _, ending = file.rpartition(".")
        if (suffix := f".{ending}").lower() not in IMAGE_SUFFIXES or not stem:
            others.append(file)
            continue
        name = f"{below}/{stem}" if below else stem
        if name in found:
            twice.append(f"{file} and {stem}{found[name]}")
        found[name] = suffix
    if twice:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(twice)} name(s) used twice in '{folder}': {some(sorted(twice))}",
            "one image a name",
            "Take one of the two away.",
        )
    if not found:
        raise setting_error(
            f"dataset.root='{root}'",
            f"no image in '{folder}' (other files: {some(sorted(others)) or 'none'})",
            f"files that end in {', '.join(IMAGE_SUFFIXES)}",
            "Put the images there, or set dataset.root to where they are.",
        )
    return dict(sorted(found.items()))


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
