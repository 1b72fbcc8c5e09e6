"""The end of a job: what W&B may take of the time that a scheduler leaves."""

import sys
import threading
from types import SimpleNamespace

import pytest

from i2i.cluster.environment import Preempted
from i2i.commands.end_of_a_run import close
from i2i.loggers import wandb_end


@pytest.fixture
def uploading(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A W&B that ends its run once this is set."""
    sent = threading.Event()
    wandb = SimpleNamespace(finish=lambda exit_code: sent.wait(60), __spec__=None)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setattr(wandb_end, "UPLOAD", 0.05)
    return sent


def test_a_stopped_job_does_not_wait_for_the_whole_upload(
    uploading: threading.Event, capsys: pytest.CaptureFixture
) -> None:
    """Requeueing comes after it."""
    try:
        raise Preempted(0)
    except Preempted:
        close([], "failed")
    told = capsys.readouterr().out
    assert not uploading.is_set() and "wandb sync" in told
    uploading.set()


def test_any_other_job_does(
    uploading: threading.Event, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(wandb_end, "UPLOAD", 60)  # a thread that begins late on a busy machine
    monkeypatch.setattr(sys.modules["wandb"], "finish", lambda exit_code: codes.append(exit_code))
    close([], "success")
    try:
        raise RuntimeError
    except RuntimeError:
        close([], "failed")
    try:
        raise Preempted(0)
    except Preempted:
        close([], "failed")
    assert codes == [0, 1, 1] and capsys.readouterr().out == ""
