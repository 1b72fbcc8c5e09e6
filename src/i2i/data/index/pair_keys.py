"""What of a file's name says to which pair, or place, it belongs: ``dataset.pair_by``."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from i2i.errors import setting_error

# A group that offers words, such as (leftImg8bit|gtFine_color): it tells the sides.
_WORDS = re.compile(r"\((?:\?P<\w+>)?([\w .-]+(?:\|[\w .-]+)+)\)")
_FORMS = (
    "'*_photo' with one * for the key, a regular expression whose first group is the key, such as "
    "'(.*)_(photo|label)', or one of these for each side: {A: '*_photo', B: '*_label'}"
)


class _Pattern(NamedTuple):
    """One pattern of a name."""

    found: re.Pattern[str]
    groups: tuple[int, ...]  # that make the key
    whole: bool  # whether it is of the path below the folder, and not of the file's name alone

    def key(self, name: str, suffix: str) -> str | None:
        above, slash, last = ("", "", name) if self.whole else name.rpartition("/")
        for text in (last, last + suffix):  # who writes the suffix means the suffix
            if match := self.found.fullmatch(text):
                return above + slash + "_".join(match[group] or "" for group in self.groups)
        return None


class PairKeys:
    """How the key of a pair is found in the names of its two files.

    A pattern is compared with a name without its suffix. One with a ``/`` is of the path below the
    folder; else it is of the file's name, and the subfolder belongs to the key. A text without
    parentheses has one ``*``, which is the key: a prefix, a suffix or both stand around it. A
    regular expression has a group or more. Where the last group that offers words, such as
    ``(leftImg8bit|gtFine_color)``, is beside others, it tells the sides and the others are the
    key; else the first group is the key.

    Args:
        pair_by: A pattern for both sides, or one for each, ``{A: ..., B: ...}``.
        one_folder: Whether both sides lie in one folder, so that the patterns tell them apart.

    Raises:
        SettingError: It is no pattern, or does not tell the sides of one folder apart.
    """

    def __init__(self, pair_by: str | Mapping[str, str], one_folder: bool = False) -> None:
        self.text = str(pair_by)
        if isinstance(pair_by, Mapping):
            if set(pair_by) != {"A", "B"}:
                raise _wrong(self.text, f"the names {', '.join(map(str, pair_by))}", "A and B")
            self._sides = tuple(_pattern(str(pair_by[side]), self.text) for side in "AB")
            return
        words = _sides_in(self.text)
        if not one_folder:
            self._sides = (_pattern(self.text, self.text, words),)
            return
        if words is None or len(words[1].split("|")) != 2:
            _pattern(self.text, self.text)  # says what is wrong with it, if it cannot be read
            raise _wrong(
                self.text, "one folder for both sides, and no group of two words in the pattern",
                "what tells the sides apart, as (A|B) in '(.*)_(A|B)'",
            )  # fmt: skip
        self._sides = tuple(_pattern(self.text, self.text, words, i) for i in (0, 1))

    def key(self, name: str, suffix: str, side: int = 0) -> str | None:
        """The key in a name; None where the pattern does not match it.

        Args:
            name: Below the side's folder, without suffix.
            suffix: Of the file.
            side: 0 for A and 1 for B; higher numbers are of further domains.
        """
        return self._sides[side if len(self._sides) > 1 else 0].key(name, suffix)

    def require_for(self, n_sides: int) -> None:
        """Makes sure that there is a pattern for each side.

        Raises:
            SettingError: There are two patterns, and other sides than A and B.
        """
        if len(self._sides) == 2 != n_sides:
            raise _wrong(self.text, f"two patterns for {n_sides} domains", "one pattern for all")


def pair_keys(pair_by: str | Mapping[str, str] | None, one_folder: bool) -> PairKeys | None:
    """The keys of ``dataset.pair_by``; None where names are compared as they are."""
    if pair_by is None:
        return None
    if not isinstance(pair_by, str | Mapping):
        raise _wrong(str(pair_by), type(pair_by).__name__, "text")
    return PairKeys(pair_by, one_folder)


def _sides_in(text: str) -> re.Match[str] | None:
    """The group that tells the sides; None where there is none, or no other group beside it."""
    found = list(_WORDS.finditer(text))
    if not found:
        return None
    last = found[-1]
    rest = text[: last.start()] + text[last.end() :]
    return last if re.search(r"(?<!\\)\((?!\?(?!P<))", rest) else None


def _pattern(
    text: str, option: str, words: re.Match[str] | None = None, side: int | None = None
) -> _Pattern:
    """Reads one pattern; with ``words`` and a side it takes that one of the words alone."""
    if "(" not in text:
        if text.count("*") != 1:
            raise _wrong(option, f"{text.count('*')} times * in '{text}'", "one")
        regex = re.escape(text).replace(r"\*", "(.*)")
        return _Pattern(re.compile(regex), (1,), "/" in text)
    groups: tuple[int, ...] | None = (1,)
    if words is not None:
        chosen = words[1] if side is None else re.escape(words[1].split("|")[side])
        text, groups = f"{text[: words.start()]}(?:{chosen}){text[words.end() :]}", None
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise _wrong(option, f"a pattern that cannot be read ({error})", "a regular one") from None
    if not compiled.groups:
        raise _wrong(option, "no group, so no key", "a group in parentheses, such as (.*)")
    return _Pattern(compiled, groups or tuple(range(1, compiled.groups + 1)), "/" in text)


def _wrong(text: str, found: str, expected: str) -> Exception:
    return setting_error(f"dataset.pair_by={text}", found, expected, f"It is {_FORMS}.")


def names_of_keys(keys: Mapping[str, list[str]]) -> list[str]:
    """Those keys that several names have, with the names: for an error."""
    return [f"{key} ({', '.join(names)})" for key, names in keys.items() if len(names) > 1]


def grouped(keyed: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Key -> names, of pairs of the two, sorted by key."""
    groups: dict[str, list[str]] = {}
    for key, name in sorted(keyed):
        groups.setdefault(key, []).append(name)
    return groups
