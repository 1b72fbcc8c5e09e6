"""The classes of a set whose folders are named after them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from i2i.data.index.listing import folder_of, some
from i2i.errors import setting_error
from i2i.files.clutter import is_clutter

MOST_CLASSES = 100_000  # folders; a set of so many pictures without classes is something else


def classes_below(
    root: str | Path, a_folder: str, splits: Mapping[str, str | None], name: str
) -> list[str]:
    """Lists the classes of a set in natural order: class2 before class10.

    Args:
        root: The data set's folder.
        a_folder: ``dataset.a_folder``; ``{domain}`` in it is what is looked for.
        splits: ``dataset.splits``; that of training says which classes there are.
        name: Of the set, for errors.

    Raises:
        SettingError: There are less than two, or the splits have other ones.
    """
    root, (above, found, rest) = Path(root), a_folder.partition("{domain}")
    if not found or (above and not above.endswith("/")) or (rest and not rest.startswith("/")):
        raise setting_error(
            "dataset.domains=null", f"dataset.a_folder='{a_folder}'", "the names of the classes, "
            "where {domain} is no folder of its own", "For example dataset.domains=[cat,dog].",
        )  # fmt: skip
    of_splits = {
        folder: folders_in(root, folder_of(root, above, folder, "a_folder"))
        for folder in splits.values()
        if folder is not None
    }
    first, *others = of_splits.items()
    if len(first[1]) < 2:
        raise setting_error(
            f"dataset.root='{root}'", f"{len(first[1])} class(es) in '{first[0]}': "
            f"{some(first[1]) or 'no folder'}", f"two or more folders for data set '{name}', named "
            "after the classes", "Set dataset.root to a folder that holds "
            "{train,val,test}/{cat,dog}/*.jpg, say.",
        )  # fmt: skip
    for split, classes in others:
        odd = sorted(set(classes) ^ set(first[1]))
        if odd:
            where = split if odd[0] not in classes else first[0]
            raise setting_error(
                f"dataset.root='{root}'", f"no class '{odd[0]}' in '{where}'",
                f"the same classes in '{first[0]}' and '{split}'",
                "Add its folder and pictures, take it away from the other split, or name those to "
                "read: dataset.domains=[...].",
            )  # fmt: skip
    return first[1]


def folders_in(root: Path, folder: Path) -> list[str]:
    """Names of the folders in a folder, linked ones too, in natural order, without clutter.

    Raises:
        SettingError: It cannot be read, there are too many, or a name has ``${`` in it.
    """
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not is_clutter(e.name) and e.is_dir()]
    except OSError as error:
        raise setting_error(
            f"dataset.root='{root}'", f"a folder that cannot be read: '{folder}' "
            f"({error.strerror or error})", "permission to look into it", "Change its permissions.",
        ) from error  # fmt: skip
    odd = [name for name in names if "${" in name]
    if odd or len(names) > MOST_CLASSES:
        raise setting_error(
            f"dataset.root='{root}'", f"a class '{odd[0]}'" if odd else f"{len(names)} folders in "
            f"'{folder}'", "names without ${" if odd else f"at most {MOST_CLASSES}",
            "Rename the folder." if odd else "Name those to read: dataset.domains=[...].",
        )  # fmt: skip
    return sorted(names, key=natural)


def natural(name: str) -> list[tuple[int, str]]:
    """The key of an order in which numbers count as such."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts]
