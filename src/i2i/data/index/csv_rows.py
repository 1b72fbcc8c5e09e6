"""Reads the rows of a CSV file of pairs: its columns are input, target and perhaps split."""

import csv
import io
import os
from pathlib import Path
from typing import NamedTuple

from i2i.files.ordinary import Unreadable, read_bytes

MOST_BYTES = 1_000_000_000  # of a table; a million pairs are a tenth of that
HEAD = 20_000  # bytes that are looked at to tell whether a file is such a table
COLUMNS = ("input", "target")
MARKS = ",;\t|"  # between columns


class Row(NamedTuple):
    """A line of the table."""

    line: int  # as an editor counts them
    input: str
    target: str
    split: str  # "" where the table does not say


def read_rows(file: Path) -> list[Row]:
    """The rows of a table of pairs, empty lines left out.

    Raises:
        Unreadable: It cannot be read, or has no such columns; a row lacks a name.
    """
    text = _decoded(read_bytes(file, MOST_BYTES))
    mark, names = _head(text)
    places = {name: place for place, name in enumerate(names)}
    if missing := [name for name in COLUMNS if name not in places]:
        raise Unreadable(
            f"no column '{missing[0]}' (its first line: {', '.join(names)[:200] or 'nothing'})"
        )
    doubled = [name for name in (*COLUMNS, "split") if names.count(name) > 1]
    if doubled:
        raise Unreadable(f"the column '{doubled[0]}' twice")
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=True)
    rows, most = [], max(places[name] for name in COLUMNS)
    try:
        next(reader)
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            short = len(cells) <= most
            if short or not all(cells[places[name]] for name in COLUMNS):
                raise Unreadable(f"line {reader.line_num} without an input or a target")
            at = places.get("split", len(cells))
            row = (cells[places["input"]], cells[places["target"]])
            rows.append(Row(reader.line_num, *row, cells[at] if at < len(cells) else ""))
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}, which is no CSV ({error})") from error
    return rows


def pairs_files(root: Path) -> list[str]:
    """The names of the tables of pairs that lie in a folder."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    tables = [name for name in names if name.lower().endswith((".csv", ".tsv", ".txt"))]
    return [name for name in tables if not name.startswith(".") and _is_table(root / name)]


def _is_table(file: Path) -> bool:
    try:
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            names = _head(_decoded(opened.read(HEAD), cut=True))[1]
    except (OSError, Unreadable):
        return False
    return set(COLUMNS) <= set(names)


def _head(text: str) -> tuple[str, list[str]]:
    """The mark between columns, and their names in small letters."""
    first = next(iter(text.splitlines()), "")
    best = (
        ",",
        [name.strip().lower() for name in next(csv.reader([first], skipinitialspace=True), [])],
    )
    for mark in MARKS:
        try:
            cells = next(csv.reader([first], delimiter=mark, skipinitialspace=True), [])
        except csv.Error:
            continue
        names = [name.strip().lower() for name in cells]
        if len(set(COLUMNS) & set(names)) > len(set(COLUMNS) & set(best[1])):
            best = (mark, names)
    return best


def _decoded(data: bytes, cut: bool = False) -> str:
    """The text of a file, in UTF-8 or, where its first bytes say so, UTF-16."""
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig", "ignore" if cut else "strict")
    except UnicodeDecodeError as error:
        raise Unreadable("bytes that are no UTF-8") from error
