"""Decoded images in memory that all loading processes of a run share."""

import mmap
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from typing import Any

import numpy as np

try:
    import fcntl
    from multiprocessing.reduction import DupFd
except ImportError:  # Windows: no lock that ends with its process, no descriptor to hand on
    fcntl = None

_SPARE = 0.5  # of the free memory at most: what is left is for the network, and for other runs


class ImageCache:
    """Keeps what is put into it until it is full; nothing is ever replaced or taken out.

    Training goes through its whole set in another order each epoch. Under that order replacing old
    images by new ones would find none more often, and would cost a copy each time.

    The memory is a file without a name: worker processes share it, whether they are forked or
    spawned, it takes room only as images come, it is not bound by the size of /dev/shm, and the
    system frees it when the last process is gone, in whatever way that ends. The lock is a lock of
    that file: the one of a process that was killed is freed too. Threads of one process are not
    told apart, so that one thread at a time may use the cache. Windows has neither such a lock nor
    such a file: there it keeps nothing.

    Args:
        n_entries: Images, or pairs, that may be asked for, numbered from 0.
        n_bytes: What it may take at most, its own table included.
    """

    def __init__(self, n_entries: int, n_bytes: int) -> None:
        self.n_entries = n_entries
        first = 8 * (n_entries + 1)  # after the table: first free place, places by entry
        room = can_share() and n_bytes > first  # not even room for the table: no cache
        self.n_bytes = n_bytes if room else 0
        self._file: Any = None
        if self.n_bytes:
            self._open(_nameless_file())
            os.ftruncate(self._file.fileno(), self.n_bytes)
            self._map()
            self._table[0] = first

    def get(self, entry: int) -> tuple[np.ndarray, ...] | None:
        """Returns a copy of the images of an entry; None if it has none."""
        if not self.n_bytes:
            return None
        with self._locked():
            at = int(self._table[1 + entry])
        return pickle.loads(memoryview(self._memory)[at:]) if at else None

    def put(self, entry: int, images: Sequence[np.ndarray]) -> None:
        """Keeps the images of an entry, if there is room left and none are kept yet.

        Args:
            entry: 0 to ``n_entries - 1``.
            images: Of any shape and type.
        """
        if not self.n_bytes:
            return
        data = pickle.dumps(tuple(images), protocol=pickle.HIGHEST_PROTOCOL)
        with self._locked():
            at = int(self._table[0])
            if self._table[1 + entry] or at + len(data) > self.n_bytes:
                return
            self._table[0] = at + len(data)
            self._memory[at : at + len(data)] = data
            self._table[1 + entry] = at

    @property
    def used(self) -> int:
        """Bytes taken so far."""
        return int(self._table[0]) if self.n_bytes else 0

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _open(self, fd: int) -> None:
        self._file = os.fdopen(fd, "r+b", buffering=0)  # closes itself when nobody holds it

    def _map(self) -> None:
        self._memory = mmap.mmap(self._file.fileno(), self.n_bytes)
        self._table = np.frombuffer(self._memory, np.int64, self.n_entries + 1)

    def __getstate__(self) -> dict[str, Any]:
        """A process being spawned shares the memory; any other copy is a cache of 0 bytes."""
        spawning = self.n_bytes and get_spawning_popen() is not None
        shared = DupFd(self._file.fileno()) if spawning else None
        n_bytes = self.n_bytes if spawning else 0
        return {"n_entries": self.n_entries, "n_bytes": n_bytes, "shared": shared}

    def __setstate__(self, state: dict[str, Any]) -> None:
        shared = state.pop("shared")
        self.__dict__.update(state, _file=None)
        if shared is not None:
            self._open(shared.detach())
            self._map()


def can_share() -> bool:
    """Whether processes of this system can share such a memory."""
    return fcntl is not None


def affordable(n_bytes: int) -> int:
    """Lowers a cache's bound to half of the memory that is free now, where that is known."""
    return min(n_bytes, *(int(_SPARE * free) for free in _free_memory()))


def _free_memory(root: Path = Path("/")) -> Iterator[int]:
    """Bytes free on the machine, and in the container or batch job (control groups, version 2)."""
    yield 1 << 62  # no other bound
    top = root / "sys/fs/cgroup"
    try:
        yield 1024 * _table(root / "proc/meminfo")["MemAvailable:"]
        own = (root / "proc/self/cgroup").read_text().strip().rpartition("::/")[2]
    except (OSError, KeyError):
        return
    for group in (top / own, *(top / own).parents):
        with suppress(OSError, KeyError, ValueError):  # no group of memory, or "max": no bound
            bound, taken = int((group / "memory.max").read_text()), _table(group / "memory.stat")
            yield max(bound - taken["anon"] - taken["shmem"], 0)  # files are given back


def _table(file: Path) -> dict[str, int]:
    """Lines that begin with a name and a number."""
    rows = (line.split() for line in file.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows}


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("i2i-images", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
