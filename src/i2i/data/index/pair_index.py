"""Finds the files of a split and makes sure, before training starts, that they can be used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from i2i.data.index.examined import examined
from i2i.data.index.halves import warn_of_doubtful_halves
from i2i.data.index.header_summary import summarise
from i2i.data.index.layouts import how_names_differ
from i2i.data.index.listing import folder_of, images_below, say_passed_over, some
from i2i.data.index.matching import keyed, keyed_in_one_folder, match
from i2i.data.index.pair_keys import PairKeys
from i2i.data.index.pair_list import PairFiles, PairList
from i2i.data.index.pair_sizes import Seen, Sizes, check_sizes, shown
from i2i.errors import setting_error
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.messages import say, warn

# A file takes about 0.2 ms of a core when the disk answers from memory, several when it does not.
MOST_EXAMINED = 8000  # pairs of a split that are all looked at
SPREAD = 2000  # pairs that stand for a larger split

OnError = Literal["raise", "skip"]


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
    pair_by: PairKeys | None = None,
    sizes: Sizes = "equal",
) -> PairList:
    """Lists the pairs of one split, subfolders included.

    Every file's header and end are looked at, and the pixels of a small set; of more than 8000
    pairs at 2000 from all over, so that training starts within seconds. What was not looked at is
    checked as it is read.
    ``on_error="skip"`` looks at all, as what is left out has to be known beforehand.

    Args:
        root: The data set's folder.
        split_folder: Replaces ``{split}`` in the two patterns.
        a_folder: Folder of side A below ``root``, or of the side-by-side images.
        b_folder: Folder of side B, with side A's names; None for side-by-side images, and where
            ``pair_by`` finds both sides in ``a_folder``.
        single: Each file below ``a_folder`` is one photograph, not two sides.
        on_error: Whether a damaged file stops the run ("raise") or costs its pair, with a warning
            ("skip"). Anything else that is wrong is the layout's fault, and always stops the run.
        most_pixels: What an image may have.
        keys: The options that the folders come from, for errors.
        pair_by: What of the names says which belong together; None: the whole names.
        sizes: Whether the sides of a pair need "equal" sizes, or are scaled ("scale").

    Raises:
        SettingError: If a folder is missing, unreadable or empty, names do not match or are not
            unique, files are damaged, sides differ in size, or a side-by-side image cannot be
            halved.
    """
    at_a = folder_of(root, a_folder, split_folder, keys[0])
    at_b = None if b_folder is None else folder_of(root, b_folder, split_folder, keys[1])
    files_a, others = images_below(root, at_a)
    say_passed_over(at_a, others)
    if at_b is not None:
        files_b, others = images_below(root, at_b)
        say_passed_over(at_b, others)
        of_a, of_b = keyed(root, at_a, files_a, pair_by), keyed(root, at_b, files_b, pair_by, 1)
        pairs = _matched(root, pair_by, at_a, files_a, of_a, at_b, files_b, of_b)
    elif pair_by is not None and not single:
        of_a, of_b = keyed_in_one_folder(root, at_a, files_a, pair_by)
        pairs = _matched(root, pair_by, at_a, files_a, of_a, at_a, files_a, of_b)
    else:
        pairs = PairList(files_a, at_a, files_a.values())
    pairs, seen = whole_files(root, pairs, single, on_error, most_pixels, split_folder)
    if not single:
        check_sizes(root, seen, sizes)
        if at_b is None and pair_by is None:
            warn_of_doubtful_halves(root, files_a, [size for _, size, _ in seen])
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
    left = whole_files(root, pictures, True, on_error, most_pixels)[0]
    left.others = pictures.others
    return left


def list_pictures(
    root: Path,
    split_folder: str,
    folder: str,
    key: str,
    pair_by: PairKeys | None = None,
    side: int = 0,
) -> PairList:
    """Lists the pictures of one side as ``find_pictures`` does, without looking into a file.

    Args:
        root: As in ``find_pictures``.
        split_folder: Likewise.
        folder: Likewise.
        key: Likewise.
        pair_by: What of the files' names the pictures are called by; None: the whole names.
        side: Number of the side, as ``PairKeys.key`` counts them.
    """
    at = folder_of(root, folder, split_folder, key)
    files, others = images_below(root, at)
    names = keyed(root, at, files, pair_by, side)
    suffixes = [files[name] for name in names.values()]
    pictures = PairList(names, at, suffixes, stems_a=None if pair_by is None else names.values())
    pictures.others = others
    return pictures


def _matched(
    root: Path,
    pair_by: PairKeys | None,
    at_a: Path,
    files_a: dict[str, str],
    of_a: dict[str, str],
    at_b: Path,
    files_b: dict[str, str],
    of_b: dict[str, str],
) -> PairList:
    """The pairs of two sides, given the suffix of each name and the name of each key."""
    partner, only_a, only_b = match(of_a, of_b)
    if only_a or only_b:
        kind = "names" if pair_by is None else f"keys, by dataset.pair_by={pair_by.text},"
        raise setting_error(
            f"dataset.root='{root}'",
            f"{len(only_a)} image(s) of side A without side B ({some(only_a) or 'none'}) and "
            f"{len(only_b)} of side B without side A ({some(only_b) or 'none'})",
            f"the same {kind} in both folders, suffixes aside",
            "Rename these files or take them away"
            + (
                how_names_differ(only_a, only_b)
                if pair_by is None
                else ", or correct dataset.pair_by."
            ),
        )
    stems_a = [of_a[key] for key in partner]
    stems_b = [of_b[key] for key in partner.values()]
    own = [None if stems == list(partner) else stems for stems in (stems_a, stems_b)]
    suffixes = ([files_a[stem] for stem in stems_a], [files_b[stem] for stem in stems_b])
    return PairList(partner, at_a, suffixes[0], at_b, suffixes[1], *own)


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
    where = where or shown(pairs.folder, root)
    looked_at = _looked_at(pairs, f"'{where}' has {len(pairs):,} {kind}", on_error)
    files = [path for pair in looked_at for path in (pair.a, pair.b) if path is not None]
    state = examined(files, most_pixels)
    defects = {path: found for path, found in state.items() if isinstance(found, str)}
    sizes = {path: found.size for path, found in state.items() if not isinstance(found, str)}
    damaged = [f"{shown(path, root)} ({found})" for path, found in defects.items()]
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
        warn(
            f"dataset.on_error=skip left out {pairs.skipped} of {n_pairs} {kind} of "
            f"'{where}', for damaged files: {some(damaged)}"
        )
    sound = [looked_at[place] for place in whole]
    sides = [[pair.a for pair in sound], [pair.b or pair.a for pair in sound]]
    pairs.headers = tuple(summarise((path, state[path]) for path in paths) for paths in sides)
    return pairs, [Seen(pair, sizes[pair.a], sizes.get(pair.b)) for pair in sound]


def _looked_at(pairs: PairList, found: str, on_error: str) -> Sequence[PairFiles]:
    """The pairs whose files are examined before training."""
    if len(pairs) <= MOST_EXAMINED or on_error == "skip":
        return pairs
    say(
        f"{found}: {SPREAD:,} from all over it were looked at, "
        "the other files are checked as they are read (dataset.on_error=skip looks at all)."
    )
    return pairs.subset(place * len(pairs) // SPREAD for place in range(SPREAD))
