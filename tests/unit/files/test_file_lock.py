"""The lock between processes: one at a time, gone with its process, and told while one waits."""

import errno
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from i2i.files import file_lock
from i2i.files.file_lock import exclusive

HOLD = """
import sys, pathlib, i2i.files.file_lock as file_lock
with file_lock.exclusive(pathlib.Path(sys.argv[1]), "set"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_waits_in_words_for_another_process_and_none_for_a_killed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lock"
    told: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(file_lock, "print", lambda text, **_: told.put(text), raising=False)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], **pipes) as child:
        assert child.stdout.readline() == b"held\n"
        got = threading.Event()

        def enter() -> None:
            with exclusive(lock, "maps"):
                got.set()

        waiting = threading.Thread(target=enter)
        waiting.start()
        assert told.get(timeout=60) == f"maps: waiting for the process that holds {lock}"
        assert not got.is_set()
        child.kill()
    waiting.join()
    assert got.is_set() and list(tmp_path.iterdir()) == []


def failing(number: int) -> Callable[..., None]:
    def acquire(self: object, timeout: float = -1) -> None:
        raise OSError(number, os.strerror(number))

    return acquire


@pytest.mark.parametrize("locks", [True, False])
def test_one_is_in_at_a_time_with_and_without_locks_of_the_file_system(
    tmp_path: Path, locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locks:
        monkeypatch.setattr(file_lock.FileLock, "acquire", failing(errno.ENOLCK))
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(10):
            with exclusive(tmp_path / "lock", "test"):
                inside += 1
                most = max(most, inside)
                os.sched_yield()
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most, list(tmp_path.iterdir())) == (0, 1, [])


def test_a_folder_that_may_not_be_written_is_no_reason_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lock.FileLock, "acquire", failing(errno.EROFS))
    with pytest.raises(OSError, match="Read-only"), exclusive(tmp_path / "lock", "test"):
        pytest.fail("went in without a lock")
