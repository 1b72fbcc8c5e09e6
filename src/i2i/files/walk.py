"""The files below a folder: all of them, or an error that says which part cannot be read."""

import errno
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from i2i.errors import setting_error
from i2i.files.clutter import is_clutter

MOST_FOLDERS = 1_000_000  # below one folder


def files_below(folder: Path, setting: str) -> Iterator[tuple[str, str]]:
    """Walks through a folder and its subfolders; plain text, as it is faster.

    Links are followed, once: a folder that is reached a second time, or that holds the first one,
    is not read again. A folder's own place goes before the links to it. What ``is_clutter`` names
    is passed over.

    Args:
        folder: Where to begin.
        setting: The option that names it, for the error.

    Yields:
        The subfolder, "" or with "/" on every system, and the name of each entry in it that is no
        folder, sorted within their folder.

    Raises:
        SettingError: A subfolder cannot be read.
    """
    seen, todo, linked = set(_holding(folder)), [""], deque()
    for _ in range(MOST_FOLDERS):
        if not todo and not linked:
            return
        below = todo.pop() if todo else linked.popleft()
        path = os.path.join(folder, below)
        try:
            here = _identity(path)
            if here in seen:
                continue
            seen.add(here)
            entries = sorted(
                (entry for entry in os.scandir(path) if not is_clutter(entry.name)),
                key=lambda entry: entry.name,
            )
            folders = {entry.name: entry.is_symlink() for entry in entries if _is_folder(entry)}
        except OSError as error:
            raise setting_error(
                setting, f"a folder that cannot be read: '{path}' ({error.strerror or error})",
                "permission to look into every folder below it",
                "Change its permissions, or take it away.",
            ) from error  # fmt: skip
        yield from ((below, entry.name) for entry in entries if entry.name not in folders)
        prefix = f"{below}/" if below else ""
        todo += [prefix + name for name in reversed(folders) if not folders[name]]
        linked += [prefix + name for name in folders if folders[name]]
    raise setting_error(
        setting, f"more than {MOST_FOLDERS:,} folders below it", "fewer", "Name a folder of them."
    )


def _holding(folder: Path) -> Iterator[tuple[int, int] | str]:
    """The identities of the folders that a folder lies in, as far as they can be looked at."""
    for above in Path(os.path.realpath(folder)).parents:
        with suppress(OSError):
            yield _identity(str(above))


def _identity(path: str) -> tuple[int, int] | str:
    """Equal for two paths of one folder; the path itself where the file system has no numbers."""
    status = os.stat(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link to itself is none, and is read as a file."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
