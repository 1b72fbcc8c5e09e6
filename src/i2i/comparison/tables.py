"""Puts the runs of a sweep side by side, as a table and as a picture.

``python -m i2i.comparison MULTIRUN_DIR`` writes comparison.csv, comparison.md and comparison.png
there; a sweep does the same at its end.
"""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.comparison.picture import picture
from i2i.config.resume import PATHS
from i2i.errors import setting_error
from i2i.images.image_io import write_png
from i2i.run_folder import CEILING, write_text
from i2i.scores import heading

OF_A_RESUMED = ("resume", *PATHS)  # options that resuming adds
NO_SCORES = "no test_metrics.json: the run failed, was stopped or was not tested"
IN_TITLE = {"data": " of {}", "n": ", n = {}", "checkpoint": ", {}"}

Scores = dict[str, float]


@dataclass
class Run:
    """What a run's folder says.

    Attributes:
        folder: The run's folder.
        options: What was typed or swept, value by key.
        label: The configuration's ``label``, or None.
        data: Name of the data set.
        checkpoint: File name of what was scored.
        n: Images that were scored.
        scores: The model's; empty where there are none.
        units: Those of the scores that have one, by name.
        others: Scores of the baselines and of the ceiling, by name.
        note: Why there are no scores.
        name: What the run is called in the table; from ``name_runs``.
    """

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    label: str | None = None
    data: str = ""
    checkpoint: str = ""
    n: int | None = None
    scores: Scores = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    others: dict[str, Scores] = field(default_factory=dict)
    note: str = ""
    name: str = ""


def read_run(folder: Path) -> Run:
    """Reads a run's options, label and scores; what is missing becomes a note."""
    from omegaconf import OmegaConf

    typed = [str(o) for o in OmegaConf.load(folder / ".hydra" / "overrides.yaml")]
    run = Run(folder, {o.partition("=")[0].lstrip("+~"): o.partition("=")[2] for o in typed})
    for record in (folder / "config.yaml", folder / ".hydra" / "config.yaml"):
        if record.is_file():
            config = OmegaConf.to_container(OmegaConf.load(record), resolve=False)
            run.label, run.data = config.get("label"), str(config["dataset"]["name"])
            break
    file = folder / "test_metrics.json"
    if not file.is_file():
        run.note = why_no_scores(folder)
        return run
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        rows = {k: {n: float(v) for n, v in r.items()} for k, r in content["scores"].items()}
        run.n, run.units = int(content["n_images"]), dict(content.get("units", {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        run.note = f"test_metrics.json cannot be read ({error})"
        return run
    for name, scores in rows.items():
        if name.startswith("model"):
            run.scores, run.checkpoint = scores, name.removeprefix("model").strip(" ()")
        else:
            run.others[name] = scores
    return run


def why_no_scores(folder: Path) -> str:
    """What a run's folder says about why it has no test_metrics.json."""
    record = folder / "pruning.json"
    if record.is_file():
        content = json.loads(record.read_text(encoding="utf-8"))
        if content["state"] == "pruned":
            step, value = list(content["values"].items())[-1]
            return f"pruned at step {step}: {content['monitor']} {float(value):.4f}"
    return NO_SCORES


def find_runs(folder: Path) -> list[Run]:
    """The runs below a folder, job 2 before job 10.

    Raises:
        SettingError: There is none.
    """
    found = [record.parent.parent for record in folder.rglob(".hydra/overrides.yaml")]
    if not found:
        raise setting_error(
            str(folder), "no run (a folder with .hydra/overrides.yaml) below it",
            "the folder of a sweep", "Look in multirun/.",
        )  # fmt: skip

    def numbers_as_numbers(path: Path) -> list[Any]:
        parts = re.split(r"(\d+)", str(path.relative_to(folder)))
        return [int(p) if p.isdigit() else p for p in parts]

    runs = [read_run(path) for path in sorted(found, key=numbers_as_numbers)]
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
            run.name = ", ".join(parts) or str(run.folder.relative_to(folder)) or run.folder.name
    for name in {run.name for run in runs}:
        same = [run for run in runs if run.name == name]
        for run in same if len(same) > 1 else ():
            run.name += f" ({run.folder.relative_to(folder)})"


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
        head = {"variant": run.name, "run": str(run.folder.relative_to(folder)), "data": run.data}
        rows.append(
            head | {"split": "test" if run.scores else "", "n": run.n, "checkpoint": run.checkpoint}
            | run.scores | {"note": run.note}
        )  # fmt: skip
    for name, (scores, run) in reference_rows(runs).items():
        head = {"variant": name, "run": "", "data": run.data, "split": "test", "n": run.n}
        rows.append(head | {"checkpoint": ""} | scores | {"note": ""})
    every = (k for run in runs for scores in (run.scores, *run.others.values()) for k in scores)
    return list(dict.fromkeys(every)), rows


def as_csv(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """All columns, full precision."""
    text = io.StringIO()
    columns = ["variant", "run", "data", "split", "n", "checkpoint", *names, "note"]
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
    values = {key: {r[key] for r in rows if r["run"] and r["n"]} for key in IN_TITLE}
    title, extra = f"Runs of {folder.name}: test split", []
    for key, text in IN_TITLE.items():  # what all runs share stands above, the rest in columns
        if len(values[key]) == 1:
            title += text.format(*values[key])
        elif values[key]:
            extra.append(key)
    lines = [title, "", f"| {' | '.join(['variant', *extra, *heads.values()])} |"]
    lines.append("|---" * (1 + len(extra)) + "|---:" * len(heads) + "|")
    for row in rows:
        cells = [str(row["variant"]).replace("|", "\\|")]
        cells += ["" if row[key] is None else str(row[key]) for key in extra]
        cells += [f"{row[n]:.4f}" if n in row else "-" for n in heads]
        lines.append(f"| {' | '.join(cells)} |")
    missing = [f"- {row['variant']} ({row['run']}): {row['note']}" for row in rows if row["note"]]
    return "\n".join([*lines, *(["", "Without scores:", "", *missing] if missing else []), ""])


def compare(folder: Path) -> str:
    """Writes comparison.csv, comparison.md and, where the runs have pictures, comparison.png.

    Args:
        folder: Of a sweep: its runs stand below it. The files are written there.

    Returns:
        The text of comparison.md.

    Raises:
        SettingError: There is no run, or a picture is damaged.
    """
    runs = find_runs(folder)
    names, rows = table_rows(runs, folder)
    units = {name: unit for run in runs for name, unit in run.units.items()}
    heads = {name: heading(name, units.get(name, "")) for name in names}
    text = as_markdown(heads, rows, folder)
    write_text(folder / "comparison.csv", as_csv(names, rows))
    write_text(folder / "comparison.md", text)
    grid = picture({run.name: run.folder for run in runs})
    if grid is not None:
        write_png(folder / "comparison.png", grid)
    return text
