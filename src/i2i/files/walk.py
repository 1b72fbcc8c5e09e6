"""The files below a folder: all of them, or an error that says which part cannot be read."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from i2i.errors import setting_error

MOST_FOLDERS = 1_000_000  # below one folder


def files_below(folder: Path, setting: str) -> Iterator[tuple[str, str]]:
    """Walks through a folder and its subfolders, linked ones too; plain text, as it is faster.

    Args:
        folder: Where to begin.
        setting: The option that names it, for the error.

    Yields:
        The subfolder, "" or with "/" on every system, and the name of each entry in it that is no
        folder, sorted within their folder.

    Raises:
        SettingError: A subfolder cannot be read, or a link leads back to a folder that it is in.
    """
    todo: list[tuple[str, tuple[tuple[int, int], ...]]] = [("", ())]
    for _ in range(MOST_FOLDERS):
        if not todo:
            return
        below, above = todo.pop()
        path = os.path.join(folder, below)
        try:
            status = os.stat(path)
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
            folders = [entry.name for entry in entries if _is_folder(entry)]
        except OSError as error:
            raise setting_error(
                setting, f"a folder that cannot be read: '{path}' ({error.strerror or error})",
                "permission to look into every folder below it",
                "Change its permissions, or take it away.",
            ) from error  # fmt: skip
        here = (status.st_dev, status.st_ino)
        if here in above and here != (0, 0):  # a file system without numbers gives zeros
            raise setting_error(
                setting, f"a link that leads back to a folder it is in: '{path}'",
                "folders that end", "Remove the link.",
            )  # fmt: skip
        inside = set(folders)
        yield from ((below, entry.name) for entry in entries if entry.name not in inside)
        prefix = f"{below}/" if below else ""
        todo += [(prefix + name, (*above, here)) for name in reversed(folders)]
    raise setting_error(
        setting, f"more than {MOST_FOLDERS:,} folders below it", "fewer", "Name a folder of them."
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link to itself is none, and is read as a file."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
