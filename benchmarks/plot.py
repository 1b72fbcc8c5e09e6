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


def draw(results: dict[str, Any], path: Path) -> None:
    """Writes one row of axes a generator and objective, one group of bars a batch size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [r for r in results["training"]["rows"] if r["variant"] != BARE and "speed_ratio" in r]
    if not rows:
        return
    groups = list(dict.fromkeys((r["generator"], r["objective"], r["size"]) for r in rows))
    batches = sorted({r["batch"] for r in rows})
    variants = [name for name in ladder() if any(r["variant"] == name for r in rows)]
    colours = dict(zip(ladder(), COLOURS, strict=True))
    figure, axes = plt.subplots(
        1, len(groups), figsize=(1 + 3 * len(groups), 3.6), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    width = 0.8 / len(variants)
    for axis, group in zip(axes[0], groups, strict=True):
        for index, variant in enumerate(variants):
            chosen = [
                r for r in rows
                if (r["generator"], r["objective"], r["size"]) == group and r["variant"] == variant
            ]  # fmt: skip
            places = [batches.index(r["batch"]) - 0.4 + (index + 0.5) * width for r in chosen]
            heights = [r["speed_ratio"] for r in chosen]
            axis.bar(places, heights, width, label=variant, color=colours[variant])
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set_xticks(range(len(batches)), [f"batch {b}" for b in batches])
        axis.set_title(f"{group[0]}, {group[1]}, {group[2]} px", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("speed / bare float32 loop")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    machine = results["machine"]
    device = (
        machine["gpu"]["name"] if machine["gpu"] else f"{machine['cpu']}, {machine['cores']} cores"
    )
    figure.suptitle(f"Training speed on {device}", fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)
