"""The table of validation pictures: at every n-th validation, also after a resume."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from i2i.callbacks.scoring import Scoring
from i2i.callbacks.val_pictures import ValPictures
from i2i.comparison.run_test import Tested
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.labels.palette import ClassPalette
from i2i.metrics.result import EvaluationResult
from i2i.metrics.shown import Shown

N = 7  # images of the split
PALETTE = ClassPalette({"a": [255, 0, 0], "b": [0, 0, 255]})


class Kept:
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        self.tables: list[tuple[int, dict[str, Tested], dict[str, Any]]] = []

    def log_tables(self, split: str, tests: Any, label_maps: Any, step: int) -> None:
        assert split == "val"
        self.tables.append((step, tests, dict(label_maps)))


def validate(
    callback: ValPictures, logger: Kept, step: int, routes: tuple[str, ...] = ("AtoB",),
    task: Task | None = None, sanity: bool = False,
) -> None:  # fmt: skip
    """One validation of seven images whose scores are ten times their places."""
    scoring = Scoring({})
    rows = [{"name": f"n{i}", "index": i, "l1": 10.0 * i} for i in range(N)]
    results = {route: EvaluationResult({}, rows, N, {}) for route in routes}
    trainer = SimpleNamespace(
        datamodule=SimpleNamespace(eval_batch_size=4, set_size=lambda split: N), world_size=1,
        limit_val_batches=1.0, strategy=SimpleNamespace(barrier=lambda: None), loggers=[logger],
        is_global_zero=True, callbacks=[scoring, callback], global_step=step,
        sanity_checking=sanity,
    )  # fmt: skip
    module = SimpleNamespace(evaluates=None, routes=routes)
    callback.on_validation_epoch_start(trainer, module)
    x = torch.zeros(N, 3, 4, 4)
    shown = Shown(torch.arange(N), [f"n{i}" for i in range(N)], x, x, task or Task(), y_hat=x)
    callback.on_validation_batch_end(trainer, module, dict.fromkeys(routes, shown), None, 0)
    scoring.results["val"] = results
    callback.on_validation_epoch_end(trainer, module)


def test_every_second_validation_has_a_table_of_the_same_images(tmp_path: Path) -> None:
    logger, callback = Kept(), ValPictures(str(tmp_path), every_n_validations=2, n_images=3)
    validate(callback, logger, 0, sanity=True)
    for step in (10, 20, 30, 40):
        validate(callback, logger, step)
    assert [step for step, *_ in logger.tables] == [20, 40]
    for _, tests, _ in logger.tables:
        (tested,) = tests.values()
        assert list(tests) == [""] and sorted(tested.pictures) == [0, 2, 4]
        assert {c for row in tested.pictures.values() for c in row} == {"input", "output", "target"}
        assert tested.names[4] == "n4" and tested.scores["l1"][4] == 40.0


def test_a_resumed_run_goes_on_counting(tmp_path: Path) -> None:
    first, logger = ValPictures(str(tmp_path), every_n_validations=3), Kept()
    validate(first, logger, 10)
    validate(first, logger, 20)
    later = ValPictures(str(tmp_path), every_n_validations=3)
    later.load_state_dict(first.state_dict())
    validate(later, logger, 30)
    assert [step for step, *_ in logger.tables] == [30]


def test_by_default_there_is_none_and_nothing_is_kept_in_checkpoints(tmp_path: Path) -> None:
    callback, logger = ValPictures(str(tmp_path)), Kept()
    validate(callback, logger, 10)
    assert logger.tables == [] and callback.state_dict() == {} and not list(tmp_path.iterdir())


def test_each_route_has_its_table_and_label_maps_are_told(tmp_path: Path) -> None:
    callback, logger = ValPictures(str(tmp_path), every_n_validations=1, n_images=4), Kept()
    task = LabelTask(PALETTE, "target")
    validate(callback, logger, 10, ("AtoB", "BtoA"), task)
    ((_, tests, maps),) = logger.tables
    assert {route: len(tested.pictures) for route, tested in tests.items()} == {
        "AtoB": 2,
        "BtoA": 2,
    }
    assert {c: m.truth for c, m in maps["AtoB"].items()} == {"target": True, "output": False}


@pytest.mark.parametrize("option", [{"every_n_validations": -1}, {"n_images": 1.5}], ids=str)
def test_a_number_that_means_nothing_is_refused(tmp_path: Path, option: dict) -> None:
    (name,) = option
    with pytest.raises(SettingError, match=rf"callbacks\.val_pictures\.{name}=.*whole number"):
        ValPictures(str(tmp_path), **option)
