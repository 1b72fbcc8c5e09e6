"""A lock between processes that ends with the one that holds it."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # a file system without locks


@contextlib.contextmanager
def exclusive(lock: Path, what: str) -> Iterator[None]:
    """Holds a lock file while its block runs; a second process or thread waits for it.

    The lock ends with its process: the file that a killed process leaves behind blocks nobody.
    """
    with locked(lock, what):
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.unlink()  # still held: those who wait for it see that its name is gone


def locked(lock: Path, what: str) -> IO[str]:
    """Opens the lock file and locks it; again from the start where it was removed meanwhile."""
    while True:
        handle = lock.open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{what}: waiting for the process that holds {lock}", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except (OSError, AttributeError) as error:  # AttributeError: a system without fcntl
            if fcntl is not None and error.errno not in NO_LOCKS:
                raise
            print(f"{what}: no file locks here; start one process at a time", file=sys.stderr)
            return handle
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle.fileno()), lock.stat()):
                return handle
        handle.close()
