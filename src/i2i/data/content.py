"""Looks into a data set's files, before training starts, for what would spoil it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from i2i.data.pair_list import PairFiles
from i2i.data.pair_reader import PairReader
from i2i.data.palette import Strays
from i2i.data.task import PhotoTask

MOST_PHOTOS = 64  # evenly spaced ones stand for a larger split: grey ones are a matter of the set
MOST_LABELS = 4000  # that are all looked at: about a minute of one core for 256 x 256 JPEGs
SPREAD_LABELS = 128  # that stand for a larger split, whose first batch has to come within seconds


def evenly(pairs: Sequence[PairFiles], most: int) -> list[PairFiles]:
    """At most ``most`` pairs from all over a split."""
    count = min(len(pairs), most)
    return [pairs[place * len(pairs) // count] for place in range(count)]


def check_photos(task: PhotoTask, reader: PairReader, pairs: Sequence[PairFiles]) -> None:
    """Hands some photographs of a split to its task.

    Raises:
        SettingError: The task cannot be made from them.
    """
    looked_at = evenly(pairs, MOST_PHOTOS)
    if looked_at:
        task.check([reader.photo(pair) for pair in looked_at], [pair.name for pair in looked_at])


def check_labels(reader: PairReader, pairs: Sequence[PairFiles], setting: str) -> None:
    """Looks for label pixels that are of no class.

    Args:
        reader: Knows the classes.
        pairs: Of a split; of more than 4000 it is 128, evenly spaced, that are looked at.
        setting: Where they are, for the error.

    Raises:
        SettingError: There are more than ``dataset.classes`` allows; counted and named.
    """

    def strays(pair: PairFiles) -> tuple[str, Strays]:
        label, lossy = reader.label_picture(pair)
        return pair.name, reader.classes.strays(label, lossy)

    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding lets the others run
        most = MOST_LABELS if len(pairs) <= MOST_LABELS else SPREAD_LABELS
        found = list(pool.map(strays, evenly(pairs, most)))
    reader.classes.refuse(found, setting, ids=reader.label_files == "ids")
