"""Opening ordinary files, of which a size is known and for which nobody has to wait."""

import os
import stat
from pathlib import Path
from typing import IO


class Unreadable(ValueError):
    """A file cannot be read; the text says why, in a few words."""


def open_regular(path: Path, buffering: int = -1) -> IO[bytes]:
    """Opens an ordinary file, or a link to one, for reading.

    Args:
        path: The file.
        buffering: As in ``open``.

    Raises:
        Unreadable: It cannot be opened, or is something else: a pipe would be waited for.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody who writes into it.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unreadable((error.strerror or str(error)).lower()) from error
    except ValueError as error:  # a name with a null byte
        raise Unreadable(str(error)) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise Unreadable("a folder" if stat.S_ISDIR(mode) else "a pipe or a device")
    return os.fdopen(descriptor, "rb", buffering)


def read_bytes(path: Path, most: int) -> bytes:
    """What a file holds.

    Args:
        path: An ordinary file, or a link to one.
        most: Bytes that it may have.

    Raises:
        Unreadable: It cannot be opened, is something else (a pipe would be waited for), or larger.
    """
    with open_regular(path, buffering=0) as file:  # a buffer costs more than a small file
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise Unreadable(f"{size:,} bytes, more than {most:,}")
        try:
            data = file.read(size)
            while len(data) < size and (more := file.read(size - len(data))):  # 2 GB at once
                data += more
            return data
        except OSError as error:
            raise Unreadable((error.strerror or str(error)).lower()) from error
