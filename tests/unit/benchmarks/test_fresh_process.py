"""What comes back from a measurement's process, in one process and in another."""

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import fresh_process, parallel, startup
from benchmarks.fresh_process import answer, last_error, peak_mib, run_command


def received(function: Any, *arguments: Any) -> Any:
    receiver, sender = Pipe(duplex=False)
    answer(sender, function, arguments)
    return receiver.recv()


def refuse(value: int) -> dict:
    raise ValueError(f"speed={value}: found that\nand a second line")


def test_a_result_or_one_line_of_an_error() -> None:
    assert received(dict, [("a", 1)]) == {"a": 1}
    assert received(refuse, 3) == {"error": "ValueError: speed=3: found that"}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux only")
def test_peak_memory_rises_with_what_is_used() -> None:
    before = peak_mib("cpu")
    kept = bytearray(b"x" * (int(before) + 64) * 2**20)
    assert peak_mib("cpu") > before + 63
    del kept


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="Linux only")
def test_a_program_that_does_not_end_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is over once the program's own child, which never ends, says that it is there."""
    fifo, pids = tmp_path / "pid", []
    os.mkfifo(fifo)

    class Late(subprocess.Popen):
        def communicate(self, input: Any = None, timeout: float | None = None) -> Any:
            if timeout is None:
                return super().communicate()
            pids.append(fifo.read_text())
            raise subprocess.TimeoutExpired(self.args, timeout)

    monkeypatch.setattr(subprocess, "Popen", Late)
    note = f"import os, signal; f = open({str(fifo)!r}, 'w'); f.write(str(os.getpid())); f.close()"
    child = f"{note}; signal.pause()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    done = run_command([sys.executable, "-c", parent], 7.0)
    assert done.returncode == 124
    assert last_error(done) == "TimeoutExpired: no end after 7 s"
    # Gone, or dead and not yet collected; not asleep in pause.
    with suppress(FileNotFoundError, ProcessLookupError):
        assert Path(f"/proc/{pids[0]}/stat").read_text().split()[2] != "S"


def test_a_program_that_fails_says_why_in_one_line() -> None:
    done = run_command([sys.executable, "-c", "print(3); raise ValueError('speed=x')"], 60.0)
    assert (done.returncode, done.stdout) == (1, "3\n")
    assert last_error(done) == "ValueError: speed=x"


def test_a_call_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As call sees it, with a process that never sends."""

    class Silent:
        def __init__(self, target: Any, args: Any) -> None:
            self.killed = False

        def start(self) -> None:
            pass

        def kill(self) -> None:
            self.killed = True

        def join(self) -> None:
            assert self.killed

    context = SimpleNamespace(
        Process=Silent, set_forkserver_preload=lambda names: None,
        Pipe=lambda duplex: (SimpleNamespace(poll=lambda limit: False), SimpleNamespace(close=int)),
    )  # fmt: skip
    monkeypatch.setattr(fresh_process.multiprocessing, "get_context", lambda name: context)
    assert fresh_process.call(dict, limit_s=7) == {"error": "TimeoutExpired: no end after 7 s"}


def test_two_processes_that_do_not_end_are_a_row_of_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = subprocess.CompletedProcess([], 124, "", fresh_process.no_end(300))
    for module in (parallel, startup):
        monkeypatch.setattr(module, "run_command", lambda *_: ended)
    rows = parallel.measure(quick=True)
    assert {row["error"] for row in rows["rows"].values()} == {ended.stderr}
    assert rows["speed_to_1_process_of_1_thread"] is None
    for row in startup.measure(quick=True)["rows"].values():
        assert row["error"] == f"exit code 124: {ended.stderr}"
