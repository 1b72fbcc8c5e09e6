"""What a run's test left of single images: per_image.csv and the folder test_pictures."""

import csv
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from i2i.comparison.run_records import MOST_LETTERS, MOST_SCORES
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text
from i2i.printable import printable

MOST_BYTES = 64_000_000  # of a per_image.csv; three hundred thousand images are less
MOST_ROUTES = 200  # of a run
MOST_PICTURES = 1000  # images of a route that are looked at
COLUMNS = ("input", "output", "back", "target")  # of a row of test pictures
PICTURE = re.compile(rf"(\d{{6,9}})_({'|'.join(COLUMNS)})\.png")


@dataclass
class Tested:
    """One route of a run's test.

    Attributes:
        names: Of the images, by index in the split.
        scores: Values by name of the score, then by index.
        pictures: Files by index, then by column: see ``COLUMNS``; back is what was translated back.
        notes: What could not be read.
    """

    names: dict[int, str] = field(default_factory=dict)
    scores: dict[str, dict[int, float]] = field(default_factory=dict)
    pictures: dict[int, dict[str, Path]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_tests(folder: Path) -> dict[str, Tested]:
    """Each route of a run's test, "" for the only one; empty where nothing was written.

    What is damaged becomes a note.
    """
    found: dict[str, Tested] = {}
    for file in sorted(folder.glob("per_image*.csv"))[:MOST_ROUTES]:
        route = file.stem.removeprefix("per_image").removeprefix("_")
        found[route] = _read_scores(file)
    for path in sorted([folder / "test_pictures", *folder.glob("test_pictures/*/")])[:MOST_ROUTES]:
        route = path.name if path.parent != folder else ""
        try:
            pictures = find_pictures(path)
        except OSError as error:
            found.setdefault(route, Tested()).notes.append(f"{path.name}: {error.strerror}")
            continue
        if pictures:
            found.setdefault(route, Tested()).pictures = pictures
    return {printable(route)[:MOST_LETTERS]: tested for route, tested in found.items()}


def _read_scores(file: Path) -> Tested:
    tested = Tested()
    try:
        rows = csv.DictReader(read_text(file, MOST_BYTES).splitlines())
        head = list(rows.fieldnames or ())
        if head[:2] != ["name", "index"] or len(head) > MOST_SCORES:
            raise Unreadable("no columns 'name' and 'index'")
        for row in rows:
            index = int(row["index"])
            tested.names[index] = printable(row["name"])[:MOST_LETTERS]
            for name in head[2:]:
                if row[name]:
                    score = tested.scores.setdefault(printable(name)[:MOST_LETTERS], {})
                    score[index] = float(row[name])
    except (Unreadable, csv.Error, ValueError, TypeError) as error:
        return Tested(notes=[f"{file.name} cannot be read ({printable(error)[:MOST_LETTERS]})"])
    return tested


def find_pictures(folder: Path) -> dict[int, dict[str, Path]]:
    """The files of ``callbacks.test_pictures`` in a folder, by index, then by column."""
    found: dict[int, dict[str, Path]] = {}
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    for match in filter(None, map(PICTURE.fullmatch, names)):
        found.setdefault(int(match[1]), {})[match[2]] = folder / match[0]
        if len(found) > MOST_PICTURES:
            break
    return {index: files for index, files in found.items() if "output" in files}
