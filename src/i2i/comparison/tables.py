"""Puts runs side by side: comparison.csv, comparison.md, comparison.png and comparison.html.

``python src/compare.py RUN_OR_SWEEP...`` does, and a sweep at its end.
"""

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.comparison.one_route import name_routes
from i2i.comparison.page import write_page
from i2i.comparison.picture import Pictures, has_pictures, picture, read_pictures
from i2i.comparison.run_records import COLUMNS, Run, Scores, find_folders, read_run, units_of
from i2i.comparison.selection import MOST_IN_PICTURE, best_of
from i2i.comparison.variants import SameData, Variant, chosen, examine, of_same_data
from i2i.errors import SettingError, setting_error
from i2i.images.image_io import write_png
from i2i.printable import printable
from i2i.run_folder import CEILING, write_text
from i2i.scores import heading
from i2i.surroundings import tried

KINDS = ("html", "md", "csv", "png")  # of the files that are called comparison
IN_TITLE = {"data": " of {}", "n": ", n = {}", "checkpoint": ", {}"}


def find_runs(*folders: Path) -> list[Run]:
    """The runs in and below folders, each once, job 2 before job 10.

    Raises:
        SettingError: One of the folders has none.
    """
    found: dict[Path, Run] = {}
    for folder in folders:
        paths, closed = find_folders(folder)
        if not paths and not closed.keys() - {folder}:
            raise setting_error(
                str(folder), "no run (a folder with .hydra/overrides.yaml) below it",
                "the folder of a run or of a sweep", "Look in outputs/ and in multirun/.",
            )  # fmt: skip
        found |= {path: found.get(path) or read_run(path) for path in paths}
        for path, why in closed.items():
            found[path] = Run(path, notes=[f"a folder that cannot be read ({why})"])
    name_runs(runs := list(found.values()), common(folders))
    return runs


def common(folders: Sequence[Path]) -> Path:
    """The folder that others have in common, or the first one's root where they have none."""
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # two drives of Windows
        return Path(folders[0].anchor)


def name_runs(runs: Sequence[Run], folder: Path) -> None:
    """Names each run by its label, and by the options in which it differs from its namesakes."""
    for label in {run.label for run in runs}:
        same = [run for run in runs if run.label == label]
        keys = list(dict.fromkeys(key for run in same for key in run.options))
        keys = [k for k in keys if len({chosen(run, k) for run in same}) > 1]
        keys = [k for k in keys if tried(k) == k or all(k in r.options for r in same)]
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
            same = [i for i, (s, r) in enumerate(known) if alike(scores, s) and run.n == r.n]
            if not same:
                known.append((scores, run))
            else:  # the one of most routes stands for all
                several = [*(known[i] for i in same), (scores, run)]
                known[same[0]] = max(several, key=lambda pair: len(pair[0]))
                for i in reversed(same[1:]):
                    del known[i]
    ordered = sorted(found, key=lambda name: name == CEILING)  # stable: it stays last
    return {
        name if len(found[name]) == 1 else f"{name} [{run.name}]": (scores, run)
        for name in ordered
        for scores, run in found[name]
    }


def alike(one: Mapping[str, float], two: Mapping[str, float]) -> bool:
    """Whether scores are equal up to the order of a machine's sums; one may have further ones."""
    shared = one.keys() & two.keys()
    return len(shared) == min(len(one), len(two)) and all(
        math.isclose(one[k], two[k], rel_tol=1e-3, abs_tol=1e-6)
        or (math.isnan(one[k]) and math.isnan(two[k]))
        for k in shared
    )


def table_rows(
    runs: Sequence[Run], folder: Path, variants: Mapping[str, Variant]
) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of the scores, in the files' order, and a row per run, then one per baseline."""
    seeds_of = {id(r.run): name for name, v in variants.items() for r in v.runs if len(v.runs) > 1}
    rows: list[dict[str, Any]] = []
    for run in runs:
        head = {"variant": run.name, "seeds_of": seeds_of.get(id(run), "")}
        head |= {"run": run.beside(folder), "data": run.data}
        rows.append(
            head | {"split": "test" if run.scores else "", "n": run.n, "checkpoint": run.checkpoint}
            | run.scores | {"note": "; ".join(run.notes)}
        )  # fmt: skip
    for name, (scores, run) in reference_rows(runs).items():
        head = {"variant": name, "seeds_of": "", "run": "", "data": run.data, "split": "test"}
        rows.append(head | {"n": run.n, "checkpoint": ""} | scores | {"note": ""})
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


def as_markdown(
    heads: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    folder: Path,
    words: str,
    variants: Mapping[str, Variant],
) -> str:
    """A title with data, split and n, the tables, and the runs without scores below them.

    Args:
        heads: What stands above the column of a score, by its name.
        rows: From ``table_rows``.
        folder: Of the sweep.
        words: What has to be said before the table is read.
        variants: From ``named_variants``; a second table has their means over seeds.
    """
    scored = [row for row in rows if row["run"] and row["n"]]
    values = {key: {row[key] for row in scored if row[key]} for key in IN_TITLE}
    title, extra = f"Runs of {printable(folder.name)}: test split", []
    for key, text in IN_TITLE.items():  # what all runs share stands above, the rest in columns
        if len(values[key]) == 1:
            title += text.format(*values[key])
        elif values[key]:
            extra.append(key)
    lines = [
        title,
        "",
        *([words, ""] if words else []),
        _line(["variant", *extra, *heads.values()]),
    ]
    lines.append("|---" * (1 + len(extra)) + "|---:" * len(heads) + "|")
    for row in rows:
        cells = [row["variant"], *("" if row[key] is None else row[key] for key in extra)]
        lines.append(_line([*cells, *(f"{row[n]:.4f}" if n in row else "-" for n in heads)]))
    lines += mean_lines(heads, variants)
    noted = [row for row in rows if row["note"]]
    for title, some in (
        ("Without scores:", [row for row in noted if not row["split"]]),
        ("Remarks:", [row for row in noted if row["split"]]),
    ):
        listed = [f"- {row['variant']} ({row['run']}): {row['note']}" for row in some]
        lines += ["", title, "", *listed] if listed else []
    return "\n".join([*lines, ""])


def named_variants(sets: Sequence[SameData]) -> dict[str, Variant]:
    """The runs by what was tried, under names that tell the data where there are several."""
    return {
        v.name if len(sets) == 1 else f"{v.name} [{one.title}]": v
        for one in sets
        for v in one.variants
    }


def mean_lines(heads: Mapping[str, str], variants: Mapping[str, Variant]) -> list[str]:
    """A table of means over seeds with standard deviations; none where each has one seed."""
    if all(len(variant.runs) == 1 for variant in variants.values()):
        return []
    lines = ["", "Means over seeds (standard deviation):", ""]
    lines.append(_line(["variant", "seeds with scores", *heads.values()]))
    lines.append("|---|---:" + "|---:" * len(heads) + "|")
    for name, variant in variants.items():
        scored = sum(bool(examined.run.scores) for examined in variant.runs)
        cells = [name, f"{scored} of {len(variant.runs)}"]
        for score in heads:
            mean, spread = variant.mean(score), variant.spread(score)
            text = "-" if mean is None else f"{mean:.4f}"
            cells.append(text if spread is None else f"{text} ({spread:.4f})")
        lines.append(_line(cells))
    return lines


def _line(cells: Sequence[object]) -> str:
    """A row of the table; a bar in a cell would begin another one."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def of_other_images(sets: Sequence[SameData]) -> str:
    """Says which runs were tested on other images than others; empty where they are the same."""
    scored = [(one.title, [r.run.name for r in one.runs if r.run.scores]) for one in sets]
    scored = [(title, names) for title, names in scored if names]
    if len(scored) < 2:
        return ""
    told = "; ".join(f"{title}: {', '.join(names)}" for title, names in scored)
    return (
        f"These runs were tested on {len(scored)} different sets of images, and scores of one set "
        f"cannot be compared with those of another. {told}."
    )


def shown_pictures(sets: Sequence[SameData]) -> tuple[dict[str, Pictures], list[str]]:
    """What comparison.png shows of each run, by name, and what it leaves out, in sentences.

    Pictures that cannot be read become a note of their run.
    """
    shown: dict[str, Pictures] = {}
    left_out = []
    for one in sets:
        chosen, words = best_of(
            [r for r in one.runs if has_pictures(r.run.folder)], MOST_IN_PICTURE
        )
        left_out += [f"In comparison.png {words}."] if words else []
        for run in (r.run for r in chosen):
            try:
                shown[run.name] = read_pictures(run.folder)
            except SettingError as error:
                run.notes.append(f"its pictures are left out: {error}")
    return shown, left_out


def files_in(output: Path) -> str:
    """The files of a comparison that are there, in words."""
    *others, last = (f".{kind}" for kind in KINDS if (output / f"comparison.{kind}").is_file())
    return f"comparison{', '.join(others)} and {last}"


def compare(*folders: Path, output: Path | None = None) -> str:
    """Writes comparison.csv, .md and .html and, where the runs have pictures, comparison.png.

    Args:
        folders: Of runs, or of sweeps, whose runs stand below them.
        output: Where the files are written; None: the first folder.

    Returns:
        The text of comparison.md.

    Raises:
        SettingError: There is no run, or the files cannot be written.
    """
    runs, base = find_runs(*folders), common(folders)
    output = output or folders[0]
    examined = list(map(examine, runs))
    name_routes(examined)
    sets = of_same_data(examined)
    shown, left_out = shown_pictures(sets)
    variants = named_variants(sets)
    names, rows = table_rows(runs, base, variants)
    units = units_of(runs)
    heads = {name: heading(name, units.get(name, "")) for name in names}
    words = " ".join(filter(None, [of_other_images(sets), *left_out]))
    text = as_markdown(heads, rows, base, words, variants)
    try:
        output.mkdir(parents=True, exist_ok=True)
        write_text(output / "comparison.csv", as_csv(names, rows))
        write_text(output / "comparison.md", text)
        grid = picture(shown)
        if grid is not None:
            write_png(output / "comparison.png", grid)
        else:  # one of an earlier comparison would be taken for one of these runs
            (output / "comparison.png").unlink(missing_ok=True)
        references = {one.title: reference_rows([r.run for r in one.runs]) for one in sets}
        write_page(output / "comparison.html", sets, references, base)
    except OSError as error:
        raise setting_error(
            str(output), f"no way to write comparison.md there ({error.strerror or error})",
            "a folder that can be written, and free space", "Mend that, or add output=FOLDER.",
        ) from error  # fmt: skip
    return text
