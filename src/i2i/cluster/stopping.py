"""Signals that end a command: with the exit code that a shell expects, wherever it is just then."""

import contextlib
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from typing import Any

# Of a scheduler or another person, of Ctrl-C, and of a terminal that goes away; Windows lacks it.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
REACTION = 10  # seconds until the handler of a signal has to have run
GRACE = 60  # seconds that a command then has to end by itself


class Stopped(SystemExit):
    """A signal ended the command; the exit code is 128 and its number, as a shell has it."""

    def __init__(self, number: int):
        super().__init__(128 + number)


class Stop:
    """What this process knows of a signal that is to end it.

    Attributes:
        received: Its number, once it came.
        deferred: Whether it is only noted: the processes of a run end at the same step, and ask
            each other for it (see ``i2i.cluster.sigterm``).
        watched: The signals after which a process that does not end is ended.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.deferred = False
        self.watched: set[int] = set()

    def receive(self, number: int, frame: Any) -> None:
        """The handler. A second signal does not disturb the end; a second Ctrl-C is the end."""
        self.received = number
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL if each == signal.SIGINT else signal.SIG_IGN)
        if hasattr(signal, "SIGCHLD"):  # torch's raises an error for loaders that ended with it
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if number == getattr(signal, "SIGHUP", None):
            silence_terminal()
        if not self.deferred:
            raise Stopped(number)

    def defer(self, deferred: bool) -> None:
        """Begins to note signals only, or raises again: at once for one that came meanwhile."""
        self.deferred = deferred
        if not deferred and self.received is not None:
            raise Stopped(self.received)

    def forget(self) -> None:
        """Of a process that was forked from this one: signals end it as they end any process."""
        with contextlib.suppress(ValueError):  # forked from a thread
            if signal.set_wakeup_fd(-1) != -1:
                for each in self.watched:
                    ours = each == signal.SIGINT  # loaders wait for this error of Python's own
                    signal.signal(each, signal.default_int_handler if ours else signal.SIG_DFL)


STOP = Stop()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=STOP.forget)


def silence_terminal() -> None:
    """Lets go of a terminal that went away: each word to it would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(number).st_mode):
                os.dup2(nowhere, number)
    os.close(nowhere)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """While its block runs, signals raise ``Stopped`` in it, and what has to be closed is closed.

    Signals that are ignored stay so (``nohup``). A process that waits for ever inside a library
    never gets to its handler; it is ended after ``REACTION`` seconds, with the same exit code.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in SIGNALS}
    STOP.received, STOP.deferred = None, False
    STOP.watched = {each for each in SIGNALS if before[each] != signal.SIG_IGN}
    told, telling = socket.socketpair()
    telling.setblocking(False)
    woken = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
    over = threading.Event()
    threading.Thread(target=end_after_grace, args=(told, over), daemon=True).start()
    for each in STOP.watched:
        signal.signal(each, STOP.receive)
    try:
        with only_stopped():
            yield
    finally:
        over.set()
        for each, handler in before.items():
            if handler is not None:  # not set from Python
                signal.signal(each, handler)
        signal.set_wakeup_fd(woken)
        telling.close()


@contextlib.contextmanager
def only_stopped() -> Iterator[None]:
    """Whatever ends its block after a signal came, errors of what was cut off too, is ``Stopped``.

    A signal may come while a library swallows every error: then the end of the block raises it.
    """
    try:
        yield
    except BaseException:
        if STOP.received is None:
            raise
    if STOP.received is not None:
        raise Stopped(STOP.received)


def end_after_grace(told: socket.socket, over: threading.Event) -> None:
    """Ends the process where a signal did not, in a thread of its own.

    Args:
        told: Gets the number of every signal, at the moment it comes.
        over: Set when there is nothing left to end.
    """
    with told:
        while number := told.recv(1):
            if number[0] not in STOP.watched or over.wait(REACTION):
                continue
            if STOP.received is None or not over.wait(GRACE):
                os._exit(128 + number[0])
