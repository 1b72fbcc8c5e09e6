"""A job of a sweep is stopped by the median of the finished ones at the same step."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna import pruners

from i2i.callbacks.pruning import COMPLETE, PRUNED, RECORD, RUNNING, Pruning, read_record
from i2i.comparison.run_records import why_no_scores
from i2i.errors import SettingError

OTHERS = {10: [0.1, 0.3, 0.5], 20: [0.2, 0.4, 0.9]}  # medians 0.3 and 0.4


def neighbours(folder: Path, state: str = COMPLETE, monitor: str = "val/ssim") -> None:
    for i in range(3):
        values = {str(step): scores[i] for step, scores in OTHERS.items()}
        (folder / str(i)).mkdir(parents=True)
        (folder / str(i) / RECORD).write_text(
            json.dumps({"state": state, "monitor": monitor, "values": values})
        )


def pruning(folder: Path, **options: Any) -> Pruning:
    own = folder / "own"
    own.mkdir(parents=True, exist_ok=True)
    given = {"monitor": "val/ssim", "direction": "maximize", "active": True}
    given["pruner"] = pruners.MedianPruner(n_startup_trials=3)
    return Pruning(str(own), **(given | options))


def trainer(step: int, value: float, monitor: str = "val/ssim", **options: Any) -> Any:
    given = {
        "callback_metrics": {monitor: value}, "global_step": step, "is_global_zero": True,
        "sanity_checking": False, "state": SimpleNamespace(fn="fit"), "should_stop": False,
        "max_epochs": 9, "current_epoch": 0, "strategy": SimpleNamespace(broadcast=lambda x: x),
    }  # fmt: skip
    return SimpleNamespace(**(given | options))


def validated(callback: Pruning, *values: float, first: int = 10) -> bool:
    """Feeds one value a validation; whether the last one ended the run."""
    for i, value in enumerate(values):
        now = trainer(first + 10 * i, value, callback.monitor)
        callback.on_validation_end(now, None)
        assert now.should_stop is callback.pruned
    return callback.pruned


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize(
    ("values", "hopeless"),
    [((0.29,), True), ((0.31,), False), ((0.31, 0.39), True), ((0.5, 0.39), False),
     ((0.45, 0.1), False), ((float("nan"),), True)],
    ids=["below", "above", "below-later", "best-so-far-counts", "best-was-above", "nan"],
)  # fmt: skip
def test_the_best_so_far_is_held_against_the_median(
    tmp_path: Path, values: tuple[float, ...], hopeless: bool
) -> None:
    neighbours(tmp_path)
    assert validated(pruning(tmp_path), *values) is hopeless


def test_less_is_better_for_an_error(tmp_path: Path) -> None:
    neighbours(tmp_path, monitor="val/l1")
    assert validated(pruning(tmp_path, monitor="val/l1", direction="minimize"), 0.31)
    assert not validated(pruning(tmp_path, monitor="val/l1", direction="minimize"), 0.29)


@pytest.mark.parametrize("state", [RUNNING, PRUNED])
def test_only_finished_neighbours_count(tmp_path: Path, state: str) -> None:
    neighbours(tmp_path, state)
    assert not validated(pruning(tmp_path), 0.0)


def test_other_scores_and_other_steps_are_not_compared(tmp_path: Path) -> None:
    neighbours(tmp_path, monitor="val/psnr")
    assert not validated(pruning(tmp_path), 0.0)
    neighbours(tmp_path / "b")
    assert not validated(pruning(tmp_path / "b"), 0.0, first=15)


def test_a_single_run_and_the_last_validation_are_left_alone(tmp_path: Path) -> None:
    neighbours(tmp_path)
    alone = pruning(tmp_path, active=False)
    assert not validated(alone, 0.0) and not (alone.folder / RECORD).exists()
    callback = pruning(tmp_path)
    callback.on_validation_end(trainer(20, 0.0, current_epoch=8), None)
    assert not callback.pruned
    callback.on_fit_end(trainer(20, 0.0), None)
    record = json.loads((callback.folder / RECORD).read_text())
    assert record == {"state": COMPLETE, "monitor": "val/ssim", "values": {"20": 0.0}}


def test_what_a_pruned_run_leaves_behind(tmp_path: Path) -> None:
    neighbours(tmp_path)
    callback = pruning(tmp_path)
    assert validated(callback, 0.31, 0.2)
    callback.on_fit_end(trainer(20, 0.2), None)
    assert json.loads((callback.folder / RECORD).read_text())["state"] == PRUNED
    assert why_no_scores(callback.folder) == "pruned at step 20: val/ssim 0.2000"
    again = pruning(tmp_path)
    again.on_train_start(trainer(10, 0.0), None)
    assert again.values == {10: 0.31}  # as far as the checkpoint goes
    assert not again.pruned  # and judged anew there


@pytest.mark.parametrize("hook", ["on_train_start", "on_fit_end"])
def test_a_pruned_run_that_is_started_again_trains_no_further(tmp_path: Path, hook: str) -> None:
    """Without a step to make Lightning calls the end of the fit only."""
    neighbours(tmp_path)
    assert validated(pruning(tmp_path), 0.31, 0.2)
    before = (tmp_path / "own" / RECORD).read_text()
    now, again = trainer(20, 0.0), pruning(tmp_path)
    getattr(again, hook)(now, None)
    assert again.pruned and again.values == {10: 0.31, 20: 0.2}
    assert now.should_stop is (hook == "on_train_start")
    assert (again.folder / RECORD).read_text() == before
    by_hand, alone = trainer(20, 0.0), pruning(tmp_path, active=False)
    alone.on_train_start(by_hand, None)  # resume= of one job of the sweep
    assert not alone.pruned and not by_hand.should_stop


def test_a_run_that_had_only_its_test_left_keeps_its_scores(tmp_path: Path) -> None:
    callback = pruning(tmp_path)
    assert not validated(callback, 0.3)
    again = pruning(tmp_path)
    again.on_fit_end(trainer(10, 0.0), None)
    record = json.loads((again.folder / RECORD).read_text())
    assert record == {"state": COMPLETE, "monitor": "val/ssim", "values": {"10": 0.3}}


def test_pruners_that_need_a_common_study_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"pruner: found SuccessiveHalvingPruner; expected Med"):
        pruning(tmp_path, pruner=pruners.SuccessiveHalvingPruner())
    with pytest.raises(SettingError, match=r"sweep_metric=test/ssim: found a score that training"):
        pruning(tmp_path, monitor="test/ssim")
    with pytest.raises(SettingError, match=r"sweep_metric=val/sim: found no such score.*val/ssim"):
        callback = pruning(tmp_path, monitor="val/sim")
        callback.on_validation_end(trainer(10, 0.1), None)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", "[" * 100_000, '{"state": "complete", "monitor": "val/ssim"}',
     '{"monitor": "val/ssim", "values": {"x": 1}}', '{"monitor": "val/ssim", "values": {"1": []}}',
     '{"monitor": "val/ssim", "values": [1]}'],
)  # fmt: skip
def test_a_damaged_record_of_a_neighbour_takes_no_part(text: str, tmp_path: Path) -> None:
    for name, content in {"bad": text, "good": None}.items():
        (tmp_path / name).mkdir()
        content = content or json.dumps(
            {"state": COMPLETE, "monitor": "val/ssim", "values": {"1": 0.5, "2": "nan"}}
        )
        (tmp_path / name / RECORD).write_text(content)
    own = Pruning(str(tmp_path / "own"), "val/ssim", "maximize", pruners.MedianPruner())
    (found,) = own.neighbours()
    assert found[1] == 0.5 and list(found) == [1, 2]
    assert read_record(tmp_path / "bad" / RECORD) is None
    assert read_record(tmp_path / "none") is None
