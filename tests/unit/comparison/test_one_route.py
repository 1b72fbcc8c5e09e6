"""Systems of one route and of two in one table, with scores written by hand."""

import csv
from pathlib import Path

from compared_runs import make_run
from i2i.comparison.one_route import name_routes
from i2i.comparison.tables import compare, find_runs
from i2i.comparison.variants import SameData, examine, of_same_data

BOTH = {"AtoB/l1": [10.0, 20.0], "BtoA/l1": [30.0, 50.0]}
COPIED = {"AtoB/l1": 90.0, "BtoA/l1": 80.0}


def rows(file: Path) -> dict[str, dict[str, str]]:
    with file.open(newline="") as lines:
        return {row["variant"]: row for row in csv.DictReader(lines)}


def sets_of(folder: Path) -> list[SameData]:
    runs = list(map(examine, find_runs(folder)))
    name_routes(runs)
    return of_same_data(runs)


def test_the_scores_of_one_route_stand_below_those_of_the_same_route(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image=BOTH, others={"input copied": COPIED})
    one = {"input copied": {"l1": 90.0}}
    make_run(tmp_path / "1", "x=2", per_image={"l1": [5.0, 7.0]}, others=one)
    compare(tmp_path)
    assert "different sets of images" not in (tmp_path / "comparison.md").read_text()
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


def test_runs_of_one_route_share_the_table_of_those_of_both(tmp_path: Path) -> None:
    """Whatever their direction and their order; one on other images does not."""
    one = {"l1": [5.0, 7.0]}
    make_run(tmp_path / "0", "x=1", per_image=one)
    make_run(tmp_path / "1", "x=2", per_image=one, direction="BtoA")
    make_run(tmp_path / "2", "x=3", per_image=BOTH)
    make_run(tmp_path / "3", "x=4", per_image=BOTH, direction="BtoA")
    make_run(tmp_path / "4", "x=5", per_image=one, direction="BtoA", names=["a", "b"])
    make_run(tmp_path / "5", "x=6", direction="BtoA")  # was not tested
    found = [(s.title, [r.run.folder.name for r in s.runs]) for s in sets_of(tmp_path)]
    assert found == [
        ("earth, AtoB and BtoA, 64 pixels, 2 test images", ["0", "1", "2", "3", "5"]),
        ("earth, BtoA, 64 pixels, 2 test images", ["4"]),
    ]


def test_the_trivial_answers_of_both_routes_stand_for_those_of_each(tmp_path: Path) -> None:
    one = {"per_image": {"l1": [5.0, 7.0]}}
    make_run(tmp_path / "0", "x=1", **one, others={"input copied": {"l1": 90.0}})
    there = {"input copied": {"l1": 80.0}}
    make_run(tmp_path / "1", "x=2", **one, others=there, direction="BtoA")
    make_run(tmp_path / "2", "x=3", per_image=BOTH, others={"input copied": COPIED})
    compare(tmp_path)
    assert list(rows(tmp_path / "comparison.csv")) == ["x=1", "x=2", "x=3", "input copied"]


def test_each_route_counts_its_own_images(tmp_path: Path) -> None:
    """Of sets without pairs: a run says how many its main route had."""
    make_run(tmp_path / "0", "x=1", per_image=BOTH, names=["a", "b"])
    with (tmp_path / "0" / "per_image_BtoA.csv").open("a") as file:
        file.write("c,2,60.0\n")
    three = {"l1": [5.0, 7.0, 9.0]}
    make_run(tmp_path / "1", "x=2", per_image=three, names=["a", "b", "c"], direction="BtoA")
    (data,) = sets_of(tmp_path)
    assert data.title == "earth, AtoB and BtoA, 64 pixels, 2 or 3 test images"
    assert list(data.runs[1].tests) == ["BtoA"]


def test_the_two_directions_alone_stand_apart(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image={"l1": [5.0, 7.0]})
    make_run(tmp_path / "1", "x=2", per_image={"l1": [5.0, 7.0]}, direction="BtoA")
    assert [len(s.runs) for s in sets_of(tmp_path)] == [1, 1]
