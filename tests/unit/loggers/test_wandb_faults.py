"""What is said of W&B is so: where it went away, where a file of ours is at fault, and its mode."""

import errno
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import requests
import wandb
from PIL import UnidentifiedImageError

from i2i.comparison import run_test
from i2i.files.ordinary import Unreadable
from i2i.loggers import wandb as module
from i2i.loggers import wandb_comparison, wandb_scores
from i2i.loggers.wandb import RunWandbLogger, make_wandb_logger
from wandb_file import read_run

CONFIG = {"logger": {"wandb": {"_target_": "x", "folder": "y", "project": "p"}}}


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("WANDB_MODE", "offline")
    texts: list[str] = []
    for where in (module, wandb_comparison, wandb_scores):
        monkeypatch.setattr(where, "say", texts.append)
    return texts


@pytest.fixture
def logger(tmp_path: Path, said: list[str]) -> RunWandbLogger:
    """Of a run that has begun."""
    made = make_wandb_logger(str(tmp_path), "p")
    _ = made.experiment
    said.clear()
    return made


def raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    fail.__signature__ = signature(wandb.init)  # options are checked against it
    return fail


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"), Unreadable("not a picture"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "0001_input.png"),
        UnidentifiedImageError("cannot identify image file"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_fault_of_our_own_files_is_said_and_wandb_goes_on(
    error: Exception, logger: RunWandbLogger, said: list[str], tmp_path: Path
) -> None:
    assert not logger.attempt(raising(error))
    assert not logger.attempt(raising(error))
    (text,) = said
    assert text == f"W&B does not get everything of this run: {error}"
    assert logger.attempt(lambda: logger.experiment.summary.update({"a": 1}))
    logger.experiment.finish()
    assert read_run(tmp_path)["summary"]["a"] == 1


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(errno.EPIPE, "Broken pipe"), TimeoutError(errno.ETIMEDOUT, "no answer"),
        requests.ConnectionError("cut"), wandb.errors.CommError("500"), RuntimeError("closed"),
        OSError(errno.EBADF, "Bad file descriptor"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_fault_of_wandb_ends_its_record(
    error: Exception, logger: RunWandbLogger, said: list[str]
) -> None:
    run = logger.experiment
    assert not logger.attempt(raising(error))
    assert not logger.attempt(lambda: None)
    assert said == [f"W&B went away ({error}): the run goes on without it"]
    run.finish()


def test_a_run_that_cannot_begin_is_not_tried_at_each_step(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(wandb, "init", raising(full))
    logger = make_wandb_logger(str(tmp_path), "p")
    said.clear()
    for step in (1, 2):
        logger.log_metrics({"a": 1.0}, step)
    assert said[0].startswith("W&B does not take this run")
    assert said[1:] == [f"W&B does not begin a run ({full}): the run goes on without it"]


def test_a_missing_picture_ends_neither_the_run_nor_its_record(
    logger: RunWandbLogger, said: list[str], tmp_path: Path
) -> None:
    gone = tmp_path / "0001_input.png"
    tested = run_test.Tested(scores={}, names={1: "one"}, pictures={1: {"input": gone}})
    logger.log_tables("val", {"": tested}, {}, 1)
    (text,) = said
    assert gone.name in text and "does not get everything" in text
    logger.log_metrics({"a": 2.0}, 2)
    assert len(said) == 1
    logger.experiment.finish()
    assert read_run(tmp_path)["summary"]["a"] == 2


def test_a_missing_checkpoint_does_not_end_the_record(
    logger: RunWandbLogger, said: list[str], tmp_path: Path
) -> None:
    assert not logger.attempt(logger.log_checkpoint, tmp_path / "best.ckpt", {})
    assert "best.ckpt" in said[0] and "does not get everything" in said[0]
    assert logger.attempt(lambda: None)
    logger.experiment.finish()


def add(folder: Path) -> None:
    wandb_scores.add_scores(folder / "checkpoints" / "best.ckpt", CONFIG, {"l1": 3.0}, "maps/val")


def send(folder: Path) -> None:
    (folder / "comparison.csv").write_text("a,b")
    home = {"project": "p", "entity": None, "group": "g", "offline": None}
    wandb_comparison.send(folder, [], home)


@pytest.mark.parametrize("call", [add, send])
def test_what_stays_offline_is_said_to_be_sent_by_a_sync(
    call: Any, tmp_path: Path, said: list[str]
) -> None:
    call(tmp_path)
    assert "(offline: wandb sync " in said[-1]


@pytest.mark.parametrize("call", [add, send])
@pytest.mark.parametrize("trouble", ["disabled", "away"])
def test_what_was_not_taken_is_not_said_to_be_there(
    call: Any, trouble: str, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if trouble == "disabled":
        monkeypatch.setenv("WANDB_MODE", "disabled")
    else:
        monkeypatch.setattr(wandb, "init", raising(RuntimeError("closed")))
    call(tmp_path)
    assert not any("is in the summary" in text or "is an artifact" in text for text in said)
    words = ("disabled", "does not begin a run (closed)", "the scores were not added")
    assert any(word in said[-1] for word in words)


def test_what_is_not_sent_by_the_end_is_not_said_to_be_there(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb_scores, "finish", lambda: False)
    monkeypatch.setattr(wandb_comparison, "finish", lambda seconds: False)
    for call in (add, send):
        call(tmp_path)
        wandb.finish()
    assert not any("is in the summary" in text or "is an artifact" in text for text in said)
