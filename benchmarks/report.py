"""The results as a page of tables, and what the targets say of them."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from benchmarks.plan import BARE, EAGER
from benchmarks.targets import targets
from benchmarks.turns import spread

Rows = list[dict[str, Any]]
TITLES = {
    "training": "Training",
    "overhead": "Lightning's and our module's own cost a step, networks of one channel",
    "memory": "Memory of one large training step",
    "parallel": "Two processes (DDP) on the CPU",
    "startup": "Start-up",
    "waiting": "Waiting for files in training",
    "agreement": "The same losses as eager float32",
    "data": "Data",
    "evaluation": "Evaluation",
    "large_pictures": "Large pictures",
    "matrix": "Matrix product",
}
BY_OVERHEAD = "1 - overhead / bare step"


def row_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row of the table measures."""
    return tuple(row[k] for k in ("generator", "objective", "size", "batch", "variant"))


def work_key(row: Mapping[str, Any]) -> str:
    """What a step computes, the batch left aside."""
    return "/".join(str(row[k]) for k in ("generator", "objective", "size"))


def with_ratios(
    rows: Rows,
    flops: Mapping[str, float | None],
    rate: float | None,
    overhead: Mapping[str, Mapping[str, Any]] | None = None,
) -> Rows:
    """Adds each row's ratios to the bare loop of its cell, and its share of the matrix rate.

    The bare loop's step time becomes that over all its blocks. A speed's ratio is that of
    neighbours in time where a variant took turns with the bare loop, else that of the medians, with
    quartiles of its own blocks alone.

    Args:
        rows: Of the training section; those that failed have an ``error``.
        flops: Of a step, an image, by ``work_key``.
        rate: FLOP/s of a bfloat16 product on the same machine; None where it was not measured.
        overhead: Rows of the section overhead, by "generator/objective".
    """
    bare = {row_key(r)[:-1]: r for r in rows if r["variant"] == BARE and "error" not in r}
    for key, base in bare.items():
        with_all_blocks(base, [r for r in rows if row_key(r)[:-1] == key])
    for row in rows:
        base = bare.get(row_key(row)[:-1])
        if "error" in row:
            continue
        if base:
            own = base["step_s"] / row["step_s"]
            blocks = row.get("blocks_s") or [row["step_s"]]
            by_blocks = spread([base["step_s"] / block for block in blocks])
            row["speed_ratio"] = row.get("ratio_in_turns", own)
            row["speed_quartiles"] = row.get("ratio_quartiles", by_blocks)
            row["memory_ratio"] = row["peak_mib"] / base["peak_mib"]
            row["set_up_ratio"] = row["set_up_s"] / base["set_up_s"]
        cost = (overhead or {}).get(f"{row['generator']}/{row['objective']}", {})
        if base and row["variant"] == EAGER and "overhead_ms" in cost:
            row["by_overhead"] = 1 - cost["overhead_ms"] / (1e3 * base["step_s"])
        count = flops.get(work_key(row))
        if count and rate:
            row["rate_share"] = count * row["images_per_s"] / rate
    return rows


def with_all_blocks(base: dict[str, Any], cell: Rows) -> None:
    """Makes the bare loop's step time the median of its own blocks and those it had in turns.

    Args:
        base: Its row.
        cell: All rows of its cell.
    """
    blocks = [block for row in cell for block in row.get("bare_blocks_s", [])]
    if blocks:
        images = base["images_per_s"] * base["step_s"]
        base["step_s"] = median([*base["blocks_s"], *blocks])
        base["images_per_s"] = images / base["step_s"]


def markdown(results: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = [heading(results), origins(results.get("measured") or {}), targets_table(results)]
    if "rows" in (results.get("training") or {}):
        parts.append(training_tables(results["training"]))
    for section, title in TITLES.items():
        found = results.get(section) or {}
        if found.get("error"):
            parts.append(f"## {title}\n\nfailed: {found['error']}")
        elif found and section != "training":
            parts.append(f"## {title}\n\n{plain(found)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(results: Mapping[str, Any]) -> str:
    """Hardware, versions, and how the numbers are meant."""
    machine = results["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v is not None)
    lines = [
        f"# `{results['command']}`", "",
        f"{machine['date']}. {machine['cpu']}, {machine['cores']} cores, {machine['threads']} "
        f"threads, {machine['memory_gib']} GiB. {versions}.", "",
    ]  # fmt: skip
    if machine["gpu"]:
        gpu = machine["gpu"]
        tf32 = "on" if gpu["float32_convolutions_as_tf32"] else "off"
        lines += [
            f"{gpu['name']}, {gpu['memory_gib']} GiB, driver {gpu['driver']}, CUDA {gpu['cuda']}. "
            f"TF32 in float32 convolutions, the bare loop's too, is {tf32}, PyTorch's default.", "",
        ]  # fmt: skip
    lines.append(
        "Ratios are to the bare PyTorch loop in float32 eager of the same row; for speed, above 1 "
        "is faster. Where a speed has pairs, the variant took turns with the bare loop in one "
        "process, block by block: it is the median over pairs of neighbours; else it is compared "
        "with the bare loop's own process. Quartiles stand in brackets. Memory is the peak of the "
        "process (on a GPU: of its tensors). Set-up is from the end of the imports to the end of "
        "the first step. A step is one generator update. The U-Net at 128 pixels is "
        "`generator=unet128`."
    )
    seconds = ", ".join(f"{k} {v:.0f} s" for k, v in results.get("seconds", {}).items())
    return "\n".join([*lines, "", f"Time taken: {seconds}."])


def origins(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """What each section was measured with, where that is not the same for all."""
    if len({tuple(one.items()) for one in measured.values()}) < 2:
        return ""
    lines = header(["section", "measured", "commit", "command"])
    for section, one in measured.items():
        changed = " with changes" if one.get("uncommitted_changes") else ""
        commit = f"{str(one['commit'])[:8]}{changed}"
        lines.append(f"| {section} | {one['date']} | {commit} | `{one['command']}` |")
    return "\n".join(lines)


def training_tables(training: Mapping[str, Any]) -> str:
    """One table a generator and objective."""
    groups: dict[str, Rows] = {}
    for row in training["rows"]:
        critics = f", {row['n_critic']} critic updates a step" if "wgan" in row["objective"] else ""
        title = f"{row['generator']}, {row['objective']}{critics}, {row['size']} pixels"
        groups.setdefault(title, []).append(row)
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "batch": lambda r: str(r["batch"]),
        "variant": lambda r: r["variant"],
        "images/s": lambda r: number(r["images_per_s"]),
        "ms a step": lambda r: number(1e3 * r["step_s"]),
        "speed": speed,
        "pairs": lambda r: str(r.get("pairs", "")),
        BY_OVERHEAD: lambda r: f"{r['by_overhead']:.4f}" if "by_overhead" in r else "",
        "memory MiB": lambda r: f"{r['peak_mib']:.0f}",
        "memory ratio": lambda r: ratio(r, "memory_ratio"),
        "set-up s": lambda r: number(r["set_up_s"]),
        "set-up ratio": lambda r: ratio(r, "set_up_ratio"),
        "of the GPU's bf16 rate": lambda r: f"{r['rate_share']:.1%}" if "rate_share" in r else "",
    }
    if not any("rate_share" in row for row in training["rows"]):
        del columns["of the GPU's bf16 rate"]
    if not any("by_overhead" in row for row in training["rows"]):
        del columns[BY_OVERHEAD]
    dates = {tuple((row.get("measured") or {}).items()) for row in training["rows"]}
    if len(dates) > 1:
        columns["measured"] = measured_at
    parts = ["## Training"]
    for title, rows in groups.items():
        lines = [f"### {title}", "", *header(list(columns))]
        for row in rows:
            cells = [str(row["batch"]), row["variant"], f"failed: {row.get('error')}"]
            if "error" not in row:
                cells = [show(row) for show in columns.values()]
            lines.append(f"| {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def speed(row: Mapping[str, Any]) -> str:
    """A ratio with its quartiles."""
    if "speed_ratio" not in row or row["variant"] == BARE:
        return ratio(row, "speed_ratio")
    lower, upper = row["speed_quartiles"]
    return f"{row['speed_ratio']:.2f} ({lower:.2f} to {upper:.2f})"


def measured_at(row: Mapping[str, Any]) -> str:
    """Day and commit of a row."""
    one = row.get("measured") or {}
    return f"{str(one.get('date'))[:10]}, {str(one.get('commit'))[:8]}"


def header(columns: list[str]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]


def number(value: Any) -> str:
    """Three significant digits; text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return f"{value:.3g}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def ratio(row: Mapping[str, Any], key: str) -> str:
    """A ratio, where there is one."""
    return f"{row[key]:.2f}" if key in row else ""


def plain(content: Mapping[str, Any], level: int = 3) -> str:
    """Any nested mapping: numbers in one table, mappings of mappings in tables of their own."""
    flat = {k: v for k, v in content.items() if not isinstance(v, Mapping | list | tuple)}
    parts = []
    rows = content.get("rows")
    if isinstance(rows, list) and rows:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [f"| {' | '.join(cell(row.get(c)) for c in columns)} |" for row in rows]
        parts.append("\n".join([*header(columns), *lines]))
    if flat:
        rows = [f"| {key} | {number(value)} |" for key, value in flat.items()]
        parts.append("\n".join([*header(["what", "value"]), *rows]))
    for key, value in content.items():
        if not isinstance(value, Mapping) or key == "reference":
            continue
        if value and all(isinstance(row, Mapping) for row in value.values()) and is_table(value):
            columns = list(dict.fromkeys(c for row in value.values() for c in row))
            lines = [
                f"| {name} | {' | '.join(number(row.get(c, '')) for c in columns)} |"
                for name, row in value.items()
            ]
            parts.append("\n".join([*header([key if key != "rows" else "", *columns]), *lines]))
        elif value:
            parts.append(f"{'#' * level} {key}\n\n{plain(value, level + 1)}")
    return "\n\n".join(parts)


def cell(value: Any) -> str:
    """A value in a table; empty where there is none."""
    return "" if value is None else number(value)


def is_table(rows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether no row holds anything nested."""
    return not any(isinstance(v, Mapping | list) for row in rows.values() for v in row.values())


def targets_table(results: Mapping[str, Any]) -> str:
    """The targets that were measured, with what was found."""
    lines = [
        f"| {t.name} | {t.found:.2f} | {t.bound} | {'yes' if t.reached else 'no'} |"
        for t in targets(results)
    ]
    if not lines:
        return ""
    columns = ["target", "found", "to reach", "reached"]
    return "\n".join(["## Targets", "", *header(columns), *lines])
