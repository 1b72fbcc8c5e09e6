"""Reading, computing and encoding by several processes of one thread each; results in order."""

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from threading import Thread
from typing import Any

from i2i.errors import setting_error
from i2i.inference.overlapped import Outcome, Steps, attempt

# A forked process has the network already. Elsewhere forking is not safe, or not known.
START = "fork" if sys.platform == "linux" else "spawn"
# Of a process that works for another one: what it does, or why it cannot.
WORK: list[Steps | Exception] = []


def in_processes(
    items: Sequence[Any], plan: Callable[[], Steps], workers: int
) -> Iterator[Outcome]:
    """Takes items through their steps; each process works on one item after the other.

    A network's convolutions use two cores for far less than twice the speed. Two pictures at a time
    use both.

    Args:
        items: Can be pickled.
        plan: Gives the steps, once in each process, and can be pickled. Writing is left to this
            process.
        workers: Processes, at most.

    Yields:
        An ``Outcome`` for each item, in order. Where a process was killed, that is the last one, of
        the item None.
    """
    steps, workers = plan(), min(workers, len(items))
    context = multiprocessing.get_context(START)
    coming: deque[tuple[Any, Future[Any]]] = deque()
    pool = ProcessPoolExecutor(workers, context, settle, (plan,))
    try:
        for item in items:
            coming.append((item, pool.submit(encoded, item)))
            if len(coming) >= 2 * workers:  # one for each, and one that waits
                yield collected(*coming.popleft(), steps)
        while coming:
            yield collected(*coming.popleft(), steps)
    except BrokenProcessPool:
        yield Outcome(None, error=setting_error(
            f"workers={workers}", "a process that was killed, perhaps because the memory was full",
            "processes that live", "Use fewer workers.",
        ))  # fmt: skip
    finally:
        pool.shutdown(cancel_futures=True)


def collected(item: Any, future: Future[Any], steps: Steps) -> Outcome:
    """Writes what another process made of an item.

    Raises:
        BrokenProcessPool: A process was killed.
    """
    try:
        made = future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:
        return Outcome(item, error=error)
    return attempt(item, steps.write, item, made)


def settle(plan: Callable[[], Steps]) -> None:
    """Prepares a process that works for another one, and ends with it."""
    import torch

    from i2i.data.collate import settle_worker

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the other one tidies up
    Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    settle_worker()
    try:
        WORK[:] = [plan()]
    except Exception as error:  # raised here it would look like a process that was killed
        WORK[:] = [error]


def end_with_parent() -> None:
    """Ends this process where the one that it works for was killed."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def encoded(item: Any) -> Any:
    """What is written of an item."""
    (steps,) = WORK
    if isinstance(steps, Exception):
        raise steps
    (made,) = steps.make([steps.read(item)])
    return steps.encode(item, made)
