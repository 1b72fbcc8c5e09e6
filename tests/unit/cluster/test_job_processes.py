"""How a job ends that lost one of its processes."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i.cluster import job_processes as processes
from i2i.cluster.job_processes import finish_processes, watched_processes
from i2i.commands.train import closing


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

    def wait(self, timeout: float) -> int:
        return -9


@pytest.mark.parametrize("noticed", [True, False])
def test_a_job_that_noticed_its_loss_may_take_its_time(
    monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    """W&B's end may take longer than what a job has to notice; only one that hangs is killed."""
    from lightning.pytorch.strategies.launchers import subprocess_script

    kills: list[tuple[int, int]] = []
    monkeypatch.setattr(processes, "GRACE", 0.1)
    monkeypatch.setattr(processes.os, "kill", lambda *call: kills.append(call))
    lost = Lost()
    trainer = SimpleNamespace(strategy=SimpleNamespace(launcher=SimpleNamespace(procs=[lost])))
    before = set(threading.enumerate())
    with watched_processes():
        subprocess_script._launch_process_observer([lost])
        (watcher,) = set(threading.enumerate()) - before
        if noticed:
            finish_processes(trainer, False)
        else:
            assert lost.seen.wait(10)
        watcher.join(10)  # as long as closing the loggers takes
        assert not watcher.is_alive()
    assert len(kills) == (0 if noticed else 1)


def test_loggers_are_closed_as_failed_where_the_processes_do_not_meet_at_the_end() -> None:
    """Else the next job of a sweep writes into this one's W&B run."""

    def barrier(name: str) -> None:
        raise RuntimeError("the second process is gone")

    child, ends = Lost(), []
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
