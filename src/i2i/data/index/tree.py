"""What lies below a folder, a few levels deep: its folders and the names of its pictures."""

import os
from pathlib import Path
from typing import NamedTuple

from i2i.files.clutter import is_clutter
from i2i.images.image_io import IMAGE_SUFFIXES

DEPTH = 4  # levels that are looked at
MOST_ENTRIES = 50_000  # in all: only an error waits for it


class Tree(NamedTuple):
    """One folder.

    Attributes:
        folders: What is in each of its folders, by name, sorted.
        names: Of all its pictures, without suffix; with subfolders, and "/" between.
        first: The path of one of them below the folder; "" where there is none.
    """

    folders: dict[str, "Tree"]
    names: frozenset[str]
    first: str

    def filled(self) -> dict[str, "Tree"]:
        """Those folders that hold pictures, where no picture stands beside them; else none."""
        if any("/" not in name for name in self.names):
            return {}
        return {name: tree for name, tree in self.folders.items() if tree.names}


def tree_below(root: Path) -> Tree:
    """Looks into a folder; what cannot be read counts as empty."""
    left = [MOST_ENTRIES]
    return _look(str(root), DEPTH, left)


def _look(path: str, depth: int, left: list[int]) -> Tree:
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)[: left[0]]
    except OSError:
        return Tree({}, frozenset(), "")
    left[0] -= len(entries)
    folders, names, first = {}, set(), ""
    for entry in entries:
        if is_clutter(entry.name):
            continue
        stem, suffix = os.path.splitext(entry.name)
        if os.path.isdir(entry.path):  # links too: the depth ends their loops
            if depth:
                folders[entry.name] = _look(entry.path, depth - 1, left)
        elif suffix.lower() in IMAGE_SUFFIXES:
            names.add(stem)
            first = first or entry.name
    for name, tree in folders.items():
        names |= {f"{name}/{inner}" for inner in tree.names}
        first = first or (tree.first and f"{name}/{tree.first}")
    return Tree(folders, frozenset(names), first)
