"""A wall of pictures: a row for each test image, a column for each run, the truth last."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from i2i.comparison.album import Album, digest_of
from i2i.comparison.run_test import Tested
from i2i.comparison.selection import MOST_IN_WALL, best_of, in_verdicts
from i2i.comparison.variants import Examined, SameData
from i2i.files.ordinary import Unreadable
from i2i.images.examine import examine_image

MOST_ROWS = 100
MOST_NAMES = 3  # of runs, in a remark

Column = tuple[int, Examined, Tested]  # number of the run, the run, and the route of its test


def walls(sets: Sequence[SameData], numbers: Mapping[int, int], album: Album) -> list[dict]:
    """A wall for each set of test images, and for each route where there are several.

    Args:
        sets: The runs by their data.
        numbers: Of the runs, by the identity of each.
        album: Takes the pictures.
    """
    found = []
    for place, data in enumerate(sets):
        for route in dict.fromkeys(route for run in data.runs for route in run.tests):
            runs = [r for r in data.runs if route in r.tests and r.tests[route].pictures]
            shown, words = _shown(runs, data, route)
            columns = [(numbers[id(run)], run, run.tests[route]) for run in shown]
            if columns:
                title = f"{data.title}, {route}" if route else data.title
                wall = _wall(route, columns, [words] if words else [], album)
                found.append({"title": title, "table": place} | wall)
    return found


def _shown(runs: list[Examined], data: SameData, route: str) -> tuple[list[Examined], str]:
    """The best of runs and those that verdicts compare, and which they are in words."""
    best, words = best_of(runs, MOST_IN_WALL, route)
    if not words:
        return runs, ""
    kept = {id(run) for run in best} | in_verdicts(data, route)
    shown = [run for run in runs if id(run) in kept]
    others = len(shown) - len(best)
    return shown, words + f", and {others} that a verdict compares" * bool(others)


def _wall(route: str, columns: list[Column], notes: list[str], album: Album) -> dict[str, Any]:
    indices = sorted({i for _, _, tested in columns for i in tested.pictures})
    if len(indices) > MOST_ROWS:
        indices = [indices[k * len(indices) // MOST_ROWS] for k in range(MOST_ROWS)]
    names = {i: name for _, _, tested in columns for i, name in tested.names.items()}
    more = {n: m for _, examined, _ in columns for n, m in examined.run.more_is_better.items()}
    units = {n: u for _, examined, _ in columns for n, u in examined.run.units.items()}
    scores = dict.fromkeys(name for _, _, tested in columns for name in tested.scores)
    full = {name: f"{route}/{name}" if route else name for name in scores}
    rows = [_row(i, names.get(i, f"image {i}"), columns, album) for i in indices]
    for kind in ("input", "target"):
        if others := _of_other(kind, indices, columns):
            told = ", ".join(others[:MOST_NAMES]) + ", ..." * (len(others) > MOST_NAMES)
            notes.append(f"the {kind}s of {len(others)} runs differ from those shown ({told})")
    return {
        "route": route,
        "runs": [number for number, _, _ in columns],
        "scores": [
            {"name": name, "full": full[name], "unit": units.get(full[name], ""),
             "more": more.get(full[name])}
            for name in scores
        ],
        "rows": rows,
        "aspect": _aspect(columns),
        "notes": notes,
    }  # fmt: skip


def _aspect(columns: Sequence[Column]) -> float:
    """Height over width of the first picture that can be read."""
    for _, _, tested in columns:
        for files in tested.pictures.values():
            found = examine_image(files["output"])
            if not isinstance(found, str):
                height, width = found.size
                return height / width
    return 1.0


def _row(index: int, name: str, columns: Sequence[Column], album: Album) -> dict[str, Any]:
    files = [tested.pictures.get(index, {}) for _, _, tested in columns]
    return {
        "name": name,
        "input": album.add(next((f["input"] for f in files if "input" in f), None)),
        "target": album.add(next((f["target"] for f in files if "target" in f), None)),
        "outputs": [album.add(f.get("output")) for f in files],
        "backs": [album.add(f.get("back")) for f in files]
        if any("back" in f for f in files)
        else [],
        "scores": [
            {name: values[index] for name, values in tested.scores.items() if index in values}
            for _, _, tested in columns
        ],
    }


def _of_other(kind: str, indices: Iterable[int], columns: Sequence[Column]) -> list[str]:
    """The runs whose inputs or targets are not those of the first run that has them."""
    shown: dict[int, bytes] = {}
    found = []
    for _, examined, tested in columns:
        own = {}
        for index in indices:
            file = tested.pictures.get(index, {}).get(kind)
            with contextlib.suppress(Unreadable):  # told where it was to be shown
                own |= {} if file is None else {index: digest_of(file)}
        if any(shown.get(index, digest) != digest for index, digest in own.items()):
            found.append(examined.run.name)
        shown = own | shown
    return found
