"""Looks into a data set's files, before training starts, for what would spoil it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from random import Random
from typing import Any

import numpy as np

from i2i.data.index.pair_list import PairFiles
from i2i.data.paired_transforms import Role
from i2i.data.reading.pair_reader import PairReader
from i2i.errors import setting_error
from i2i.images.stored import ImageError
from i2i.labels.id_map import looks_like_mask, map_for
from i2i.labels.palette import UNLABELLED
from i2i.labels.stray_colours import Strays, refuse_strays
from i2i.messages import say

MOST_PHOTOS = 64  # that stand for a larger split: grey ones are a matter of the set
MOST_LABELS = 4000  # that are all looked at: about a minute of one core for 256 x 256 JPEGs
MOST_DARK = 16  # pictures that have to be all but black before a side is taken for class ids
LEAST_LIGHT = 40  # the grey level from which a picture is one: label files have fewer classes
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
        SettingError: There are more than ``dataset.classes`` allows; counted and named. Or all
            files are masks of one class and 255.
    """
    plain_ids = reader.label_files == "ids" and reader.id_map is None
    seen = np.zeros(256, np.int64)

    def strays(pair: PairFiles) -> tuple[str, Strays] | None:
        with leaving_out(reader):
            label, lossy = reader.label_picture(pair)
            if plain_ids:
                seen[np.unique(label)] += 1
            found = reader.classes.strays(label, lossy)
            mapped = found.too_many and reader.label_files == "ids"
            return pair.name, reader.strays(pair, label) if mapped else found
        return None

    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding lets the others run
        most = len(pairs) if all_looked_at(pairs) else SPREAD_LABELS
        looked_at = pool.map(strays, from_all_over(pairs, most))
        found = [one for one in looked_at if one is not None]
    values = np.flatnonzero(seen).tolist()
    mapped = map_for(values, reader.classes.n_classes) if plain_ids else None
    todo = f"The files hold {_few(values)}. If so, say which class each is: type {mapped}"
    refuse_strays(found, setting, todo if mapped else None)
    if plain_ids and looks_like_mask(values):
        raise setting_error(
            setting, f"label files that hold {_few(values)} and nothing else, where "
            f"{UNLABELLED} means unlabelled", f"class ids from 0 to {reader.classes.n_classes - 1}",
            f"If these are masks of black and white, type {mapped}; if not, "
            f'"dataset.id_map={{{values[0]}: {values[0]}, {UNLABELLED}: {UNLABELLED}}}".',
        )  # fmt: skip
    if plain_ids and values and values[0] > 0:
        say(f"{setting}: no label file has class 0 ({reader.classes.names[0]}). If the ids count "
            "from 1, say so with dataset.id_map.")  # fmt: skip


def _few(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:12]))
    return shown + (", ..." if len(values) > 12 else "")


def check_no_ids(
    task: Any,
    reader: PairReader,
    lists: Sequence[Sequence[PairFiles]],
    roles: Sequence[Role],
    setting: str,
) -> None:
    """Refuses a side of pictures that are class ids: grey ones, all but black.

    Args:
        task: What is made of the files; one that makes both sides of photographs is left alone.
        reader: Of the data set.
        lists: The files of a split: pairs, or those of each side. Some of them stand for it, and
            the first lighter one ends the look.
        roles: The sides that there are.
        setting: Where they are, for the error.

    Raises:
        SettingError: All pictures of a side that were looked at are such.
    """
    known = reader.label_role if reader.classes is not None else None
    for role in roles:
        reading, files = (reader.input, lists[0]) if role == "input" else (reader.target, lists[-1])
        if role == known or reading.values != "type" or not task.of_sides:
            continue
        highest = _highest_of_dark(reader, files, role)
        if highest is None:
            continue
        side = "A" if (role == "input") == (reader.direction == "AtoB") else "B"
        raise setting_error(
            setting, f"pictures of side {side} that are grey and all but black: no value above "
            f"{highest} in those that were looked at, as in files of class ids", "pictures, or "
            "label maps that are declared as such",
            f"For class ids type dataset.label_side={side} dataset.label_files=ids and name "
            "dataset.classes (see conf/dataset/camvid.yaml); for measured values say which is "
            f'white: "dataset.{role}_range=[0,{max(highest, 1)}]".',
        )  # fmt: skip


def _highest_of_dark(reader: PairReader, pairs: Sequence[PairFiles], role: Role) -> int | None:
    """The highest grey level of pictures that are all but black; None where one is not."""
    highest, varied = 0, False  # flat pictures alone are no label maps
    for pair in from_all_over(pairs, MOST_DARK):
        image = None
        with leaving_out(reader):
            image = reader.side(pair, role)
        if image is None:
            continue
        grey = image.dtype == np.uint8 and (image == image[:, :, :1]).all()
        if not grey or image.max() >= LEAST_LIGHT:
            return None
        highest = max(highest, int(image.max()))
        varied = varied or image.min() < image.max()
    return highest if varied else None
