"""Looks at some files of a training split: of which type their values are, and how far they go."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from i2i.data.index.pair_list import PairFiles
from i2i.data.option_checks import SPLITS
from i2i.data.paired_transforms import Role
from i2i.data.reading.content_checks import from_all_over
from i2i.data.reading.pair_reader import ROLES, PairReader
from i2i.errors import SettingError, setting_error
from i2i.images.values import (
    BY_DATA,
    BY_TYPE,
    FLOAT,
    Range,
    Values,
    ends_of,
    in_digits,
    type_name,
)
from i2i.messages import say, warn
from i2i.seeds import stable_seed

MOST_FILES = {BY_TYPE: 32, BY_DATA: 512}  # that stand for a larger split
VALUES_OF_A_FILE = 1 << 14  # of which percentiles are taken
PERCENTILES = (0.1, 99.9)
SMALL_PART = 0.25  # of a type's range: what 14 bits are of 16


@dataclass(frozen=True)
class Look:
    """What one file holds."""

    dtype: np.dtype
    least: float
    most: float
    some: np.ndarray  # values drawn at random, all alike for a name


def look_at(name: str, stored: np.ndarray) -> Look:
    """Looks at a picture.

    Args:
        name: Of it, from which the draw follows.
        stored: (H, W, C) of any type.
    """
    values = stored.reshape(-1)
    if len(values) > VALUES_OF_A_FILE:
        rng = np.random.default_rng(stable_seed("values", name))
        values = values[rng.integers(len(values), size=VALUES_OF_A_FILE)]
    return Look(stored.dtype, float(stored.min()), float(stored.max()), values.astype(np.float64))


def looks(
    files: Sequence[PairFiles],
    read: Callable[[PairFiles], np.ndarray],
    value_range: Range,
    on_error: str,
) -> list[Look]:
    """Looks at some files of a split, drawn at random but always the same.

    Args:
        files: All of them.
        read: Gives a picture as it is stored.
        value_range: What the side is read by: percentiles take more files than a type.
        on_error: "skip" passes over those that cannot be read.

    Raises:
        SettingError: One cannot be read.
    """

    def look(pair: PairFiles) -> Look | None:
        try:
            return look_at(pair.name, read(pair))
        except SettingError:
            if on_error == "skip":
                return None
            raise

    most = MOST_FILES[BY_DATA if value_range == BY_DATA else BY_TYPE]
    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding lets the others run
        return [found for found in pool.map(look, from_all_over(files, most)) if found is not None]


def values_of(found: Sequence[Look], value_range: Range, option: str) -> Values:
    """The type of a side, and its values that are black and white.

    Args:
        found: What was looked at.
        value_range: What was asked.
        option: ``dataset.input_range`` or ``dataset.target_range``, for errors.

    Raises:
        SettingError: The data are all of one value.
    """
    if not found:
        return Values()
    dtype = np.result_type(*(look.dtype for look in found))
    kind = type_name(dtype)
    if value_range == BY_TYPE:
        return Values(kind, *ends_of(kind))
    if value_range != BY_DATA:
        return Values(kind, *value_range)
    low, high = np.percentile(np.concatenate([look.some for look in found]), PERCENTILES).tolist()
    if kind != FLOAT:
        low, high = float(np.floor(low)), float(np.ceil(high))
    if not low < high:
        raise setting_error(
            f"{option}=data", f"the value {low:.6g} nearly everywhere in the {len(found)} files "
            f"looked at in '{SPLITS[0]}'", "values that differ",
            f"Name the values that are black and white: {option}=[low,high].",
        )  # fmt: skip
    return Values(kind, low, high)


def say_what_is_used(found: Sequence[Look], values: Values, asked: Range, option: str) -> None:
    """Warns of a split that uses a small part of its type, and says which percentiles were taken.

    Args:
        found: What was looked at.
        values: What was found of them.
        asked: What was asked.
        option: As in ``values_of``.
    """
    if not found:
        return
    least, most = min(look.least for look in found), max(look.most for look in found)
    if asked == BY_DATA:
        say(f"{option}=data: [{in_digits(values.low)},{in_digits(values.high)}], the "
            f"{PERCENTILES[0]} and "
            f"{PERCENTILES[1]} percentiles of {len(found)} training files")  # fmt: skip
    if asked != BY_TYPE:
        return
    used = (most - least) / values.peak
    if 0 < used <= SMALL_PART:
        warn(
            f"{option}=type: the {len(found)} training files looked at have values from "
            f"{least:.6g} to {most:.6g}, which is {100 * used:.2g} % of {values}. With so little "
            f"contrast networks learn badly; {option}=[{least:.6g},{most:.6g}], or data, uses all "
            "of it."
        )


def find_values(
    reader: PairReader,
    ranges: Mapping[Role, Range],
    lists: Sequence[Sequence[PairFiles]],
    *,
    task: bool,
    labelled: bool,
    on_error: str,
) -> dict[Role, Values]:
    """The types and the ends of both sides of a data set.

    Args:
        reader: Of it.
        ranges: What was asked, by side.
        lists: The training files: pairs, those of each side, or those of each domain.
        task: Whether both sides are made of photographs.
        labelled: Whether all domains are read alike; what is found of one then is that of both.
        on_error: As in ``looks``.

    Raises:
        SettingError: As in ``looks`` and ``values_of``.
    """
    found: dict[Role, Values] = {}
    for role in ROLES:
        if role == reader.label_role and not task:
            found[role] = Values()
        elif found and (task or labelled):
            found[role] = found["input"]
        else:
            option, asked = f"dataset.{role}_range", ranges[role]
            files = lists[0] if role == "input" else lists[-1]
            if labelled:
                files = [pair for some in lists for pair in some]
            read = reader.stored_photo if task else partial(reader.stored, role=role)
            seen = looks(files, read, asked, on_error)
            found[role] = values_of(seen, asked, option)
            if not task:
                say_what_is_used(seen, found[role], asked, option)
    return found
