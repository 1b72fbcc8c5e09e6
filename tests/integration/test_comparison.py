"""Sweeps end with their comparison; an experiment may be a sweep by itself, its jobs are not."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import TINY_UNET
from i2i.comparison.picture import CELL
from i2i.images.grid import GAP
from i2i.images.reading import Reading

NAMES = ["L1", "GAN"]


def ablation(tiny: list[str], sweep: Path, variants: str) -> list[str]:
    """One command: two steps of some variants of Table 1, on tiny pairs."""
    return [
        "experiments=table1_losses", f"experiments/variants_table1={variants}", *tiny, *TINY_UNET,
        "trainer.max_steps=2", f"hydra.sweep.dir={sweep}",
    ]  # fmt: skip


def rows_of(sweep: Path) -> dict[str, dict[str, str]]:
    with (sweep / "comparison.csv").open() as file:
        return {row["variant"]: row for row in csv.DictReader(file)}


def test_an_ablation_is_one_command_and_ends_with_table_and_picture(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    sweep = tmp_path / "sweep"
    assert command("train", *ablation(tiny, sweep, "l1,gan")) == 0
    jobs = sorted(p for p in sweep.iterdir() if p.is_dir())
    assert [job.name for job in jobs] == ["0", "1"]
    rows = rows_of(sweep)
    assert list(rows) == [*NAMES, "input copied", "mean training target"]
    for name, job in zip(NAMES, jobs, strict=True):
        scores = json.loads((job / "test_metrics.json").read_text())["scores"]
        (own,) = (v for k, v in scores.items() if k.startswith("model (last"))
        assert {k: float(rows[name][k]) for k in own} == own
        assert (rows[name]["run"], rows[name]["n"]) == (job.name, "5")
    assert rows["L1"]["ssim"] != rows["GAN"]["ssim"]
    assert "| GAN |" in (sweep / "comparison.md").read_text()
    assert f"Comparison: {sweep}/comparison.md" in capsys.readouterr().out
    grid = Reading().read(sweep / "comparison.png")
    first = [Reading().read(job / "samples" / "test" / "000_output.png") for job in jobs]
    top = grid.shape[0] - 5 * (CELL + GAP) - GAP
    assert grid.shape[1] == 4 * (CELL + GAP) + GAP
    for column, image in enumerate(first, 1):
        x = GAP + column * (CELL + GAP)
        shown = grid[top + GAP : top + GAP + CELL : 2, x : x + CELL : 2]  # enlarged by two
        assert np.array_equal(shown, image)


def test_one_job_of_an_ablation_is_resumed_alone(
    command: Callable[..., int], tiny: list[str], tmp_path: Path
) -> None:
    sweep = tmp_path / "sweep"
    assert command("train", *ablation(tiny, sweep, "gan")) == 0
    (tmp_path / "before").mkdir()
    (sweep / "comparison.csv").rename(tmp_path / "before" / "comparison.csv")
    assert command("train", f"resume={sweep / '0'}", "trainer.max_steps=3") == 0
    assert [p.name for p in sweep.iterdir() if p.is_dir()] == ["0"]
    assert {p.name for p in tmp_path.iterdir()} == {"sweep", "before"}  # no multirun/, no outputs/
    assert not (sweep / "comparison.csv").exists()  # no sweep ran
    config = (sweep / "0" / "config.yaml").read_text()
    assert "max_steps: 3" in config and "label: GAN" in config
