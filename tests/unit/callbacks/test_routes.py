"""Scores and grids of a system of two routes: what they are called and what they hold."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from evaluators import pairwise
from i2i.callbacks.samples import SampleGrid
from i2i.callbacks.scoring import Scoring
from i2i.data.tasks.task import Task
from i2i.images.grid import GAP
from i2i.images.picture_kind import PictureKind
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown
from i2i.scores import by_name
from unit.callbacks.test_samples import Pictures, make_trainer
from unit.callbacks.test_scoring import Model, Recorder

SIDE = 16
LEVELS = {"source": -0.6, "made": -0.2, "back": 0.2, "real": 0.6}  # of AtoB; of BtoA the negative


def flat(n: int, level: float) -> torch.Tensor:
    return torch.full((n, 3, SIDE, SIDE), level)


def two_routes(n: int = 2, first: int = 0, known: bool = True) -> dict[str, Shown]:
    index = torch.arange(first, first + n)
    names = [str(i) for i in index.tolist()]
    shown = {}
    for route, sign in (("AtoB", 1), ("BtoA", -1)):
        x, y_hat, back, y = (flat(n, sign * level) for level in LEVELS.values())
        other = None if known else index.flip(0)
        shown[route] = Shown(index, names, x, y, Task(), other, known, y_hat=y_hat, back=back)
    return shown


def run_split(callback: Any, trainer: Any, model: Any, stage: str, *outputs: dict) -> None:
    getattr(callback, f"on_{stage}_epoch_start")(trainer, model)
    for i, shown in enumerate(outputs):
        batch = {"index": shown["AtoB"].index}
        getattr(callback, f"on_{stage}_batch_end")(trainer, model, shown, batch, i)
    getattr(callback, f"on_{stage}_epoch_end")(trainer, model)


def test_what_belongs_to_several_routes_is_called_by_theirs() -> None:
    values = {"AtoB": {"ssim": 1}, "BtoA": {"ssim": 2, "l1": 3}}
    assert by_name(values) == {"AtoB/ssim": 1, "BtoA/ssim": 2, "BtoA/l1": 3}
    assert by_name({"AtoB": {"ssim": 1}}) == {"ssim": 1}


def test_each_route_has_a_scorer_of_its_own() -> None:
    recorders = {"AtoB": Recorder(), "BtoA": Recorder()}
    callback = Scoring({route: Scorer(each) for route, each in recorders.items()})
    outputs = two_routes()
    run_split(callback, None, Model(), "validation", outputs, two_routes(1, 2))
    for route, recorder in recorders.items():
        assert [call[0] for call in recorder.calls] == ["start", "update", "update", "compute"]
        _, index, _, made, real, classes, y_index, back, true, told, kinds = recorder.calls[1]
        shown = outputs[route]
        assert index is shown.index and made is shown.y_hat and real is shown.y
        assert classes is None and y_index is None and true and told is None
        assert kinds == (PictureKind(), PictureKind())
        assert back[0] is shown.back and back[1] is shown.x


def test_all_evaluators_are_prepared_where_the_model_runs() -> None:
    recorders = [Recorder(), Recorder()]
    callback = Scoring({str(i): Scorer(each) for i, each in enumerate(recorders)}, required=True)
    gpu = torch.device("cuda", 1)
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=gpu), loggers=[])
    callback.setup(trainer, None, "fit")
    assert [each.calls for each in recorders] == [[("prepare", gpu, True)]] * 2


@pytest.mark.parametrize(("stage", "split"), [("validation", "val"), ("test", "test")])
def test_scores_of_two_routes_have_their_names(stage: str, split: str) -> None:
    scorers = {route: Scorer(pairwise()) for route in ("AtoB", "BtoA")}
    callback, model = Scoring(scorers), Model()
    run_split(callback, None, model, stage, two_routes())
    names = ["ssim", "psnr", "mse", "l1"]
    names += [f"reconstruction_{name}" for name in names]
    (written,), ((logged, _),) = model.written, model.logged
    assert list(written) == [f"{split}/{route}/{name}" for route in scorers for name in names]
    assert logged == written
    assert callback.values[split] == {
        name.removeprefix(f"{split}/"): value for name, value in written.items()
    }
    for route, result in callback.results[split].items():
        assert written[f"{split}/{route}/ssim"] == result.values["ssim"]
        assert result.values["l1"] == pytest.approx(0.8 * 127.5, abs=0.6)  # -0.2 for 0.6


def test_one_route_of_two_is_scored_under_plain_names() -> None:
    """``evaluate route=BtoA``: the system goes on to show both."""
    callback, model = Scoring({"BtoA": Scorer(pairwise())}), Model()
    run_split(callback, None, model, "test", two_routes())
    assert "test/ssim" in model.written[0] and list(callback.results["test"]) == ["BtoA"]


def test_without_true_answers_reconstruction_is_scored() -> None:
    scorers = {route: Scorer(pairwise()) for route in ("AtoB", "BtoA")}
    model = Model()
    run_split(Scoring(scorers), None, model, "validation", two_routes(known=False))
    assert {name.split("/")[2] for name in model.written[0]} == {
        f"reconstruction_{name}" for name in ("ssim", "psnr", "mse", "l1")
    }


def columns_of(file: Path, rows: int, columns: int) -> list[list[int]]:
    """The levels of a grid of flat pictures."""
    picture = cv2.imread(str(file))
    assert picture.shape[:2] == tuple(n * (SIDE + GAP) + GAP for n in (rows, columns))
    places = [GAP + i * (SIDE + GAP) for i in range(max(rows, columns))]
    return [[int(picture[y, x, 0]) for x in places[:columns]] for y in places[:rows]]


def expected(sign: int, *names: str) -> list[int]:
    return [round(127.5 * (sign * LEVELS[name] + 1)) for name in names]


@pytest.mark.parametrize("known", [True, False])
def test_each_route_gets_a_grid_with_what_comes_back(tmp_path: Path, known: bool) -> None:
    callback, pictures = SampleGrid(str(tmp_path), n_images=3), Pictures()
    outputs = [two_routes(2, first, known) for first in (0, 2, 4)]
    run_split(callback, make_trainer(pictures), None, "validation", *outputs)
    names = ("source", "made", "back", "real") if known else ("source", "made", "back")
    for route, sign in (("AtoB", 1), ("BtoA", -1)):
        file = tmp_path / f"val_step_0000042_{route}.png"
        assert columns_of(file, 3, len(names)) == [expected(sign, *names)] * 3
    assert len(list(tmp_path.iterdir())) == 2
    assert callback.last_picture == tmp_path / "val_step_0000042_AtoB.png"  # of the main route
    assert sorted(key for key, *_ in pictures.calls) == ["val/samples_AtoB", "val/samples_BtoA"]
    for key, (image,), _ in pictures.calls:
        file = tmp_path / f"val_step_0000042_{key.removeprefix('val/samples_')}.png"
        assert np.array_equal(cv2.imread(str(file))[:, :, ::-1], image)


def test_rows_of_all_routes_are_of_the_same_images_from_all_over_the_split(tmp_path: Path) -> None:
    callback = SampleGrid(str(tmp_path), n_images=2)
    outputs = [two_routes(1, i) for i in range(11)]
    for shown in outputs:
        for one in shown.values():
            one.y_hat = flat(1, one.index.item() / 10 - 0.5)
    run_split(callback, make_trainer(), None, "validation", *outputs)
    made = {
        route: [row[1] for row in columns_of(tmp_path / f"val_step_0000042_{route}.png", 2, 4)]
        for route in ("AtoB", "BtoA")
    }
    assert made["AtoB"] == made["BtoA"] == [round(127.5 * (level + 1)) for level in (-0.5, -0.1)]


def test_single_test_pictures_are_those_of_the_main_route(tmp_path: Path) -> None:
    callback = SampleGrid(str(tmp_path), n_images=2)
    run_split(callback, make_trainer(), None, "test", two_routes(known=False))
    levels = {p.stem: cv2.imread(str(p))[0, 0, 0] for p in (tmp_path / "test").iterdir()}
    source, made, back = expected(1, "source", "made", "back")
    row = {"input": source, "output": made, "back": back}
    assert levels == {f"00{i}_{name}": level for i in range(2) for name, level in row.items()}
    assert {p.name for p in tmp_path.glob("*.png")} == {"test_AtoB.png", "test_BtoA.png"}
