"""How a job ends that lost one of its processes."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i.cluster import job_processes as processes
from i2i.cluster.job_processes import end_processes, finish_processes, watched_processes
from i2i.commands.end_of_a_run import closing


class Lost:
    """A process that was killed; knows when somebody saw it."""

    def __init__(self) -> None:
        self.seen = threading.Event()

        self.killed = False

    def poll(self) -> int:
        self.seen.set()
        return -9

    def kill(self) -> None:
        self.killed = True

    def wait(self, timeout: float = 0) -> int:
        return -9


class TakenMeanwhile(list):
    """Processes of which another thread takes the last one after it was seen to be there."""

    def __bool__(self) -> bool:
        return True


def test_two_threads_may_end_the_same_processes(capfd: pytest.CaptureFixture) -> None:
    """The one that watches them, and the main one."""
    end_processes(TakenMeanwhile([Lost()]))
    assert capfd.readouterr().err.count("a process of this run: found its end by signal 9") == 1


@pytest.mark.parametrize("noticed", [True, False])
def test_a_job_that_noticed_its_loss_may_take_its_time(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, noticed: bool
) -> None:
    """W&B's end may take longer than what a job has to notice; only one that hangs is ended."""
    from lightning.pytorch.strategies.launchers import subprocess_script

    ends: list[int] = []
    monkeypatch.setattr(processes, "GRACE", 60 if noticed else 0.1)
    monkeypatch.setattr(processes.os, "_exit", ends.append)
    lost = Lost()
    started = [lost]
    trainer = SimpleNamespace(strategy=SimpleNamespace(launcher=SimpleNamespace(procs=started)))
    before = set(threading.enumerate())
    with watched_processes():
        subprocess_script._launch_process_observer(started)
        (watcher,) = set(threading.enumerate()) - before
        if noticed:
            finish_processes(trainer, False)
        else:
            assert lost.seen.wait(10)
        watcher.join(10)  # as long as closing the loggers takes
        assert not watcher.is_alive()
    assert ends == ([] if noticed else [1])
    said = capfd.readouterr().err.strip().splitlines()
    assert said[0].startswith(
        "a process of this run: found its end by signal 9; expected one that works to"
    )
    assert said[1:] == ([] if noticed else ["", f"Process 0: {processes.LOST}"])


def test_where_the_main_process_fails_the_others_cannot_repeat_its_error() -> None:
    """That is before loggers are closed, and in evaluation too, which has no loggers."""
    from lightning.pytorch.strategies.launchers import subprocess_script

    other = Lost()
    other.poll = lambda: None
    started = [other]
    with pytest.raises(ValueError, match="mine"), watched_processes():
        subprocess_script._launch_process_observer(started)
        raise ValueError("mine")
    assert other.killed


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer "
         "[127.0.0.1]:33551", True),
        ("[/gloo/transport/uv/unbound_buffer.cc:78] Connection reset by peer", True),
        ("NCCL communicator was aborted on rank 0. remote process exited or there was a network "
         "error", True),
        ("Failed to recv, got 0 bytes. Connection was likely closed.", True),
        ("NCCL error: unhandled cuda error, CUDA out of memory", False),
        ("shapes", False),
    ],
)  # fmt: skip
def test_which_errors_are_those_of_a_process_that_lost_another(text: str, lost: bool) -> None:
    error = ValueError("outer")
    error.__cause__ = RuntimeError(text)
    assert processes.lost_partner(RuntimeError(text)) is processes.lost_partner(error) is lost
    assert not processes.lost_partner(OSError(text))  # a download's


def test_loggers_are_closed_as_failed_where_the_processes_do_not_meet_at_the_end() -> None:
    """Else the next job of a sweep writes into this one's W&B run."""

    def barrier(name: str) -> None:
        raise RuntimeError("the second process is gone")

    child, ends = Lost(), []
    child.poll = lambda: None
    launcher = SimpleNamespace(procs=[child])
    trainer = SimpleNamespace(
        world_size=2,
        interrupted=False,
        strategy=SimpleNamespace(launcher=launcher, barrier=barrier),
    )
    logger = SimpleNamespace(finalize=ends.append)
    with pytest.raises(RuntimeError, match="gone"), closing(trainer, [logger], Path("run")):
        assert ends == []
    assert ends == ["failed"] and child.killed
