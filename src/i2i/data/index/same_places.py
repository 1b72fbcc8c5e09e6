"""Finds the same places in the folders of several domains."""

from collections.abc import Sequence
from pathlib import Path

from i2i.data.index.folder_patterns import Folder
from i2i.data.index.listing import some
from i2i.data.index.matching import match
from i2i.data.index.pair_index import OnError, list_pictures, whole_files
from i2i.data.index.pair_keys import PairKeys
from i2i.data.index.pair_list import PairList
from i2i.data.index.pair_sizes import Seen, Sizes, by, shown
from i2i.errors import setting_error


def find_same_places(
    root: Path,
    split_folder: str,
    domains: Sequence[Folder],
    *,
    on_error: OnError,
    most_pixels: int,
    pair_by: PairKeys | None = None,
    sizes: Sizes = "equal",
) -> tuple[PairList, ...]:
    """Lists the pictures of each domain, which show the same places under the same names.

    Args:
        root: The data set's folder.
        split_folder: Replaces ``{split}`` in the patterns.
        domains: Their folders below ``root``.
        on_error: Whether a damaged file stops the run ("raise"), or costs its place in all domains
            ("skip").
        most_pixels: What an image may have.
        pair_by: What of the names says which show the same place; None: the whole names.
        sizes: Whether pictures of a place need "equal" sizes, or are scaled ("scale").

    Raises:
        SettingError: As in ``find_pairs``; two domains have other names, or pictures of a place
            differ in size.
    """
    first, *others = (
        list_pictures(root, split_folder, d.pattern, d.key, pair_by, side)
        for side, d in enumerate(domains)
    )
    lists = [first, *(_in_order_of(root, first, other) for other in others)]
    found = [whole_files(root, pictures, True, on_error, most_pixels) for pictures in lists]
    whole = [left for left, _ in found]
    if any(left.skipped for left in whole):
        everywhere = set.intersection(*({file.name for file in left} for left in whole))
        kept = [[file.name in everywhere for file in pictures] for pictures in lists]
        whole = [
            pictures.subset(place for place, stays in enumerate(stay) if stays)
            for pictures, stay in zip(lists, kept, strict=True)
        ]
        for left, pictures in zip(whole, lists, strict=True):
            left.skipped = len(pictures) - len(left)
    for left, pictures, (seen, _) in zip(whole, (first, *others), found, strict=True):
        left.others, left.headers = pictures.others, seen.headers
    if sizes == "equal":
        _check_sizes(root, [seen for _, seen in found])
    return tuple(whole)


def _in_order_of(root: Path, first: PairList, other: PairList) -> PairList:
    """The pictures of another domain in the order, and by the names, of those of the first."""
    place = {file.name: number for number, file in enumerate(other)}
    partner, only_first, only_other = match([file.name for file in first], place)
    for absent, there, pictures in ((only_first, first, other), (only_other, other, first)):
        if absent:
            raise setting_error(
                f"dataset.root='{root}'",
                f"{len(absent)} name(s) in '{there.folder.relative_to(root)}' that "
                f"'{pictures.folder.relative_to(root)}' has not: {some(absent)}",
                "the same names in every domain, suffixes aside, as dataset.has_pairs says",
                "Rename these files or take them away, say with dataset.pair_by what of a name "
                "counts, or set dataset.has_pairs=false where the domains do not show the same "
                "places.",
            )
    return other.subset(place[name] for name in partner.values()).called(partner)


def _check_sizes(root: Path, domains: Sequence[Sequence[Seen]]) -> None:
    first = {files.name: (files, size) for files, size, _ in domains[0]}
    for files, size, _ in (seen for domain in domains[1:] for seen in domain):
        other, other_size = first.get(files.name, (files, size))
        if size != other_size:
            found = f"{shown(other.a, root)} {by(other_size)}, "
            raise setting_error(
                f"dataset.root='{root}'",
                "pictures of one place of unequal size, height x width: "
                f"{found}{shown(files.a, root)} {by(size)}",
                "the same pixels in every domain, as dataset.has_pairs says",
                "Resize or take away these files, or set dataset.sizes=scale or "
                "dataset.has_pairs=false.",
            )
