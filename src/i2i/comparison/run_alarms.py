"""What a run's health.json says of failures that it noticed in itself."""

import os
from pathlib import Path
from typing import NamedTuple

from i2i.files.ordinary import Unreadable
from i2i.files.records import kind, mapping, number, read_json
from i2i.printable import printable

MOST_ALARMS = 100  # of a run
MOST_LETTERS = 1000  # of an alarm


class Alarm(NamedTuple):
    """A failure, and the step at which it was noticed."""

    step: int
    text: str


def read_alarms(folder: Path) -> tuple[list[Alarm], list[str]]:
    """The alarms of a run, in their order, and what could not be read.

    Args:
        folder: Of the run; one without the file raised none.
    """
    file = folder / "health.json"
    if not os.path.lexists(file):
        return [], []
    try:
        listed = mapping(read_json(file), "a record").get("alarms")
        if not isinstance(listed, list):
            raise Unreadable(f"no list of alarms but {kind(listed)}")
        entries = [mapping(entry, "an alarm") for entry in listed[:MOST_ALARMS]]
        return [
            Alarm(int(number(e.get("step"), "a step")), printable(e.get("text"))[:MOST_LETTERS])
            for e in entries
        ], []
    except (Unreadable, ValueError, OverflowError) as error:
        return [], [f"health.json cannot be read ({printable(error)[:MOST_LETTERS]})"]
