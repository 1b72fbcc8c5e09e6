"""A lock between processes that ends with the one that holds it."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP}  # a file system without locks; filelock knows ENOSYS


@contextlib.contextmanager
def exclusive(lock: Path, what: str) -> Iterator[None]:
    """Holds a lock file while its block runs; a second process or thread waits for it, and says so.

    The lock ends with its process: the file that a killed process leaves behind blocks nobody.
    """
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        print(f"{what}: waiting for the process that holds {lock}", file=sys.stderr, flush=True)
        held.acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        held = SoftFileLock(lock)  # the file itself is the lock
        held.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()  # still held: those who wait for it see that its name is gone
        held.release()
