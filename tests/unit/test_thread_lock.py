"""A process that is forked has no lock that a thread held which it does not have."""

import os
import sys
from threading import Event, Thread
from typing import Any

import pytest

from i2i.files import npy_header
from i2i.inference import translate

LOCKS = {"headers": npy_header._ONE_AT_A_TIME, "networks": translate.ONE_AT_A_TIME}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
@pytest.mark.filterwarnings("ignore:.*use of fork.*")
@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_process_that_is_forked_while_a_thread_holds_a_lock_has_it_free(lock: Any) -> None:
    held, forking = Event(), Event()

    def hold() -> None:
        with lock:
            held.set()
            forking.wait()

    thread = Thread(target=hold)
    thread.start()
    held.wait()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1)  # that thread goes on only where this one waits
    try:
        forking.set()
        if not (child := os.fork()):
            os._exit(0 if lock.acquire(blocking=False) else 1)
    finally:
        sys.setswitchinterval(interval)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert lock.acquire(blocking=False)
    lock.release()
