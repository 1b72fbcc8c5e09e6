"""What a file was when it first came from an address: a later difference is noticed.

Some publishers give no hash of their archives. The first download that was whole is then what later
ones are compared with, on this machine: its sha256 stands in a small JSON file beside it.
"""

import contextlib
import datetime
import json
import re
from pathlib import Path
from typing import Any

from i2i.files import atomic
from i2i.files.file_lock import exclusive
from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, read_json

NAME = ".i2i-downloads.json"
LOCK = ".i2i-downloads.lock"


def pinned(folder: Path, url: str) -> tuple[str, str] | None:
    """The sha256 of what first came from an address into a folder, and the day; None: nothing did.

    A damaged entry is none.
    """
    entry = _entries(folder).get(_key(url))
    if not isinstance(entry, dict):
        return None
    digest, day = entry.get("sha256"), entry.get("first")
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        return None
    return digest, day if isinstance(day, str) and len(day) == 10 else "an earlier day"


def pin(folder: Path, url: str, sha256: str) -> None:
    """Keeps the sha256 of a whole file; does nothing where the folder cannot be written."""
    with contextlib.suppress(OSError), exclusive(folder / LOCK, NAME):
        entries = _entries(folder)
        entries[_key(url)] = {"sha256": sha256, "first": f"{datetime.date.today()}"}
        atomic.write_text(folder / NAME, json.dumps(entries, indent=2) + "\n")


def _entries(folder: Path) -> dict[str, Any]:
    try:
        return dict(mapping(read_json(folder / NAME), "a record"))
    except Unreadable:
        return {}


def _key(url: str) -> str:
    """The address without its scheme: a host may have moved from http to https meanwhile."""
    return url.partition("://")[2]
