"""The results as JSON and as a page of tables, and what the targets say of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.plan import BARE
from benchmarks.targets import targets
from i2i.run_folder import write_json, write_text

Row = dict[str, Any]
TITLES = {
    "training": "Training",
    "memory": "Memory of one large training step",
    "startup": "Start-up",
    "waiting": "Waiting for files in training",
    "data": "Data",
    "evaluation": "Evaluation",
    "translating": "Translating 256 x 256 pictures",
}
EXPLANATION = (
    "A step is one generator update, and a ratio is to the bare PyTorch loop in float32 eager of "
    "the same row; a speed above 1 is faster. Where a speed has pairs, the variant took turns with "
    "the bare loop in one process, block by block, and the ratio is the median over pairs of "
    "neighbours, with the quartiles in brackets; \"over bare\" is what a step takes more, in the "
    "same way. Memory is the peak of the process (on a GPU: of its tensors). Set-up is from the "
    "end of the imports to the end of the first step."
)  # fmt: skip


def save(results: Mapping[str, Any], folder: Path, name: str) -> None:
    """Writes NAME.json and NAME.md, with the ratios."""
    training = results.get("training", {})
    if "rows" in training:
        add_ratios(training["rows"], training.get("matrix_rate"))
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", results)
    write_text(folder / f"{name}.md", page(results))


def work(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row of the training section trains, the variant left aside."""
    keys = ("system", "generator", "objective", "size", "base_channels", "batch")
    return tuple(row.get(key) for key in keys)


def add_ratios(rows: list[Row], matrix_rate: float | None) -> None:
    """Adds each row's ratios to the bare loop of its cell, and its share of the matrix rate.

    A speed's ratio is that of neighbours in time where a variant took turns with the bare loop,
    else that of the medians. The bare loop's step time becomes that over all its blocks.

    Args:
        rows: Of the training section; those that failed have an ``error``.
        matrix_rate: FLOP/s of a bfloat16 product on the same GPU; None where there is none.
    """
    good = [row for row in rows if "error" not in row]
    for base in (row for row in good if row["variant"] == BARE):
        cell = [row for row in good if work(row) == work(base)]
        blocks = [block for row in cell for block in row.get("bare_blocks_s", [])]
        images = base["images_per_s"] * base["step_s"]
        base["step_s"] = median([*base["blocks_s"], *blocks])
        base["images_per_s"] = images / base["step_s"]
        for row in cell:
            row["speed_ratio"] = row.get("ratio_in_turns", base["step_s"] / row["step_s"])
            row["memory_ratio"] = row["peak_mib"] / base["peak_mib"]
    for row in good:
        if matrix_rate and "flops_per_image" in row:
            row["rate_share"] = row["flops_per_image"] * row["images_per_s"] / matrix_rate


def page(results: Mapping[str, Any]) -> str:
    """The whole page, in Markdown."""
    found = [
        {"target": t.name, "found": f"{t.found:.2f}",
         "to reach": f"at {'most' if t.at_most else 'least'} {t.bound}",
         "reached": "yes" if t.reached else "no"}
        for t in targets(results)
    ]  # fmt: skip
    parts = [heading(results), "## Targets", table(found)]
    for section in (name for name in TITLES if name in results):
        content = results[section]
        parts += [f"## {TITLES[section]}", content.get("note", "")]
        if "error" in content:
            parts.append(f"failed: {content['error']}")
        elif section == "training":
            parts.append(training_tables(content["rows"]))
        else:
            parts.append(table(content["rows"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(results: Mapping[str, Any]) -> str:
    """Hardware, versions, and how the numbers are meant."""
    machine = results["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v is not None)
    lines = [
        f"# `{results['command']}`",
        f"{machine['date']}. {machine['cpu']}, {machine['cores']} cores, {machine['threads']} "
        f"threads, {machine['memory_gib']} GiB. {versions}.",
    ]  # fmt: skip
    if machine["gpu"]:
        gpu = machine["gpu"]
        tf32 = "on" if gpu["float32_convolutions_as_tf32"] else "off"
        lines.append(
            f"{gpu['name']}, {gpu['memory_gib']} GiB, driver {gpu['driver']}, CUDA {gpu['cuda']}, "
            f"cuDNN {gpu['cudnn']}. TF32 in float32 convolutions, the bare loop's too, is {tf32}."
        )
    seconds = ", ".join(f"{k} {v:.0f} s" for k, v in results["seconds"].items())
    return "\n\n".join([*lines, EXPLANATION, f"Time taken: {seconds}."])


def training_tables(rows: Sequence[Row]) -> str:
    """One table per network, objective and size."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        named = f"{row['generator']}, {row['objective']}, {row['size']} pixels"
        title = f"CycleGAN, {named}" if row.get("system") == "cyclegan" else named
        if row["objective"] == "wgan-gp":
            title += f", {row['n_critic']} critic update(s) per step"
        if row["base_channels"] != 64:
            title += f", base_channels {row['base_channels']}"
        groups.setdefault(title, []).append(row)
    return "\n\n".join(
        f"### {title}\n\n{table([training_row(row) for row in group])}"
        for title, group in groups.items()
    )


def training_row(row: Row) -> Row:
    """What the page shows of a row of the training section."""
    shown = {"batch": row["batch"], "variant": row["variant"]}
    if "error" in row:
        return shown | {"error": row["error"]}
    shown |= {"images/s": row["images_per_s"], "ms per step": 1e3 * row["step_s"]}
    if "speed_ratio" in row:
        shown["speed"] = f"{row['speed_ratio']:.2f}"
    if "pairs" in row:
        shown["speed"] += " ({:.2f} to {:.2f})".format(*row["ratio_quartiles"])
    shown["pairs"] = row.get("pairs")
    shown["over bare, ms"] = 1e3 * row["overhead_s"] if "pairs" in row else None
    shown["memory, MiB"] = f"{row['peak_mib']:.0f}"
    if "memory_ratio" in row:
        shown["memory ratio"] = f"{row['memory_ratio']:.2f}"
    shown["set-up, s"] = row["set_up_s"]
    if "rate_share" in row:
        shown["of the bf16 matrix rate"] = f"{row['rate_share']:.1%}"
    return shown


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table; a column that a row lacks stays empty in it."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[number(row.get(column)) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: Any) -> str:
    """Three significant digits; text as it is, and nothing for None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    small = value and abs(value) < 1e-3
    return f"{value:.3g}" if small or abs(value) < 100 else f"{value:,.0f}"
