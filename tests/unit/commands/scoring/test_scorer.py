"""What each route of a system is scored with, and how the scores of several are put together."""

from types import SimpleNamespace
from typing import Any

import pytest

from evaluators import pairwise
from i2i.commands.report import of_routes, title_of
from i2i.commands.scoring import segmenter as module
from i2i.commands.scoring.scorer import make_scorers
from i2i.labels.palette import ClassPalette
from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.result import EvaluationResult
from i2i.scores import by_name

PALETTE = ClassPalette({"sky": [10, 20, 30], "wall": [200, 0, 0]})
SIDES = {"AtoB": "input", "BtoA": "target"}


class System:
    """Offers routes, each of which takes one side of the data."""

    def __init__(self, *routes: str, evaluates: tuple[str, ...] | None = None):
        self.routes, self.evaluates = routes, evaluates

    def translator(self, route: str) -> Any:
        return SimpleNamespace(side=SIDES[route])

    def translators(self) -> dict[str, Any]:
        return {route: self.translator(route) for route in self.routes}


def data(label_role: str | None) -> Any:
    return SimpleNamespace(
        reader=SimpleNamespace(classes=PALETTE if label_role else None),
        task=SimpleNamespace(label_role=lambda reader: label_role),
        name="streets", image_size=64, has_lossy_labels=lambda: True,
    )  # fmt: skip


class Names(PairEvaluator):
    """Keeps the names that it is given for the cache."""

    def for_data(self, name: str) -> "Names":
        other = super().for_data(name)
        other.name = name
        return other


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What the loading of a segmenter was asked for."""
    calls: list[tuple] = []

    def load(path: Any, classes: Any, role: Any, size: Any) -> Any:
        calls.append((path, classes, role, size))
        return path and f"network of {path}"

    monkeypatch.setattr(module, "load_segmenter", load)
    return calls


@pytest.mark.parametrize("role", ["input", "target"])
def test_the_label_map_of_two_ways_is_once_the_source_and_once_the_answer(
    loaded: list[tuple], role: str
) -> None:
    """The segmenter looks at made photographs alone: those of the way that takes labels."""
    evaluator = Names(**pairwise().metrics, segmenter="seg.ckpt")
    scorers = make_scorers(evaluator, data(role), System("AtoB", "BtoA"))
    assert list(scorers) == ["AtoB", "BtoA"]
    other = {"input": "target", "target": "input"}[role]
    assert [scorer.label_role for scorer in scorers.values()] == [role, other]
    for scorer in scorers.values():
        makes_photographs = scorer.label_role == "input"
        assert scorer.segmenter == ("network of seg.ckpt" if makes_photographs else None)
        assert scorer.classes is PALETTE and scorer.lossy_labels()
    assert [call[0] for call in loaded].count("seg.ckpt") == 1
    assert {call[1:2] + call[3:] for call in loaded} == {(PALETTE, 64)}
    assert [scorer.evaluator.name for scorer in scorers.values()] == [
        "streets-AtoB",
        "streets-BtoA",
    ]
    assert len({id(scorer.evaluator) for scorer in scorers.values()}) == 2


def test_a_system_of_one_route_is_scored_as_ever(loaded: list[tuple]) -> None:
    """Under the name of the data alone, so that files of the cache are found again."""
    evaluator = Names(**pairwise().metrics, segmenter="seg.ckpt")
    (scorer,) = make_scorers(evaluator, data("target"), System("AtoB")).values()
    assert scorer.evaluator.name == "streets" and scorer.label_role == "target"
    assert loaded == [("seg.ckpt", PALETTE, "target", 64)]  # which refuses it


def test_data_without_labels_has_no_classes(loaded: list[tuple]) -> None:
    scorers = make_scorers(pairwise(), data(None), System("AtoB", "BtoA"))
    assert {(s.classes, s.label_role, s.segmenter) for s in scorers.values()} == {(None,) * 3}


def test_one_route_may_be_asked_for(loaded: list[tuple]) -> None:
    """Its real images are those of the same route of a training run."""
    evaluator = Names(**pairwise().metrics)
    system = System("AtoB", "BtoA", evaluates=("BtoA",))
    scorers = make_scorers(evaluator, data("input"), system)
    assert list(scorers) == ["BtoA"]
    assert scorers["BtoA"].evaluator.name == "streets-BtoA"
    assert scorers["BtoA"].label_role == "target"


def result(n: int, **found: Any) -> EvaluationResult:
    return EvaluationResult({"ssim": n / 10}, [], n, {"n_images": n}, **found)


def test_a_file_says_of_one_route_what_it_always_said() -> None:
    ceiling, classes = {"mean_iou": 0.9}, {"model": {"sky": 0.5}}
    one = result(1, units={"psnr": "dB"}, ceiling=ceiling, classes=classes)
    assert of_routes({"AtoB": one}) == {
        "n_images": 1, "units": {"psnr": "dB"}, "ceiling": ceiling, "classes": classes,
        "protocol": {"n_images": 1},
    }  # fmt: skip
    assert of_routes({"AtoB": result(1)}).keys() == {"n_images", "units", "protocol"}


def test_a_file_says_of_two_routes_which_is_which() -> None:
    both = {
        "AtoB": result(1, units={"psnr": "dB"}, classes={"model": {"sky": 0.5}}),
        "BtoA": result(2, units={"l1": "0-255"}),
    }
    assert of_routes(both) == {
        "n_images": 1,
        "units": {"AtoB/psnr": "dB", "BtoA/l1": "0-255"},
        "classes": {"AtoB/model": {"sky": 0.5}},
        "protocol": {"AtoB": {"n_images": 1}, "BtoA": {"n_images": 2}},
    }
    values = {route: one.values for route, one in both.items()}
    assert by_name(values) == {"AtoB/ssim": 0.1, "BtoA/ssim": 0.2}


def test_tables_of_several_routes_name_theirs() -> None:
    results = {route: SimpleNamespace(n_images=n) for route, n in (("AtoB", 3), ("BtoA", 4))}
    assert title_of("Test", "maps", results, "BtoA") == "Test split of maps, BtoA, n = 4"
    assert title_of("Test", "maps", {"AtoB": results["AtoB"]}, "AtoB") == (
        "Test split of maps, n = 3"
    )
