"""The plot of what was measured."""

import math
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.agreement import largest
from benchmarks.plan import BARE, ladder
from benchmarks.plot import draw
from benchmarks.report import plain


def test_every_variant_has_a_bar_of_its_own(tmp_path: Path) -> None:
    row = {"generator": "unet", "objective": "vanilla", "size": 64, "batch": 1}
    rows = [row | {"variant": name, "speed_ratio": 1.0} for name in (BARE, *ladder())]
    machine = {"cpu": "a CPU", "cores": 2, "gpu": None}
    draw({"training": {"rows": rows}, "machine": machine}, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert len(picture.convert("RGB").getcolors(10**6)) > len(ladder())


def test_the_legend_has_the_colours_of_the_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a variant that the first group does not have."""
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    names = list(ladder())[:3]
    row = {"objective": "vanilla", "size": 64, "batch": 1, "speed_ratio": 1.0}
    rows = [row | {"generator": "unet", "variant": names[2]}]
    rows += [row | {"generator": "resnet9", "variant": name} for name in names]
    machine = {"cpu": "a CPU", "cores": 2, "gpu": None}
    draw({"training": {"rows": rows}, "machine": machine}, tmp_path / "plot.png")
    handles = figures[0].legends[0].legend_handles
    bars = figures[0].axes[1].patches
    assert [h.get_label() for h in handles] == names
    assert [h.get_facecolor() for h in handles] == [bar.get_facecolor() for bar in bars]
    assert figures[0].axes[0].patches[0].get_facecolor() == handles[2].get_facecolor()


def test_rows_in_a_list_are_a_table() -> None:
    rows = [{"what": "a", "value": 1.5, "ratio": None}, {"what": "b", "value": 2}]
    lines = plain({"rows": rows}).splitlines()
    assert lines == ["| what | value | ratio |", "|---|---|---|", "| a | 1.5 |  |", "| b | 2 |  |"]


def test_a_run_that_is_no_longer_finite_never_agrees() -> None:
    assert largest(0.1, math.nan) == largest(0.1, math.inf) == math.inf
    assert largest(0.1, 0.2) == 0.2
