"""Small records in JSON and YAML that a stranger may have written: bounded, and plain values only.

Neither a tag, an alias, a device, a file of gigabytes nor a million brackets does anything here but
raise ``BadRecord``.
"""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 16_000_000  # of a record; per-image scores of a hundred thousand pictures are less
MOST_YAML = 300_000  # of YAML, whose reader takes seconds for that; a configuration has 20,000


class BadRecord(ValueError):
    """A record cannot be read; the text says why, in a few words."""


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """What a file holds.

    Args:
        path: An ordinary file, or a link to one.
        most: Bytes that it may have.

    Raises:
        BadRecord: It cannot be opened, is something else (a pipe would be waited for), or larger.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody who writes into it.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadRecord("no ordinary file")
            data = file.read(most + 1)
    except OSError as error:
        raise BadRecord((error.strerror or str(error)).lower()) from error
    if len(data) > most:
        raise BadRecord(f"more than {most:,} bytes")
    return data


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """What a file of UTF-8 holds; raises as ``read_bytes`` does."""
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRecord("bytes that are no UTF-8") from error


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """What a JSON file holds; raises as ``read_bytes`` does, and where it is none."""
    try:
        return json.loads(read_text(path, most))
    except BadRecord:
        raise
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"no JSON ({_first_line(error)})") from error


def read_yaml(path: Path, most: int = MOST_YAML) -> Any:
    """What a YAML file holds; raises as ``read_bytes`` does, and at a tag, an alias or an error.

    ``${...}`` stays text: nothing is looked up.
    """
    try:
        return yaml.load(read_text(path, most), Loader=_Plain)
    except BadRecord:
        raise
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise BadRecord(f"no plain YAML ({_first_line(error)})") from error


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """The value, which must be a mapping with names for keys.

    Raises:
        BadRecord: It is something else.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadRecord(f"{what} that is no mapping of names but {kind(value)}")
    return value


def number(value: Any, what: str) -> float:
    """The value, which must be a number, or a word that JSON lacks: inf, -inf, nan.

    Raises:
        BadRecord: It is something else.
    """
    if isinstance(value, bool) or not (
        isinstance(value, int | float) or value in ("inf", "-inf", "nan")
    ):
        raise BadRecord(f"{what} that is no number but {kind(value)}")
    try:
        return float(value)
    except OverflowError as error:
        raise BadRecord(f"{what} that is no number of this world") from error


def kind(value: Any) -> str:
    """What a value is, for an error, without its content."""
    return "nothing" if value is None else type(value).__name__


class _Plain(yaml.SafeLoader):
    """Refuses aliases (nine lines of them make a billion values) and every tag that is written."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadRecord("an alias")
        if getattr(event, "tag", None) is not None:
            raise BadRecord(f"the tag {event.tag!r:.60}")
        return super().compose_node(parent, index)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]
