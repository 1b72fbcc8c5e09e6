"""What the headers of a split's files say: transparency, and types that training had not.

What each file says was read when the split was listed, so that no process has to read one for it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from i2i.data.index.header_summary import HeaderSummary, merged
from i2i.data.index.pair_list import PairList
from i2i.data.paired_transforms import Role
from i2i.data.reading.pair_reader import ROLES, PairReader, role_of
from i2i.images.notes import note_once
from i2i.images.other_types import misfit, told
from i2i.images.reading import WITH_ALPHA, Reading
from i2i.images.stored import ImageError, read_stored
from i2i.images.transparency import KEEP
from i2i.images.values import Values
from i2i.messages import warn


def headers_of_sides(lists: Sequence[PairList], reader: PairReader) -> dict[Role, HeaderSummary]:
    """What the files of input and target say.

    Args:
        lists: Those of a split: pairs, pictures of each side, or of each of several domains, which
            are all read alike.
        reader: Of the data set.
    """
    if len(lists) > len(ROLES):
        return dict.fromkeys(ROLES, merged(files.headers[0] for files in lists))
    of_pairs = dict(zip(ROLES, (lists[0], lists[-1]), strict=True))
    place = {role: int(role != role_of("A", reader.direction)) for role in ROLES}
    return {role: files.headers[place[role]] for role, files in of_pairs.items()}


def say_transparency(lists: Sequence[PairList], reader: PairReader, split: str) -> None:
    """Says on which side pictures are transparent, and what becomes of that; once.

    Args:
        lists: The files of a split.
        reader: Of the data set.
        split: What it is called.
    """
    said: dict[str, list[str]] = {}
    for role, summary in headers_of_sides(lists, reader).items():
        ids = role == reader.label_role and reader.label_files == "ids"
        if summary.n_clear and not ids:
            words = f"{summary.n_clear} of {summary.n_files} {{}}files in '{split}' have "
            words += "transparency, " + becomes(getattr(reader, role), role)
            said.setdefault(words.replace(f"dataset.{role}_", "dataset.{{role}}_"), []).append(role)
    parts = [
        words.format("" if len(roles) > 1 else f"{roles[0]} ").replace("{role}", roles[0])
        for words, roles in said.items()
    ]
    if parts:
        note_once("alpha", "; ".join(parts))


def becomes(reading: Reading, role: Role) -> str:
    """What is made of transparency on a side."""
    if reading.behind == KEEP:
        return "which is kept as the last channel, as dataset.background=keep says"
    behind = reading.behind if isinstance(reading.behind, str) else list(reading.behind)
    if reading.background != KEEP:
        return f"which shows {behind}, the colour of dataset.background (keep keeps it)"
    of = " or ".join(map(str, WITH_ALPHA))
    return (
        f"which shows {behind}: dataset.background=keep keeps it where dataset.{role}_channels is "
        f"{of}"
    )


def check_types(
    lists: Sequence[PairList], reader: PairReader, trained: Mapping[Role, Values], split: str
) -> None:
    """Tells of files whose values have another type than those of training.

    Args:
        lists: The files of a split.
        reader: Of the data set; it knows by which values files are read.
        trained: What the files of training have.
        split: What the split is called.

    Raises:
        SettingError: They cannot be what the network was trained on; see ``misfit``.
    """
    for role, summary in headers_of_sides(lists, reader).items():
        if role == reader.label_role:
            continue
        known, reading = trained[role].type, getattr(reader, role)
        for name, paths in summary.types.items():
            if name != known:
                _refuse_or_warn(paths, name, known, reading, split, role)


def _refuse_or_warn(
    paths: Sequence[Path], name: str, known: str, reading: Reading, split: str, role: Role
) -> None:
    files = f"{role} files in '{split}' such as '{paths[0]}'"
    errors = []  # a dark or a damaged picture among others says nothing of these
    for path in paths:
        with suppress(ImageError):
            stored = read_stored(path, reading.most_pixels, reading.behind)
            errors.append(misfit(stored, known, reading.values, files))
    if errors and all(errors):
        raise errors[0]
    warn(told(name, known, reading.values, files, role))
