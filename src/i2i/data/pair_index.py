"""Finds the pairs of a split and makes sure, before training starts, that they can be used."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

from lightning.fabric.utilities.rank_zero import rank_zero_info, rank_zero_warn

from i2i.data.pair_list import PairFiles, PairList
from i2i.errors import setting_error
from i2i.files.walk import files_below
from i2i.images.frame import MOST_PIXELS
from i2i.images.image_io import IMAGE_SUFFIXES, examine_image

_LISTED = 10  # names in a message at most: it has to fit on one screen
# A file takes about 0.2 ms of a core when the disk answers from memory, several when it does not.
MOST_EXAMINED = 8000  # pairs of a split that are all looked at
SPREAD = 2000  # pairs that stand for a larger split


def find_pairs(
    root: Path,
    split_folder: str,
    *,
    a_folder: str = "{split}",
    b_folder: str | None = None,
    single: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    most_pixels: int = MOST_PIXELS,
) -> PairList:
    """Lists the pairs of one split, subfolders included; hidden files are passed over.

    Every file's header and end are looked at, not its pixels; of more than 8000 pairs at 2000 from
    all over, so that training starts within seconds: the others are checked as they are read.
    ``on_error="skip"`` looks at all, as what is left out has to be known beforehand.

    Args:
        root: The data set's folder.
        split_folder: Replaces ``{split}`` in the two patterns.
        a_folder: Folder of side A below ``root``, or of the side-by-side images.
        b_folder: Folder of side B, with side A's names; None for side-by-side images.
        single: Each file below ``a_folder`` is one photograph, not two sides.
        on_error: Whether a damaged file stops the run ("raise") or costs its pair, with a warning
            ("skip"). Anything else that is wrong is the layout's fault, and always stops the run.
        most_pixels: What an image may have.

    Raises:
        SettingError: If a folder is missing, unreadable or empty, names do not match or are not
            unique, files are damaged, sides differ in size, or a side-by-side image cannot be
            halved.
    """
    at_a = _folder(root, a_folder, split_folder, "a_folder")
    files_a = _images_below(root, at_a)
    if b_folder is not None:
        pairs = _matched(root, at_a, files_a, _folder(root, b_folder, split_folder, "b_folder"))
    else:
        if not single:
            _warn_of_two_folders(files_a)
        pairs = PairList(files_a, at_a, files_a.values())
    return _check_files(root, split_folder, pairs, single, on_error, most_pixels)


def _matched(root: Path, at_a: Path, files_a: dict[str, str], at_b: Path) -> PairList:
    """The pairs of two folders whose files have the same names."""
    files_b = _images_below(root, at_b)
    _check_names(root, files_a, files_b)
    suffixes_b = (files_b[name] for name in files_a)
    return PairList(files_a, at_a, files_a.values(), at_b, suffixes_b)


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
    if {"trainA", "trainB"} <= set(inside):
        todo = "This is the unpaired download; get the paired one, with a plain 'train' folder."
    raise setting_error(
        f"dataset.root='{root}'",
        f"no folder '{folder.relative_to(root)}' ('{present}' has: {_some(inside) or 'nothing'})",
        f"it to be there, as dataset.{key}='{pattern}' says",
        todo,
    )


def _images_below(root: Path, folder: Path) -> dict[str, str]:
    """Returns name -> suffix of the files, sorted by name."""
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


def _check_names(root: Path, files_a: dict[str, str], files_b: dict[str, str]) -> None:
    only_a, only_b = sorted(files_a.keys() - files_b), sorted(files_b.keys() - files_a)
    if only_a or only_b:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(only_a)} image(s) of side A without side B ({_some(only_a) or 'none'}) and "
            f"{len(only_b)} of side B without side A ({_some(only_b) or 'none'})",
            "the same names in both folders, suffixes aside",
            "Rename these files or take them away.",
        )


def _warn_of_two_folders(files: dict[str, str]) -> None:
    """Two subfolders with the same names look like A and B, and would be halved in silence."""
    below: dict[str, set[str]] = {}
    for name in files:
        first, slash, rest = name.partition("/")
        below.setdefault(first if slash else "", set()).add(rest if slash else name)
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
    pairs: PairList,
    single: bool,
    on_error: Literal["raise", "skip"],
    most_pixels: int,
) -> PairList:
    """Leaves out or refuses damaged files, and refuses pairs whose sizes do not fit."""
    looked_at = _looked_at(pairs, split_folder, on_error)
    files = [path for pair in looked_at for path in (pair.a, pair.b) if path is not None]
    with ThreadPoolExecutor(max_workers=8) as pool:  # waits for the disk more than it computes
        found = pool.map(partial(examine_image, most_pixels=most_pixels), files)
        state = dict(zip(files, found, strict=True))
    defects = {path: found for path, found in state.items() if isinstance(found, str)}
    sizes = {path: found for path, found in state.items() if not isinstance(found, str)}
    damaged = [f"{path.relative_to(root)} ({found})" for path, found in defects.items()]
    whole = [i for i, pair in enumerate(looked_at) if not {pair.a, pair.b} & defects.keys()]
    if damaged and (on_error == "raise" or not whole):
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(damaged)} damaged file(s): {_some(damaged)}",
            "whole JPEG or PNG images",
            "Replace them, or leave their pairs out with dataset.on_error=skip."
            if whole
            else "Not one pair is left: get the data set anew.",
        )
    if damaged:
        n_pairs, pairs = len(pairs), pairs.subset(whole)  # all were looked at
        pairs.skipped = n_pairs - len(pairs)
        rank_zero_warn(
            f"dataset.on_error=skip left out {pairs.skipped} of {n_pairs} pairs of "
            f"'{split_folder}', for damaged files: {_some(damaged)}"
        )
    if not single:
        _check_sizes(root, [looked_at[i] for i in whole], sizes)
    return pairs


def _looked_at(pairs: PairList, split_folder: str, on_error: str) -> Sequence[PairFiles]:
    """The pairs whose files are examined before training."""
    if len(pairs) <= MOST_EXAMINED or on_error == "skip":
        return pairs
    rank_zero_info(
        f"'{split_folder}' has {len(pairs):,} pairs: {SPREAD:,} from all over it were looked at, "
        "the other files are checked as they are read (dataset.on_error=skip looks at all)."
    )
    return pairs.subset(place * len(pairs) // SPREAD for place in range(SPREAD))


def _check_sizes(
    root: Path, pairs: Sequence[PairFiles], sizes: dict[Path, tuple[int, int]]
) -> None:
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
