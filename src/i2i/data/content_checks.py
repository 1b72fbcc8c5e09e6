"""Looks into a data set's files, before training starts, for what would spoil it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from random import Random
from typing import Any

from i2i.data.index.pair_list import PairFiles
from i2i.data.pair_reader import PairReader
from i2i.images.stored import ImageError
from i2i.labels.stray_colours import Strays, refuse_strays

MOST_PHOTOS = 64  # that stand for a larger split: grey ones are a matter of the set
MOST_LABELS = 4000  # that are all looked at: about a minute of one core for 256 x 256 JPEGs
SPREAD_LABELS = 128  # that stand for a larger split, whose first batch has to come within seconds


def leaving_out(reader: PairReader) -> AbstractContextManager[Any]:
    """Passes over a file that cannot be read, if the data set does so."""
    return suppress(ImageError) if reader.on_error == "skip" else nullcontext()


def from_all_over(pairs: Sequence[PairFiles], most: int) -> list[PairFiles]:
    """At most ``most`` pairs of a split, drawn at random but always the same.

    Even places would miss a fault that comes back every so many files.
    """
    return Random(0).sample(pairs, min(len(pairs), most))


def all_looked_at(pairs: Sequence[PairFiles]) -> bool:
    """Whether ``check_labels`` looks at every label map of a split."""
    return len(pairs) <= MOST_LABELS


def check_photos(task: Any, reader: PairReader, pairs: Sequence[PairFiles]) -> None:
    """Hands some photographs of a split to a ``PhotoTask``.

    Raises:
        SettingError: The task cannot be made from them.
    """
    found: dict[str, Any] = {}
    for pair in from_all_over(pairs, MOST_PHOTOS):
        with leaving_out(reader):
            found[pair.name] = reader.photo(pair)
    if found:
        task.check([*found.values()], [*found])


def check_labels(reader: PairReader, pairs: Sequence[PairFiles], setting: str) -> None:
    """Looks for label pixels that are of no class.

    Args:
        reader: Knows the classes.
        pairs: Of a split; of more than 4000 it is 128 from all over that are looked at, and the
            others as they are read (see ``PairReader.pair``).
        setting: Where they are, for the error.

    Raises:
        SettingError: There are more than ``dataset.classes`` allows; counted and named.
    """

    def strays(pair: PairFiles) -> tuple[str, Strays] | None:
        with leaving_out(reader):
            label, lossy = reader.label_picture(pair)
            return pair.name, reader.classes.strays(label, lossy)
        return None

    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding lets the others run
        most = len(pairs) if all_looked_at(pairs) else SPREAD_LABELS
        found = list(pool.map(strays, from_all_over(pairs, most)))
    refuse_strays([one for one in found if one is not None], setting)
