"""One training per run folder: a lock that is held for the run's life and ends with its process."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout

from i2i.errors import setting_error
from i2i.files.file_lock import let_go, taken

NAME = ".lock"


@contextlib.contextmanager
def held(folder: Path, wanted: bool = True) -> Iterator[None]:
    """Keeps every other training out of a folder while its block runs.

    The lock ends with its process: the file that a killed process leaves behind blocks nobody.

    Args:
        folder: Exists.
        wanted: Whether this process is the one of its run that holds the lock.

    Raises:
        SettingError: Another process trains there, or the lock's name is a link.
    """
    lock = folder / NAME
    if not wanted:
        yield
        return
    if lock.is_symlink():
        raise setting_error(
            f"hydra.run.dir={folder}", f"a link called {NAME} in it", "a file, or nothing",
            "Remove the link.",
        )  # fmt: skip
    try:
        mine = taken(lock, 0)
    except Timeout:
        raise setting_error(
            f"hydra.run.dir={folder}", "another process that trains there",
            "a folder that only one training writes into",
            "Wait until it has ended, or name another folder with hydra.run.dir=...",
        ) from None  # fmt: skip
    try:
        yield
    finally:
        let_go(mine, lock)
