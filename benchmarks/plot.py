"""The speed ratios as bars."""

from pathlib import Path
from typing import Any

from benchmarks.plan import BARE, ladder

COLOURS = (
    "#8c8c8c",
    "#6baed6",
    "#2171b5",
    "#9ecae1",
    "#08306b",
    "#fd8d3c",
    "#74c476",
    "#006d2c",
    "#756bb1",
)


def bars(axis: Any, rows: list[dict[str, Any]], variants: list[str]) -> None:
    """Draws the rows of one generator and objective: a group of bars a batch size.

    The thin lines are quartiles.
    """
    colours = dict(zip(ladder(), COLOURS, strict=True))
    batches = sorted({row["batch"] for row in rows})
    width = 0.8 / len(variants)
    for row in rows:
        index = variants.index(row["variant"])
        place = batches.index(row["batch"]) - 0.4 + (index + 0.5) * width
        height = row["speed_ratio"]
        lower, upper = row.get("speed_quartiles", (height, height))
        spread = [[max(height - lower, 0.0)], [max(upper - height, 0.0)]]
        axis.bar(place, height, width, color=colours[row["variant"]], yerr=spread,
                 error_kw={"linewidth": 0.8})  # fmt: skip
    axis.axhline(1, color="black", linewidth=0.8)
    axis.set_xlim(-0.5, len(batches) - 0.5)
    axis.set_xticks(range(len(batches)), [f"batch {b}" for b in batches])
    axis.spines[["top", "right"]].set_visible(False)


def draw(results: dict[str, Any], path: Path) -> None:
    """Writes one row of axes a generator and objective, one group of bars a batch size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    rows = [r for r in results["training"]["rows"] if r["variant"] != BARE and "speed_ratio" in r]
    if not rows:
        return
    groups = list(dict.fromkeys((r["generator"], r["objective"], r["size"]) for r in rows))
    variants = [name for name in ladder() if any(r["variant"] == name for r in rows)]
    figure, axes = plt.subplots(
        1, len(groups), figsize=(1 + 3 * len(groups), 3.6), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axis, group in zip(axes[0], groups, strict=True):
        bars(axis, [r for r in rows if (r["generator"], r["objective"], r["size"]) == group],
             variants)  # fmt: skip
        axis.set_title(f"{group[0]}, {group[1]}, {group[2]} px", fontsize=10)
    axes[0][0].set_ylabel("speed / bare float32 loop")
    colours = dict(zip(ladder(), COLOURS, strict=True))
    handles = [Patch(color=colours[name], label=name) for name in variants]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    machine = results["machine"]
    cpu = f"{machine['cpu']}, {machine['cores']} cores"
    device = machine["gpu"]["name"] if machine["gpu"] else cpu
    figure.suptitle(f"Training speed on {device}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)
