"""Names for what is needed beside a folder while it is being made."""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

MOST_BYTES = 255  # of a name, on all usual file systems


def beside(folder: Path, ending: str) -> Path:
    """A hidden name beside a folder: ``.maps.lock``; a hash stands for a name that is too long."""
    name = f".{folder.name}.{ending}"
    if len(os.fsencode(name)) > MOST_BYTES:
        digest = hashlib.blake2b(os.fsencode(folder.name), digest_size=8).hexdigest()
        name = f".{digest}.{ending}"
    return folder.with_name(name)


def fresh(folder: Path) -> Path:
    """Makes a folder anew, without what a process that was killed has left, or a link in its place.

    Raises:
        OSError: It cannot be made.
    """
    take_away(folder)
    folder.mkdir()
    return folder


def take_away(folder: Path) -> None:
    """Removes a folder with all that is in it, or a link without what it leads to."""
    if folder.is_symlink():
        with contextlib.suppress(OSError):
            folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
