"""Brings together the names, or keys, of two folders: exact ones, then Unicode forms and case."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from i2i.data.index.listing import some
from i2i.data.index.pair_keys import PairKeys, grouped, names_of_keys
from i2i.errors import setting_error
from i2i.messages import say


class Match(NamedTuple):
    """Which keys of two sides belong together."""

    partner: dict[str, str]  # key of A -> key of B, in the order of A
    only_a: list[str]
    only_b: list[str]


def match(keys_a: Collection[str], keys_b: Collection[str]) -> Match:
    """Finds the partner of each key.

    Equal keys come first. What is left is compared in one Unicode form (a file system may store an
    accent as a letter of its own), and then in one letter case, which is said in a line. Neither is
    done where two keys of a side would become one.

    Args:
        keys_a: Of one side, each once.
        keys_b: Of the other.
    """
    there_a, there_b = set(keys_a), set(keys_b)
    found = {key: key for key in there_a & there_b}
    for reading in (_composed, _without_case):
        rest_a, rest_b = there_a - found.keys(), there_b - set(found.values())
        if not rest_a or not rest_b:
            break
        alike = _alike(rest_a, rest_b, there_a, there_b, reading)
        found |= alike
        if alike and reading is _without_case:
            shown = some([f"{a} and {b}" for a, b in sorted(alike.items())])
            say(f"{len(alike)} pair(s) whose names differ in letter case were matched: {shown}")
    return Match(
        {key: found[key] for key in keys_a if key in found},
        sorted(there_a - found.keys()), sorted(there_b - set(found.values())),
    )  # fmt: skip


def _alike(
    rest_a: set[str], rest_b: set[str], all_a: set[str], all_b: set[str],
    reading: Callable[[str], str],
) -> dict[str, str]:  # fmt: skip
    """The keys of A and B that one reading, and no other key of their side, makes the same."""
    counts = [Counter(map(reading, side)) for side in (all_a, all_b)]
    at_b = {reading(key): key for key in rest_b}
    return {
        key: at_b[read]
        for key in rest_a
        if (read := reading(key)) in at_b and all(count[read] == 1 for count in counts)
    }


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _without_case(text: str) -> str:
    return _composed(_composed(text).casefold())


def keyed(
    root: Path, folder: Path, files: Mapping[str, str], keys: PairKeys | None, side: int = 0
) -> dict[str, str]:
    """The key of each file, sorted; what the pattern does not match is passed over, in a line.

    Args:
        root: The data set's folder, for the error.
        folder: Of the side.
        files: Name -> suffix, sorted.
        keys: How keys are found; None where the names are the keys.
        side: As ``PairKeys.key`` counts them.

    Returns:
        Key -> name.

    Raises:
        SettingError: No name has a key, or two have the same.
    """
    if keys is None:
        return {name: name for name in files}
    found = {name: keys.key(name, suffix, side) for name, suffix in files.items()}
    without = [name for name, key in found.items() if key is None]
    where = f"'{folder}'"
    if without and len(without) < len(files):
        say(
            f"{where}: {len(without)} of {len(files)} image(s) passed over, whose names "
            f"dataset.pair_by does not match: {some(without)}"
        )
    return _each_once(where, files, keys, found)


def keyed_in_one_folder(
    root: Path, folder: Path, files: Mapping[str, str], keys: PairKeys
) -> tuple[dict[str, str], dict[str, str]]:
    """The keys of both sides of a folder that holds both; see ``keyed``.

    Raises:
        SettingError: As in ``keyed``, or a name is of both sides.
    """
    found = [{name: keys.key(name, files[name], side) for name in files} for side in (0, 1)]
    of_both = [name for name in files if None not in (found[0][name], found[1][name])]
    if of_both:
        raise setting_error(
            f"dataset.pair_by={keys.text}", f"{len(of_both)} name(s) of both sides in '{folder}': "
            f"{some(of_both)}", "patterns that tell the sides apart",
            "Say in each what the names of the other side do not have.",
        )  # fmt: skip
    without = [name for name in files if found[0][name] is found[1][name] is None]
    if without and len(without) < len(files):
        say(
            f"'{folder}': {len(without)} of {len(files)} image(s) passed over, whose names "
            f"dataset.pair_by does not match: {some(without)}"
        )
    a, b = (
        _each_once(f"'{folder}' (side {letter})", files, keys, side)
        for letter, side in zip("AB", found, strict=True)
    )
    return a, b


def _each_once(
    where: str, files: Mapping[str, str], keys: PairKeys, found: Mapping[str, str | None]
) -> dict[str, str]:
    groups = grouped((key, name) for name, key in found.items() if key is not None)
    if not groups:
        raise setting_error(
            f"dataset.pair_by={keys.text}", f"none of {len(files)} names in {where} that it "
            f"matches: {some(list(files))}", "a pattern of the names, without suffixes",
            "Correct it, or leave dataset.pair_by out where both sides have the same names.",
        )  # fmt: skip
    if doubled := names_of_keys(groups):
        raise setting_error(
            f"dataset.pair_by={keys.text}", f"{len(doubled)} key(s) of several files in {where}: "
            f"{some(doubled)}", "a key of its own for each file of a side",
            "Let the pattern take more of the name into the key, or leave out the other files.",
        )  # fmt: skip
    return {key: names[0] for key, names in groups.items()}
