"""Puts the runs of a sweep side by side, as a table and as a picture.

``python -m i2i.comparison MULTIRUN_DIR`` writes comparison.csv, comparison.md and comparison.png
there; a sweep does the same at its end.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.comparison.picture import picture, read_pictures
from i2i.comparison.run_records import COLUMNS, Run, Scores, find_folders, read_run, units_of
from i2i.errors import SettingError, setting_error
from i2i.images.image_io import write_png
from i2i.printable import printable
from i2i.run_folder import CEILING, write_text
from i2i.scores import heading

OF_A_RESUMED = (  # options that resuming adds
    "resume", "dataset.root", "metrics.inception_weights", "metrics.lpips.weights_file",
    "metrics.lpips_weights", "metrics.segmenter", "reconstruction.perceptual.weights_file",
    "reconstruction.lpips.weights_file",
)  # fmt: skip
IN_TITLE = {"data": " of {}", "n": ", n = {}", "checkpoint": ", {}"}


def find_runs(folder: Path) -> list[Run]:
    """The runs below a folder, job 2 before job 10.

    Raises:
        SettingError: There is none.
    """
    found, closed = find_folders(folder)
    if not found and not closed.keys() - {folder}:
        raise setting_error(
            str(folder), "no run (a folder with .hydra/overrides.yaml) below it",
            "the folder of a sweep", "Look in multirun/.",
        )  # fmt: skip
    runs = [read_run(path) for path in found]
    runs += [Run(path, notes=[f"a folder that cannot be read ({w})"]) for path, w in closed.items()]
    name_runs(runs, folder)
    return runs


def name_runs(runs: Sequence[Run], folder: Path) -> None:
    """Names each run by its label, and by the options in which it differs from its namesakes."""
    for label in {run.label for run in runs}:
        same = [run for run in runs if run.label == label]
        keys = list(dict.fromkeys(key for run in same for key in run.options))
        keys = [k for k in keys if len({run.options.get(k) for run in same}) > 1]
        keys = [k for k in keys if k not in OF_A_RESUMED or all(k in r.options for r in same)]
        for run in same:
            parts = [] if label is None else [label]
            parts += [f"{k}={run.options[k]}" for k in keys if k in run.options]
            run.name = ", ".join(parts) or run.beside(folder) or run.folder.name
    for name in {run.name for run in runs}:
        same = [run for run in runs if run.name == name]
        for run in same if len(same) > 1 else ():
            run.name += f" ({run.beside(folder)})"


def reference_rows(runs: Sequence[Run]) -> dict[str, tuple[Scores, Run]]:
    """Baselines and ceiling once each, or once a value where the runs' data differ."""
    found: dict[str, list[tuple[Scores, Run]]] = {}
    for run in runs:
        for name, scores in run.others.items():
            known = found.setdefault(name, [])
            if not any(alike(scores, s) and run.n == r.n for s, r in known):
                known.append((scores, run))
    ordered = sorted(found, key=lambda name: name == CEILING)  # stable: it stays last
    return {
        name if len(found[name]) == 1 else f"{name} [{run.name}]": (scores, run)
        for name in ordered
        for scores, run in found[name]
    }


def alike(one: Mapping[str, float], two: Mapping[str, float]) -> bool:
    """Whether scores are equal up to the order of a machine's sums."""
    return one.keys() == two.keys() and all(
        math.isclose(one[k], two[k], rel_tol=1e-3, abs_tol=1e-6)
        or (math.isnan(one[k]) and math.isnan(two[k]))
        for k in one
    )


def table_rows(runs: Sequence[Run], folder: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of the scores, in the files' order, and a row per run, then one per baseline."""
    rows: list[dict[str, Any]] = []
    for run in runs:
        head = {"variant": run.name, "run": run.beside(folder), "data": run.data}
        rows.append(
            head | {"split": "test" if run.scores else "", "n": run.n, "checkpoint": run.checkpoint}
            | run.scores | {"note": "; ".join(run.notes)}
        )  # fmt: skip
    for name, (scores, run) in reference_rows(runs).items():
        head = {"variant": name, "run": "", "data": run.data, "split": "test", "n": run.n}
        rows.append(head | {"checkpoint": ""} | scores | {"note": ""})
    every = (k for run in runs for scores in (run.scores, *run.others.values()) for k in scores)
    return list(dict.fromkeys(every)), rows


def as_csv(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """All columns, full precision."""
    text = io.StringIO()
    columns = [*COLUMNS[:-1], *names, COLUMNS[-1]]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if r.get(k) is None else r[k] for k in columns} for r in rows)
    return text.getvalue()


def as_markdown(heads: Mapping[str, str], rows: Sequence[Mapping[str, Any]], folder: Path) -> str:
    """A title with data, split and n, the table, and the runs without scores below it.

    Args:
        heads: What stands above the column of a score, by its name.
        rows: From ``table_rows``.
        folder: Of the sweep.
    """
    scored = [row for row in rows if row["run"] and row["n"]]
    values = {key: {row[key] for row in scored if row[key]} for key in IN_TITLE}
    title, extra = f"Runs of {printable(folder.name)}: test split", []
    for key, text in IN_TITLE.items():  # what all runs share stands above, the rest in columns
        if len(values[key]) == 1:
            title += text.format(*values[key])
        elif values[key]:
            extra.append(key)
    lines = [title, "", _line(["variant", *extra, *heads.values()])]
    lines.append("|---" * (1 + len(extra)) + "|---:" * len(heads) + "|")
    for row in rows:
        cells = [row["variant"], *("" if row[key] is None else row[key] for key in extra)]
        lines.append(_line([*cells, *(f"{row[n]:.4f}" if n in row else "-" for n in heads)]))
    noted = [row for row in rows if row["note"]]
    for title, some in (
        ("Without scores:", [row for row in noted if not row["split"]]),
        ("Remarks:", [row for row in noted if row["split"]]),
    ):
        listed = [f"- {row['variant']} ({row['run']}): {row['note']}" for row in some]
        lines += ["", title, "", *listed] if listed else []
    return "\n".join([*lines, ""])


def _line(cells: Sequence[object]) -> str:
    """A row of the table; a bar in a cell would begin another one."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def compare(folder: Path) -> str:
    """Writes comparison.csv, comparison.md and, where the runs have pictures, comparison.png.

    Args:
        folder: Of a sweep: its runs stand below it. The files are written there.

    Returns:
        The text of comparison.md.

    Raises:
        SettingError: There is no run, or the files cannot be written.
    """
    runs, shown = find_runs(folder), {}
    for run in runs:
        try:
            shown[run.name] = read_pictures(run.folder)
        except SettingError as error:
            run.notes.append(f"its pictures are left out: {error}")
    names, rows = table_rows(runs, folder)
    units = units_of(runs)
    heads = {name: heading(name, units.get(name, "")) for name in names}
    text = as_markdown(heads, rows, folder)
    try:
        write_text(folder / "comparison.csv", as_csv(names, rows))
        write_text(folder / "comparison.md", text)
    except OSError as error:
        raise setting_error(
            str(folder), f"no way to write comparison.md there ({error.strerror or error})",
            "a folder that can be written, and free space", "Mend that, or copy the sweep.",
        ) from error  # fmt: skip
    grid = picture(shown)
    if grid is not None:
        write_png(folder / "comparison.png", grid)
    return text
