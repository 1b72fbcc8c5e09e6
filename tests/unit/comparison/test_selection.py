"""Which runs are shown beside one another where all of them are too many."""

from pathlib import Path

import numpy as np
import pytest

from compared_runs import make_run, paint
from i2i.comparison.album import BUDGET, Album
from i2i.comparison.picture import CELL, MOST_PIXELS, picture
from i2i.comparison.selection import best_of
from i2i.comparison.tables import compare, find_runs
from i2i.comparison.variants import Examined, examine, of_same_data
from i2i.comparison.wall import walls
from i2i.images.grid import GAP
from i2i.images.image_io import write_png
from i2i.images.reading import Reading


def runs_of(folder: Path) -> list[Examined]:
    return list(map(examine, find_runs(folder)))


def wall_of(folder: Path) -> dict:
    runs = runs_of(folder)
    (wall,) = walls(of_same_data(runs), {id(r): i for i, r in enumerate(runs)}, Album())
    return wall


@pytest.mark.parametrize(("score", "kept"), [("ssim", "024"), ("l1", "134")])
def test_the_best_are_kept_in_their_order(tmp_path: Path, score: str, kept: str) -> None:
    """By the direction of the score; a run without it comes last."""
    for place, value in enumerate([0.75, 0.25, 0.875, None, 0.5]):
        means = {score: [1.0 if value is None else value]}
        run = make_run(tmp_path / str(place), f"x={place}", per_image=means)
        if value is None and score == "ssim":
            (run / "test_metrics.json").unlink()
    if score == "l1":
        (tmp_path / "0" / "test_metrics.json").unlink()
        (tmp_path / "2" / "test_metrics.json").unlink()
    found, words = best_of(runs_of(tmp_path), 3)
    assert [r.run.folder.name for r in found] == list(kept)
    assert words == f"the best 3 of 5 runs in {score} are shown"


def test_few_runs_are_all_shown_and_runs_without_scores_in_their_order(tmp_path: Path) -> None:
    for place in range(3):
        make_run(tmp_path / str(place), f"x={place}")
    runs = runs_of(tmp_path)
    assert best_of(runs, 3) == (runs, "")
    assert best_of(runs, 2) == (runs[:2], "the first 2 of 3 runs are shown")


def test_the_wall_of_many_runs_shows_the_best_and_those_of_verdicts(tmp_path: Path) -> None:
    """The later the better in SSIM; the best two in L1 are the first two, which are the worst."""
    for place in range(45):
        per_image = {"ssim": [place / 64] * 2, "l1": [max(place, 1.0)] * 2}
        paint(make_run(tmp_path / str(place), f"x={place}", per_image=per_image), 60 + place, 2, 8)
    wall = wall_of(tmp_path)
    assert wall["runs"] == [0, 1, *range(5, 45)]
    assert wall["notes"] == [
        "the best 40 of 45 runs in ssim are shown, and 2 that a verdict compares"
    ]


def test_comparison_png_shows_the_best_runs_and_the_table_says_so(tmp_path: Path) -> None:
    for place in range(24):
        run = make_run(tmp_path / str(place), f"x={place}", per_image={"l1": [24.0 - place]})
        for kind, level in (("input", 10), ("output", 100 + place), ("target", 200)):
            picture_of = np.full((8, 8, 3), level, np.uint8)
            write_png(run / "samples" / "test" / f"000_{kind}.png", picture_of)
    text = compare(tmp_path)
    grid = Reading().read(tmp_path / "comparison.png")
    assert grid.shape[1] == 22 * (CELL + GAP) + GAP
    middles = grid[-GAP - CELL // 2, GAP + CELL // 2 :: CELL + GAP, 0]
    assert middles.tolist() == [10, *range(104, 124), 200]
    assert "In comparison.png the best 20 of 24 runs in l1 are shown." in text


def test_the_picture_is_bounded_however_large_its_images_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (256, 192, 3), np.uint8) for _ in range(16)]
    runs = {f"x={i}": {"input": noise, "output": noise, "target": noise} for i in range(20)}
    grid = picture(runs)
    side = (grid.shape[1] - GAP) / 22 - GAP
    assert side == int((MOST_PIXELS / 22 / 16 * 192 / 256) ** 0.5)  # as wide as 3 to 4
    write_png(tmp_path / "grid.png", grid)
    assert (tmp_path / "grid.png").stat().st_size < 3.2 * MOST_PIXELS


def test_the_page_and_the_picture_are_fifty_megabytes_at_most() -> None:
    """What conf/logger/wandb.yaml promises, with 3 MB for scores and curves."""
    from plotly.offline import get_plotlyjs

    assert BUDGET * 4 / 3 + 3.2 * MOST_PIXELS + len(get_plotlyjs()) + 3e6 < 50e6
