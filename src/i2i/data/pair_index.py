"""Finds the pairs of a split and makes sure, before training starts, that every one can be used."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import Literal, NamedTuple

from lightning.fabric.utilities.rank_zero import rank_zero_warn

from i2i.data.image_io import IMAGE_SUFFIXES, examine_image
from i2i.errors import setting_error

_LISTED = 10  # names in a message at most: it has to fit on one screen


class PairFiles(NamedTuple):
    """Where one pair lies."""

    name: str  # path below its folder, without suffix, with "/" on every system
    a: Path
    b: Path | None  # None: ``a`` holds both, A in its left half and B in its right, or one photo


class PairList(list[PairFiles]):
    """Pairs sorted by name, and how many ``on_error="skip"`` left out."""

    skipped: int = 0


def find_pairs(
    root: Path,
    split_folder: str,
    *,
    a_folder: str = "{split}",
    b_folder: str | None = None,
    single: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
) -> PairList:
    """Lists the pairs of one split, subfolders included; hidden files are passed over.

    Every file's header and end are looked at, not its pixels.

    Args:
        root: The data set's folder.
        split_folder: What replaces ``{split}`` in the two patterns.
        a_folder: Folder of side A below ``root``, or of the side-by-side images.
        b_folder: Folder of side B, whose files have the names of side A's; None for side-by-side
            images.
        single: Each file below ``a_folder`` is one photograph, not two sides.
        on_error: Whether a damaged file stops the run ("raise") or costs its pair, with a warning
            ("skip"). Anything else that is wrong is the layout's fault, and always stops the run.

    Returns:
        The pairs.

    Raises:
        SettingError: If a folder is missing or empty, names do not match or are not unique, files
            are damaged, sides differ in size, or a side-by-side image cannot be halved.
    """
    files_a = _images_below(root, _folder(root, a_folder, split_folder, "a_folder"))
    if b_folder is None:
        if not single:
            _warn_of_two_folders(files_a)
        pairs = [PairFiles(name, path, None) for name, path in files_a.items()]
    else:
        files_b = _images_below(root, _folder(root, b_folder, split_folder, "b_folder"))
        _check_names(root, files_a, files_b)
        pairs = [PairFiles(name, path, files_b[name]) for name, path in files_a.items()]
    return _check_files(root, split_folder, pairs, single, on_error)


def check_patterns(a_folder: str, b_folder: str | None, n_splits: int) -> None:
    """Makes sure that the folder patterns keep the splits, and the two sides, apart.

    Args:
        a_folder: As in ``find_pairs``.
        b_folder: As in ``find_pairs``.
        n_splits: How many splits the patterns serve.

    Raises:
        SettingError: If two splits or both sides would be read from one folder.
    """
    for key, pattern in (("a_folder", a_folder), ("b_folder", b_folder)):
        if pattern is not None and "{split}" not in pattern and n_splits > 1:
            raise setting_error(
                f"dataset.{key}='{pattern}'",
                f"one folder for {n_splits} splits",
                "a pattern with {split} in it",
                f"For example \"dataset.{key}='{{split}}/{pattern}'\".",
            )
    if a_folder == b_folder:
        raise setting_error(
            f"dataset.b_folder='{b_folder}'",
            "the folder of side A",
            "another folder",
            "For side-by-side images set dataset.b_folder=null.",
        )


def _folder(root: Path, pattern: str, split_folder: str, key: str) -> Path:
    folder = root / pattern.replace("{split}", split_folder)
    if folder.is_dir():
        return folder
    present = next((above for above in folder.parents if above.is_dir()), Path("/"))
    if not root.is_dir():
        raise setting_error(
            f"dataset.root='{root}'",
            "a file" if root.exists() else f"no such folder ('{present}' is there)",
            "the folder that holds the data set",
            "Set dataset.root to it.",
        )
    inside = sorted(entry.name for entry in present.iterdir())
    todo = f"Set dataset.root, dataset.splits or dataset.{key} to what is there."
    if {"trainA", "trainB"} <= set(inside):
        todo = "This is the unpaired download; get the paired one, with a plain 'train' folder."
    raise setting_error(
        f"dataset.root='{root}'",
        f"no folder '{folder.relative_to(root)}' ('{present}' has: {_some(inside) or 'nothing'})",
        f"it to be there, as dataset.{key}='{pattern}' says",
        todo,
    )


def _images_below(root: Path, folder: Path) -> dict[str, Path]:
    """Returns name -> file, sorted by name."""
    found: dict[str, Path] = {}
    twice, others = [], []
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                others.append(path.name)
                continue
            name = path.relative_to(folder).with_suffix("").as_posix()
            if name in found:
                twice.append(f"{path.name} and {found[name].name}")
            found[name] = path
    if twice:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(twice)} name(s) used twice in '{folder}': {_some(sorted(twice))}",
            "one image a name",
            "Take one of the two away.",
        )
    if not found:
        raise setting_error(
            f"dataset.root='{root}'",
            f"no image in '{folder}' (other files: {_some(sorted(others)) or 'none'})",
            f"files that end in {', '.join(IMAGE_SUFFIXES)}",
            "Put the images there, or set dataset.root to where they are.",
        )
    return dict(sorted(found.items()))


def _check_names(root: Path, files_a: dict[str, Path], files_b: dict[str, Path]) -> None:
    only_a, only_b = sorted(files_a.keys() - files_b), sorted(files_b.keys() - files_a)
    if only_a or only_b:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(only_a)} image(s) of side A without side B ({_some(only_a) or 'none'}) and "
            f"{len(only_b)} of side B without side A ({_some(only_b) or 'none'})",
            "the same names in both folders, suffixes aside",
            "Rename these files or take them away.",
        )


def _warn_of_two_folders(files: dict[str, Path]) -> None:
    """Two subfolders with the same names look like A and B, and would be halved in silence."""
    below: dict[str, set[PurePath]] = {}
    for name in files:
        first, *rest = PurePath(name).parts
        below.setdefault(first if rest else "", set()).add(PurePath(*rest))
    if len(below) == 2 and "" not in below:
        (first, names), (second, others) = below.items()
        if names == others:
            rank_zero_warn(
                f"'{first}' and '{second}' hold the same names, yet each image is read as a "
                "side-by-side pair. If they are the two sides, set "
                f"\"dataset.a_folder='{{split}}/{first}'\" and "
                f"\"dataset.b_folder='{{split}}/{second}'\"."
            )


def _check_files(
    root: Path,
    split_folder: str,
    pairs: list[PairFiles],
    single: bool,
    on_error: Literal["raise", "skip"],
) -> PairList:
    """Leaves out or refuses damaged files, and refuses pairs whose sizes do not fit."""
    files = [path for pair in pairs for path in (pair.a, pair.b) if path is not None]
    with ThreadPoolExecutor(max_workers=8) as pool:  # waits for the disk more than it computes
        state = dict(zip(files, pool.map(examine_image, files), strict=True))
    defects = {path: found for path, found in state.items() if isinstance(found, str)}
    sizes = {path: found for path, found in state.items() if not isinstance(found, str)}
    damaged = [f"{path.relative_to(root)} ({found})" for path, found in defects.items()]
    kept = PairList(pair for pair in pairs if pair.a not in defects and pair.b not in defects)
    kept.skipped = len(pairs) - len(kept)
    if damaged and (on_error == "raise" or not kept):
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(damaged)} damaged file(s): {_some(damaged)}",
            "whole JPEG or PNG images",
            "Replace them, or leave their pairs out with dataset.on_error=skip."
            if kept
            else "Not one pair is left: get the data set anew.",
        )
    if damaged:
        rank_zero_warn(
            f"dataset.on_error=skip left out {kept.skipped} of {len(pairs)} pairs of "
            f"'{split_folder}', for damaged files: {_some(damaged)}"
        )
    if not single:
        _check_sizes(root, kept, sizes)
    return kept


def _check_sizes(root: Path, pairs: list[PairFiles], sizes: dict[Path, tuple[int, int]]) -> None:
    odd = [
        f"{pair.a.relative_to(root)} (width {sizes[pair.a][1]})"
        for pair in pairs
        if pair.b is None and sizes[pair.a][1] % 2
    ]
    if odd:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(odd)} side-by-side image(s) of odd width: {_some(odd)}",
            "two halves of equal width",
            "Mend these files, or set dataset.b_folder if the sides lie in two folders.",
        )
    unequal = [
        f"{pair.name} (A {_by(sizes[pair.a])}, B {_by(sizes[pair.b])})"
        for pair in pairs
        if pair.b is not None and sizes[pair.a] != sizes[pair.b]
    ]
    if unequal:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(unequal)} pair(s) of unequal size, height x width: {_some(unequal)}",
            "the two sides of a pair to show the same pixels",
            "Resize or take away these files.",
        )


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
