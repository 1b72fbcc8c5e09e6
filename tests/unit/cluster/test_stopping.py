"""A signal ends a command with the exit code of a shell, wherever the command is."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conftest import ROOT
from i2i.cluster.stopping import STOP, Stopped, stoppable

NAMED = [name for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
NUMBERS = [getattr(signal, name) for name in NAMED]
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals between processes")


def run(code: str, **options: object) -> subprocess.Popen:
    """A program with a command's handlers; it says when it is ready."""
    text = f"import os, signal, time\nfrom i2i.cluster.stopping import *\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, **options,
    )  # fmt: skip


def ended(program: subprocess.Popen, number: int) -> tuple[int, str, str]:
    """Exit code and output after a signal that comes once the program is ready."""
    assert program.stdout.readline() == "ready\n"
    program.send_signal(number)
    out, err = program.communicate(timeout=60)
    return program.returncode, out, err


@posix
@pytest.mark.parametrize(("number", "code"), zip(NUMBERS, (143, 130, 129), strict=False), ids=NAMED)
def test_the_exit_code_is_that_of_a_shell(number: int, code: int) -> None:
    program = run(
        "with stoppable():\n try:\n  print('ready', flush=True); time.sleep(60)\n"
        " finally: print('closed', flush=True)"
    )
    assert ended(program, number) == (code, "closed\n", "")


@posix
def test_an_error_of_what_was_cut_off_is_the_same_end() -> None:
    program = run(
        "with stoppable():\n try:\n  print('ready', flush=True); time.sleep(60)\n"
        " except BaseException: raise RuntimeError('connection closed by peer')"
    )
    assert ended(program, signal.SIGTERM) == (143, "", "")


@posix
def test_a_process_that_hangs_in_a_library_is_ended() -> None:
    """Its handler never runs; here it is one that does nothing."""
    program = run(
        "import i2i.cluster.stopping as s\ns.REACTION = 0.1\n"
        "with stoppable():\n signal.signal(signal.SIGTERM, lambda *_: None)\n"
        " print('ready', flush=True)\n while True: time.sleep(60)"
    )
    assert ended(program, signal.SIGTERM)[0] == 143


@posix
def test_a_command_that_does_not_come_to_its_end_is_ended() -> None:
    program = run(
        "import i2i.cluster.stopping as s\ns.REACTION = s.GRACE = 0.1\n"
        "with stoppable():\n try:\n  print('ready', flush=True); time.sleep(60)\n"
        " finally: time.sleep(60)"
    )
    assert ended(program, signal.SIGTERM)[0] == 143


@posix
def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup asks."""
    program = run(
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with stoppable():\n print('ready', flush=True)\n"
        " print(input())",
        stdin=subprocess.PIPE,
    )
    assert program.stdout.readline() == "ready\n"
    program.send_signal(signal.SIGHUP)
    assert program.communicate("still here\n", timeout=60)[0] == "still here\n"
    assert program.returncode == 0


@posix
@pytest.mark.filterwarnings("ignore:.*use of fork.*")
def test_a_process_forked_for_loading_has_handlers_of_its_own() -> None:
    """Else ending a loader would be taken for the end of the command."""
    with stoppable():
        if not (child := os.fork()):
            handlers = [signal.getsignal(number) for number in NUMBERS]
            normal = [signal.SIG_DFL, signal.default_int_handler, signal.SIG_DFL]
            os._exit(0 if handlers == normal and signal.set_wakeup_fd(-1) == -1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert signal.getsignal(signal.SIGTERM) == STOP.receive


@posix
def test_a_terminal_that_goes_away_is_let_go_of(tmp_path: Path) -> None:
    """Else each word to it is an error, at which what is left to be closed is not."""
    import pty

    master, slave = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", "import fcntl, termios, sys, time\n"
         "from i2i.cluster.stopping import *\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
         "with stoppable():\n try:\n  print('ready', flush=True); time.sleep(60)\n"
         " finally:\n  print('to nobody', flush=True); open('closed', 'w')"],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    os.close(slave)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 100)
    os.close(master)
    assert program.wait(timeout=60) == 129 and (tmp_path / "closed").exists()


def test_a_signal_that_is_deferred_ends_the_command_later() -> None:
    with pytest.raises(Stopped) as stop, stoppable():
        STOP.defer(True)
        signal.raise_signal(signal.SIGTERM)
        assert STOP.received == signal.SIGTERM
        STOP.defer(False)
    assert stop.value.code == 143


def test_handlers_are_put_back_and_other_threads_left_alone() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    with stoppable():
        assert signal.getsignal(signal.SIGTERM) == STOP.receive
    assert [signal.getsignal(number) for number in NUMBERS] == before
    assert signal.set_wakeup_fd(-1) == -1
    seen: list[object] = []

    def elsewhere() -> None:
        with stoppable():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before[0]]


def test_an_error_without_a_signal_stays_itself() -> None:
    with pytest.raises(KeyError), stoppable():
        raise KeyError
