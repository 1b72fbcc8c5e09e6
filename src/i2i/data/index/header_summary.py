"""What the headers of a split's files say of all of them: types of values, and transparency."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i.images.formats.header import Header
from i2i.images.values import type_name

MOST_OF_A_TYPE = 4  # files that stand for those of a type


class HeaderSummary(NamedTuple):
    """What the headers say of the files of one side, or of the only files."""

    n_files: int = 0
    n_clear: int = 0  # those that have transparency
    types: Mapping[str, Sequence[Path]] = {}  # of their values, by name -> some files of it


def summarise(files: Iterable[tuple[Path, Header]]) -> HeaderSummary:
    """Sums up what files say of their pictures."""
    n_files, n_clear = 0, 0
    types: dict[str, list[Path]] = {}
    for path, header in files:
        n_files, n_clear = n_files + 1, n_clear + header.alpha
        alike = types.setdefault(type_name(header.dtype), [])
        if len(alike) < MOST_OF_A_TYPE:
            alike.append(path)
    return HeaderSummary(n_files, n_clear, types)


def merged(several: Iterable[HeaderSummary]) -> HeaderSummary:
    """Sums up several lists of files."""
    summaries = list(several)
    types: dict[str, list[Path]] = {}
    for summary in summaries:
        for name, paths in summary.types.items():
            types[name] = [*types.get(name, []), *paths][:MOST_OF_A_TYPE]
    return HeaderSummary(
        sum(s.n_files for s in summaries), sum(s.n_clear for s in summaries), types
    )
