"""Systems of one route and of two in one table, with scores written by hand."""

import csv
from pathlib import Path

from compared_runs import make_run
from i2i.comparison.one_route import name_routes
from i2i.comparison.tables import compare, find_runs
from i2i.comparison.variants import examine

BOTH = {"AtoB/l1": [10.0, 20.0], "BtoA/l1": [30.0, 50.0]}
COPIED = {"AtoB/l1": 90.0, "BtoA/l1": 80.0}


def rows(file: Path) -> dict[str, dict[str, str]]:
    with file.open(newline="") as lines:
        return {row["variant"]: row for row in csv.DictReader(lines)}


def test_the_scores_of_one_route_stand_below_those_of_the_same_route(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image=BOTH, others={"input copied": COPIED})
    one = {"input copied": {"l1": 90.0}}
    make_run(tmp_path / "1", "x=2", per_image={"l1": [5.0, 7.0]}, others=one)
    compare(tmp_path)
    found = rows(tmp_path / "comparison.csv")
    assert list(found) == ["x=1", "x=2", "input copied"]
    assert [found[name]["AtoB/l1"] for name in found] == ["15.0", "6.0", "90.0"]
    assert [found[name]["BtoA/l1"] for name in found] == ["40.0", "", "80.0"]
    assert "l1" not in found["x=2"]


def test_runs_of_one_route_alone_keep_their_names(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image={"l1": [5.0, 7.0]})
    make_run(tmp_path / "1", "x=2", per_image={"l1": [6.0, 7.0]})
    compare(tmp_path)
    assert "l1" in rows(tmp_path / "comparison.csv")["x=1"]


def test_the_images_and_curves_of_a_route_are_renamed_too(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image=BOTH)
    make_run(tmp_path / "1", "x=2", per_image={"l1": [5.0, 7.0]})
    runs = [examine(run) for run in find_runs(tmp_path)]
    runs[1].log.curves = {"val/l1": ([1], [6.0]), "train/g/l1": ([1], [2.0])}
    name_routes(runs)
    assert list(runs[1].tests) == ["AtoB"]
    assert list(runs[1].log.curves) == ["val/AtoB/l1", "train/g/l1"]
