"""What becomes of files that cannot be read, where a data set leaves them out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from i2i.data.batch_sampler import SampleKey, mix_seed
from i2i.data.index.listing import some
from i2i.data.index.pair_list import PairList
from i2i.errors import setting_error
from i2i.images.stored import ImageError, read_stored
from i2i.messages import say, warn

MOST_DRAWN = 100  # samples that are tried in place of one; more say that the set is no set


def in_its_place(key: SampleKey, n_samples: int) -> Iterator[SampleKey]:
    """The samples to try, one after another, in place of one that cannot be read.

    They follow from its key alone, so that the same ones take the place in a run that is resumed,
    and whatever process reads them.

    Args:
        key: Of the sample that cannot be read.
        n_samples: Of the split.
    """
    for number in range(1, MOST_DRAWN + 1):
        seed = mix_seed(key.seed, number)
        yield SampleKey(seed % n_samples, seed)


class Unreadable:
    """Counts the files of a split that could not be read, over all processes that load it.

    Args:
        n_units: Of the split; see ``Unit``.
    """

    def __init__(self, n_units: int) -> None:
        self.n_units = n_units
        self._found = torch.zeros(n_units, dtype=torch.uint8).share_memory_()

    def add(self, entry: int, error: ImageError) -> None:
        """Notes one; the first is said in full.

        Args:
            entry: Its number in the split.
            error: What is wrong with it.
        """
        if not self._found.any():
            say(
                f"{error} Another picture of the split takes its place, as dataset.on_error=skip "
                "asks; more of these are counted."
            )
        self._found[entry] = 1

    def __len__(self) -> int:
        return int(self._found.sum())


def sample_or_none(dataset: Any, index: int) -> Any:
    """A sample as evaluation sees it; None where it cannot be read and such are left out.

    Args:
        dataset: An ``ImageDataset``, or anything that yields samples.
        index: Of the sample.
    """
    try:
        return dataset[index]
    except ImageError:
        if getattr(dataset, "unreadable", None) is None:
            raise
        return None


def without_unreadable(
    lists: tuple[PairList, ...], together: bool, most_pixels: int
) -> tuple[PairList, ...]:
    """Leaves files out that cannot be decoded whole, for a split that is evaluated.

    There no other picture may take a place, and all processes have to know the number beforehand:
    so each file is decoded once.

    Args:
        lists: The files of the split.
        together: Whether pictures at the same place of all lists belong together.
        most_pixels: What a picture may have.

    Returns:
        The lists with what is left, which say how many were left out.
    """
    bad = [_unreadable(files, most_pixels) for files in lists]
    if together:
        everywhere = {place: words for found in bad for place, words in found.items()}
        bad = [everywhere] * len(lists)
    return tuple(_left(files, found) for files, found in zip(lists, bad, strict=True))


def _unreadable(files: PairList, most_pixels: int) -> dict[int, str]:
    """What is wrong with the files of each place where something is."""

    def look(place: int) -> tuple[int, str] | None:
        pair = files[place]
        for path in (pair.a, pair.b):
            try:
                if path is not None:
                    read_stored(path, most_pixels)
            except ImageError as error:
                return place, str(error).partition("; expected")[0]
        return None

    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding lets the others run
        return dict(found for found in pool.map(look, range(len(files))) if found is not None)


def _left(files: PairList, bad: dict[int, str]) -> PairList:
    if not bad:
        return files
    found = f"{len(bad)} of {len(files)} in '{files.folder}' that cannot be read: "
    found += some([bad[place] for place in sorted(bad)])
    if len(bad) == len(files):
        raise setting_error(
            "dataset.on_error=skip", found, "one picture or more that can be read",
            "Get the data set anew.",
        )  # fmt: skip
    warn(f"dataset.on_error=skip left out {found}")
    stay = files.subset(place for place in range(len(files)) if place not in bad)
    stay.skipped = files.skipped + len(bad)
    return stay
