"""Finds the files of a split and makes sure, before training starts, that they can be used."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from lightning.fabric.utilities.rank_zero import rank_zero_info, rank_zero_warn

from i2i.data.index.listing import folder_of, images_below, some
from i2i.data.index.pair_list import PairFiles, PairList
from i2i.errors import setting_error
from i2i.images.examine import examine_image
from i2i.images.frame import MOST_PIXELS

# A file takes about 0.2 ms of a core when the disk answers from memory, several when it does not.
MOST_EXAMINED = 8000  # pairs of a split that are all looked at
SPREAD = 2000  # pairs that stand for a larger split

OnError = Literal["raise", "skip"]
Size = tuple[int, int]  # height and width in pixels


class Seen(NamedTuple):
    """A pair, or one picture, whose files were looked at and are whole."""

    files: PairFiles
    a: Size
    b: Size | None  # None: there is no second file


def find_pairs(
    root: Path,
    split_folder: str,
    *,
    a_folder: str = "{split}",
    b_folder: str | None = None,
    single: bool = False,
    on_error: OnError = "raise",
    most_pixels: int = MOST_PIXELS,
    keys: Sequence[str] = ("a_folder", "b_folder"),
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
        keys: The options that the folders come from, for errors.

    Raises:
        SettingError: If a folder is missing, unreadable or empty, names do not match or are not
            unique, files are damaged, sides differ in size, or a side-by-side image cannot be
            halved.
    """
    at_a = folder_of(root, a_folder, split_folder, keys[0])
    files_a = images_below(root, at_a)
    if b_folder is not None:
        pairs = _matched(root, at_a, files_a, folder_of(root, b_folder, split_folder, keys[1]))
    else:
        if not single:
            _warn_of_two_folders(files_a)
        pairs = PairList(files_a, at_a, files_a.values())
    pairs, seen = whole_files(root, pairs, single, on_error, most_pixels, split_folder)
    if not single:
        _check_sizes(root, seen)
    return pairs


def find_pictures(
    root: Path,
    split_folder: str,
    *,
    folder: str,
    key: str,
    on_error: OnError = "raise",
    most_pixels: int = MOST_PIXELS,
) -> PairList:
    """Lists the pictures of one side of a split, which belong to none of the other side.

    Args:
        root: The data set's folder.
        split_folder: Replaces ``{split}`` in the pattern.
        folder: Of the side, below ``root``.
        key: The option that it comes from, for errors.
        on_error: As in ``find_pairs``; a damaged file costs itself.
        most_pixels: What an image may have.

    Raises:
        SettingError: If the folder is missing, unreadable or empty, or files are damaged.
    """
    pictures = list_pictures(root, split_folder, folder, key)
    return whole_files(root, pictures, True, on_error, most_pixels)[0]


def list_pictures(root: Path, split_folder: str, folder: str, key: str) -> PairList:
    """Lists the pictures of one side as ``find_pictures`` does, without looking into a file."""
    at = folder_of(root, folder, split_folder, key)
    files = images_below(root, at)
    return PairList(files, at, files.values())


def _matched(root: Path, at_a: Path, files_a: dict[str, str], at_b: Path) -> PairList:
    """The pairs of two folders whose files have the same names."""
    files_b = images_below(root, at_b)
    _check_names(root, files_a, files_b)
    suffixes_b = (files_b[name] for name in files_a)
    return PairList(files_a, at_a, files_a.values(), at_b, suffixes_b)


def _check_names(root: Path, files_a: dict[str, str], files_b: dict[str, str]) -> None:
    only_a, only_b = sorted(files_a.keys() - files_b), sorted(files_b.keys() - files_a)
    if only_a or only_b:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(only_a)} image(s) of side A without side B ({some(only_a) or 'none'}) and "
            f"{len(only_b)} of side B without side A ({some(only_b) or 'none'})",
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


def whole_files(
    root: Path,
    pairs: PairList,
    single: bool,
    on_error: OnError,
    most_pixels: int,
    where: str | None = None,
) -> tuple[PairList, list[Seen]]:
    """Leaves out or refuses damaged files.

    Args:
        root: The data set's folder.
        pairs: Listed, not looked into.
        single: As in ``find_pairs``.
        on_error: Likewise.
        most_pixels: Likewise.
        where: What messages call the place; None for the folder of the files below ``root``.

    Returns:
        Those that are left, and among them those that were looked at.

    Raises:
        SettingError: Files are damaged.
    """
    kind = "images" if single else "pairs"
    where = where or str(pairs.folder.relative_to(root))
    looked_at = _looked_at(pairs, f"'{where}' has {len(pairs):,} {kind}", on_error)
    files = [path for pair in looked_at for path in (pair.a, pair.b) if path is not None]
    with ThreadPoolExecutor(max_workers=8) as pool:  # waits for the disk more than it computes
        found = pool.map(partial(examine_image, most_pixels=most_pixels), files)
        state = dict(zip(files, found, strict=True))
    defects = {path: found for path, found in state.items() if isinstance(found, str)}
    sizes = {path: found.size for path, found in state.items() if not isinstance(found, str)}
    damaged = [f"{path.relative_to(root)} ({found})" for path, found in defects.items()]
    whole = [i for i, pair in enumerate(looked_at) if not {pair.a, pair.b} & defects.keys()]
    if damaged and (on_error == "raise" or not whole):
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(damaged)} damaged file(s): {some(damaged)}",
            "pictures that can be read whole",
            f"Replace them, or leave {'them' if single else 'their pairs'} out with "
            "dataset.on_error=skip."
            if whole
            else f"Not one {'image' if single else 'pair'} is left: get the data set anew.",
        )
    if damaged:
        n_pairs, pairs = len(pairs), pairs.subset(whole)  # all were looked at
        pairs.skipped = n_pairs - len(pairs)
        rank_zero_warn(
            f"dataset.on_error=skip left out {pairs.skipped} of {n_pairs} {kind} of "
            f"'{where}', for damaged files: {some(damaged)}"
        )
    sound = [looked_at[place] for place in whole]
    return pairs, [Seen(pair, sizes[pair.a], sizes.get(pair.b)) for pair in sound]


def _looked_at(pairs: PairList, found: str, on_error: str) -> Sequence[PairFiles]:
    """The pairs whose files are examined before training."""
    if len(pairs) <= MOST_EXAMINED or on_error == "skip":
        return pairs
    rank_zero_info(
        f"{found}: {SPREAD:,} from all over it were looked at, "
        "the other files are checked as they are read (dataset.on_error=skip looks at all)."
    )
    return pairs.subset(place * len(pairs) // SPREAD for place in range(SPREAD))


def _check_sizes(root: Path, seen: Sequence[Seen]) -> None:
    odd = [
        f"{pair.a.relative_to(root)} (width {size[1]})"
        for pair, size, _ in seen
        if pair.b is None and size[1] % 2
    ]
    if odd:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(odd)} side-by-side image(s) of odd width: {some(odd)}",
            "two halves of equal width",
            "Mend these files, or set dataset.b_folder if the sides lie in two folders.",
        )
    unequal = [
        f"{pair.name} (A {by(a)}, B {by(b)})" for pair, a, b in seen if b is not None and a != b
    ]
    if unequal:
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(unequal)} pair(s) of unequal size, height x width: {some(unequal)}",
            "the two sides of a pair to show the same pixels",
            "Resize or take away these files.",
        )


def by(size: Size) -> str:
    """Says a size: height x width."""
    return f"{size[0]} x {size[1]}"
