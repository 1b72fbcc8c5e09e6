"""Small records in JSON and YAML that a stranger may have written: bounded, and plain values only.

Neither a tag, an alias, a device, a file of gigabytes nor a million brackets does anything here but
raise ``Unreadable``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from i2i.errors import first_line
from i2i.files.ordinary import Unreadable, read_bytes

MOST_BYTES = 16_000_000  # of a record; per-image scores of a hundred thousand pictures are less
MOST_YAML = 300_000  # of YAML, whose reader takes seconds for that; a configuration has 20,000


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """What a file of UTF-8 holds; raises as ``read_bytes`` does."""
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("bytes that are no UTF-8") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds; raises as ``read_bytes`` does, and where it is none."""
    try:
        return json.loads(read_text(path))
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no JSON ({first_line(error, 120)})") from error


def read_yaml(path: Path) -> Any:
    """What a YAML file holds; raises as ``read_bytes`` does, and at a tag, an alias or an error.

    ``${...}`` stays text: nothing is looked up.
    """
    try:
        return yaml.load(read_text(path, MOST_YAML), Loader=_Plain)
    except Unreadable:
        raise
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"no plain YAML ({first_line(error, 120)})") from error


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """The value, which must be a mapping with names for keys.

    Raises:
        Unreadable: It is something else.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise Unreadable(f"{what} that is no mapping of names but {kind(value)}")
    return value


def number(value: Any, what: str) -> float:
    """The value, which must be a number, or a word that JSON lacks: inf, -inf, nan.

    Raises:
        Unreadable: It is something else.
    """
    if isinstance(value, bool) or not (
        isinstance(value, int | float) or value in ("inf", "-inf", "nan")
    ):
        raise Unreadable(f"{what} that is no number but {kind(value)}")
    try:
        return float(value)
    except OverflowError as error:
        raise Unreadable(f"{what} that is no number of this world") from error


def kind(value: Any) -> str:
    """What a value is, for an error, without its content."""
    return "nothing" if value is None else type(value).__name__


class _Plain(yaml.SafeLoader):
    """Refuses aliases (nine lines of them make a billion values) and every tag that is written."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable("an alias")
        if getattr(event, "tag", None) is not None:
            raise Unreadable(f"the tag {event.tag!r:.60}")
        return super().compose_node(parent, index)
