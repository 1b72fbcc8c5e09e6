"""Paths and names on the command line, taken as they were typed, in Hydra's grammar."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from i2i.errors import SettingError, setting_error
from i2i.resources import root_dir

# Options that hold a path or a name. Hydra's grammar would read numbers, commas, brackets, quotes
# and other scripts in them as something else, or not at all.
PATHS = (
    "data_dir", "resume", "init_from", "checkpoint", "input", "output", "mask", "run_dir",
    "lpips_weights", "*.root", "*.dir", "*.weights_file", "*.inception_weights", "*.segmenter",
    "*.cache_dir", "*.[ab]_folder", "*.folder", "*.save_dir", "*.dirpath", "*.attribute_file",
    "*.partition_file", "*.pairs", "file", "file_*", "cache_dir",
)  # fmt: skip
NAMES = (
    "label", "project", "*.name", "*.group", "*.notes", "*.entity", "*.job_type", "*.splits.*",
    "*.pair_by",
)  # fmt: skip
WITH_VALUE = {
    "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd", "--package", "-p",
    "--cfg", "-c", "--info", "-i",
}  # fmt: skip
OF_THE_COMMAND = ("--config-name", "-cn", "--config-path", "-cp")
OPTION = re.compile(r"(\+{0,2}[^=\s]+)=(.*)", re.DOTALL)


def plain_words(argv: Sequence[str]) -> list[str]:
    """The command line in Hydra's grammar, with paths and names quoted where it asks for quotes.

    What stands in quotes already, interpolations, and the lists of a sweep stay as they are. A
    path that starts with ``~`` starts with the home folder.

    Args:
        argv: The command line without the program.

    Raises:
        SettingError: A word is no option, or has a value that the grammar cannot read.
    """
    sweeping = bool({"-m", "--multirun"} & set(argv))
    flags = flag_positions(argv)
    words = [in_grammar(a, sweeping) for i, a in enumerate(argv) if i not in flags]
    return [argv[i] for i in sorted(flags)] + words  # argparse takes flags together only


def flag_positions(argv: Sequence[str]) -> set[int]:
    """Where Hydra's own flags stand, and the values that some of them take."""
    found: set[int] = set()
    for i, word in enumerate(argv):
        if i not in found and word.startswith("-"):
            takes = word in WITH_VALUE and i + 1 < len(argv) and not OPTION.match(argv[i + 1])
            found |= {i, i + 1} if takes else {i}
    return found


def require_own_configuration(argv: Sequence[str]) -> None:
    """Refuses Hydra's flags for another configuration: a command reads its own.

    Raises:
        SettingError: There is one.
    """
    for word in argv:
        if word.partition("=")[0] in OF_THE_COMMAND:
            raise setting_error(
                word, "another configuration than that of this command", "its own",
                "Start train.py, evaluate.py or translate.py, each of which has one. Presets of "
                "your own come in with --config-dir=FOLDER or hydra.searchpath=.",
            )  # fmt: skip


def in_grammar(word: str, sweeping: bool) -> str:
    """One word of the command line; see ``plain_words``."""
    if word.startswith("~"):  # takes an option away
        return word
    found = OPTION.fullmatch(word)
    if found is None:
        raise setting_error(
            word, "a word without =", "OPTION=VALUE, such as generator=resnet9",
            "Write which option it is for; --help lists them.",
        )  # fmt: skip
    key, value = found[1], found[2]
    require_text(key, value)
    if key.lstrip("+").partition("@")[0] in groups():
        return preset(key, value, sweeping)
    is_path = matches(key, PATHS)
    is_node = key.endswith(".pair_by") and value.startswith("{")  # a pattern for each side
    as_it_is = is_node or value in ("", "null", "???") or "${" in value
    if as_it_is or not (is_path or matches(key, NAMES)):
        read(key, value)
        return word
    text = value
    if is_quoted(value):
        text = str(read(key, value).value())
    elif sweeping and is_sweep(key, value):
        return word
    meant = from_home(key, text) if is_path else text
    if is_quoted(value) and meant == text:
        return word
    return f"{key}={quoted(meant)}" if needs_quotes(key, meant) else f"{key}={meant}"


def from_home(key: str, text: str) -> str:
    """A path with ``~`` or ``~somebody`` in front written out.

    Raises:
        SettingError: There is no such user.
    """
    meant = os.path.expanduser(text)
    if meant.startswith("~"):
        raise setting_error(
            f"{key}={text}", f"{Path(text).parts[0]}, which is nobody's home folder", "a path",
            "Write ./~ for a name that starts with it.",
        )  # fmt: skip
    return meant


def groups() -> set[str]:
    """The options that choose a preset."""
    return {"experiments", *(p.name for p in (root_dir() / "conf").iterdir() if p.is_dir())}


def preset(key: str, value: str, sweeping: bool) -> str:
    """The choice of a preset, by a name that need not look like one.

    Raises:
        SettingError: It is null, or cannot be read.
    """
    override = read(key, value)
    if override.is_sweep_override() and sweeping:
        return f"{key}={value}"
    chosen = override.value()
    if chosen is None or isinstance(chosen, dict) or override.is_sweep_override():
        raise setting_error(
            f"{key}={value}", "no name of a preset", "one, or a list of them in brackets",
            f"Leave {key.lstrip('+')} out for the usual one; --help lists them.",
        )  # fmt: skip
    return f"{key}={value}" if isinstance(chosen, str | list) else f"{key}={quoted(value)}"


def matches(key: str, patterns: Sequence[str]) -> bool:
    """Whether an option is one of those that patterns name."""
    return any(fnmatchcase(key.lstrip("+"), pattern) for pattern in patterns)


def require_text(key: str, value: str) -> None:
    """Refuses bytes that are no text: no configuration can be written with them.

    Raises:
        SettingError: There are some.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        shown = value.encode(errors="backslashreplace").decode()
        raise setting_error(
            f"{key}={shown}", "bytes that are not UTF-8", "text",
            "Give the file or folder another name, or name it by a link that has one.",
        ) from None  # fmt: skip


def read(key: str, value: str) -> Any:
    """What Hydra's grammar makes of an option.

    Raises:
        SettingError: The grammar cannot read it.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(f"{key}={value}")
    except HydraException:
        raise setting_error(
            f"{key}={value}", "characters that Hydra's grammar reads as its own",
            "a plain value, or one in quotes", f'Write "{key}={quoted(value)}".',
        ) from None  # fmt: skip


def is_quoted(value: str) -> bool:
    """Whether a value stands in quotes as a whole."""
    return len(value) > 1 and value[0] == value[-1] and value[0] in "'\""


def is_sweep(key: str, value: str) -> bool:
    """Whether Hydra reads several values."""
    try:
        return read(key, value).is_sweep_override()
    except SettingError:
        return False


def needs_quotes(key: str, text: str) -> bool:
    """Whether Hydra would read something else than the text itself."""
    try:
        override = read(key, text)
    except SettingError:
        return True
    return override.is_sweep_override() or override.value() != text


def quoted(value: object) -> str:
    """A text as Hydra reads it from the command line, whatever characters it has."""

    def parts(text: str) -> Iterator[str]:
        # A backslash is one but before a quote, where it takes two and the quote another.
        for run, mark in re.findall(r"(\\*)('|[^\\']+|$)", text):
            yield run * 2 + "\\'" if mark == "'" else run * (1 if mark else 2) + mark

    return "'" + "".join(parts(str(value))) + "'"


def value_text(value: Any) -> str:
    """A plain value in Hydra's grammar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{k}:{value_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(value_text, value)) + "]"
    return quoted(value)


def key_of(option: str) -> str:
    """What an option sets: ``generator`` of ``generator=unet``, ``a.b`` of ``++a.b=1``."""
    return option.partition("=")[0].lstrip("+~")
