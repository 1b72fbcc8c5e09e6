"""A run's summary on W&B, over stops and over scores that come later."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from i2i.loggers.run_csv import RunCSVLogger
from i2i.loggers.wandb import make_wandb_logger
from i2i.loggers.wandb_scores import add_scores
from i2i.loggers.wandb_summary import kept

CONFIG = {"logger": {"wandb": {"_target_": "x", "folder": "y", "project": "p"}}}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


def stretch(folder: Path, first: int, values: Sequence[float], **more: float) -> dict[str, Any]:
    """A part of a run, up to a stop.

    Returns:
        The summary at its end.
    """
    wandb, csv = make_wandb_logger(str(folder), "p"), RunCSVLogger(str(folder))
    wandb.define_scores({"val/ssim": True, "val/l1": False})
    for step, value in enumerate(values, first):
        for logger in (wandb, csv):
            logger.log_metrics({"val/ssim": value, "val/l1": 100 - value}, step)
    wandb.log_metrics(more, first + len(values))
    wandb.finalize("failed")
    found = wandb.experiment.summary._as_dict()
    wandb.experiment.finish()
    return found


def add(folder: Path, where: str) -> dict[str, Any]:
    """Adds an evaluation's scores.

    Returns:
        The summary that is kept then.
    """
    add_scores(folder / "checkpoints" / "best.ckpt", CONFIG, {"l1": 3.0}, where)
    return kept(folder)


def test_the_best_of_an_earlier_stretch_stays_the_best(tmp_path: Path) -> None:
    assert stretch(tmp_path, 1, [0.6, 0.9])["val/ssim"]["max"] == 0.9
    later = stretch(tmp_path, 3, [0.5, 0.7])
    assert later["val/ssim"]["max"] == 0.9
    assert later["val/l1"]["min"] == 100 - 0.9
    assert stretch(tmp_path, 5, [0.95])["val/ssim"]["max"] == 0.95


def test_a_run_that_is_killed_has_what_stood_at_its_last_checkpoint(tmp_path: Path) -> None:
    logger = make_wandb_logger(str(tmp_path), "p")
    logger.define_scores({"val/ssim": True})
    logger.log_metrics({"val/ssim": 0.5}, 1)
    logger.after_save_checkpoint(None)
    found = kept(tmp_path)  # nothing ends this run
    logger.experiment.finish()
    assert found["val/ssim"] == {"max": 0.5}


def test_what_is_sent_later_has_all_that_was_there(tmp_path: Path) -> None:
    stretch(tmp_path, 1, [0.6, 0.9], other=7.0)
    add(tmp_path, "maps/val")
    found = add(tmp_path, "maps/test")
    assert found["val/ssim"]["max"] == 0.9 and found["other"] == 7
    assert found["evaluate/maps/val/l1"] == found["evaluate/maps/test/l1"] == 3


def test_a_stretch_that_stays_offline_has_all_that_was_there(tmp_path: Path) -> None:
    stretch(tmp_path, 1, [0.9], other=7.0)
    add(tmp_path, "maps/val")
    found = stretch(tmp_path, 2, [0.5], more=1.0)
    assert found["other"] == 7 and found["more"] == 1 and found["evaluate/maps/val/l1"] == 3
    assert found["val/ssim"]["max"] == 0.9


def test_a_logged_value_replaces_the_one_that_was_there(tmp_path: Path) -> None:
    stretch(tmp_path, 1, [0.9], other=7.0)
    assert stretch(tmp_path, 2, [0.5], other=8.0)["other"] == 8
    assert add(tmp_path, "maps/val")["other"] == 8
