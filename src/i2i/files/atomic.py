"""New files: whole or not there, and never written through a link that somebody has laid."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# O_NOFOLLOW and O_BINARY exist on some systems only; O_EXCL alone refuses a link as a last part.
NEW = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)
PART = ".part"  # how the names of files end that are not whole yet


@contextlib.contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[IO[bytes]]:
    """A new file that takes the name ``path`` when its block ends.

    Until then it is a hidden one beside it, made by nobody else: two processes that write at once
    do not mix, and one of them comes last. After an error nothing is left of it, and an older file
    of that name is as it was. A link of that name is replaced, not followed.

    Args:
        path: File to make; its folder exists.
        durable: Whether the file outlasts a loss of power from then on; costs a few milliseconds.

    Yields:
        The open file, for bytes.

    Raises:
        OSError: It cannot be written.
    """
    # Short and without the name: that may have all the 255 bytes that a name can have.
    part = path.with_name(f".i2i-{secrets.token_hex(8)}{PART}")
    try:
        with os.fdopen(os.open(part, NEW, 0o666), "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, durable: bool = True) -> None:
    """Writes a file as ``replacing`` does."""
    with replacing(path, durable) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    r"""Writes UTF-8 as ``replacing`` does; what has no UTF-8, of odd file names, as ``\udcff``."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))
