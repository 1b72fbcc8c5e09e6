"""Locks between the threads of a process that may be forked while one of them is held."""

import os
from threading import RLock
from typing import Any


def thread_lock() -> Any:
    """A lock that a fork waits for.

    Else the new process would have it held by a thread that it does not have, for ever, and what it
    guards half changed.

    Returns:
        A ``threading.RLock``; to be kept for the life of the process.
    """
    lock = RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock
