"""A lock between processes that ends with the one that holds it."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP}  # a file system without locks; filelock knows ENOSYS


def taken(lock: Path, timeout: float) -> BaseFileLock:
    """A lock file, held by this process.

    Args:
        lock: The file.
        timeout: Seconds to wait for another one that holds it; -1 has no end.

    Raises:
        Timeout: It is held by another one.
    """
    held: BaseFileLock = FileLock(lock)
    try:
        held.acquire(timeout=timeout)
    except OSError as error:  # Timeout is one
        if isinstance(error, Timeout) or error.errno not in NO_LOCKS:
            raise
        held = SoftFileLock(lock)  # the file itself is the lock
        held.acquire(timeout=timeout)
    return held


def let_go(held: BaseFileLock, lock: Path) -> None:
    """Ends a lock, and takes its file away."""
    with contextlib.suppress(OSError):
        lock.unlink()  # still held: those who wait for it see that its name is gone
    held.release()


@contextlib.contextmanager
def exclusive(lock: Path, what: str) -> Iterator[None]:
    """Holds a lock file while its block runs; a second process or thread waits for it, and says so.

    The lock ends with its process: the file that a killed process leaves behind blocks nobody.
    """
    try:
        held = taken(lock, 0)
    except Timeout:
        print(f"{what}: waiting for the process that holds {lock}", file=sys.stderr, flush=True)
        held = taken(lock, -1)
    try:
        yield
    finally:
        let_go(held, lock)
