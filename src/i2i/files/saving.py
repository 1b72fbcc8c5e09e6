"""Files of ``torch.save`` that are whole or not there, and words for disks that take no more."""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from i2i.errors import setting_error
from i2i.files.atomic import UNFINISHED, replacing


@contextlib.contextmanager
def writing(path: Path, kept: str = "") -> Iterator[None]:
    """Puts into words that a file could not be written.

    Args:
        path: The file.
        kept: A sentence that says what is left as it was.

    Raises:
        SettingError: The block raised OSError: the disk is full, the file or folder is protected,
            or the folder is gone.
    """
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        if not path.parent.is_dir():
            what = f"no folder {path.parent} any more"
        raise setting_error(
            str(path), f"no way to write it ({what})", "a folder with room, that may be written to",
            f"{kept}Make room, mend the permissions, or name another folder with "
            "hydra.run.dir=... or output=...",
        ) from error  # fmt: skip


def save_whole(content: Any, path: Path) -> None:
    """Saves so that the name holds the old file or the new one, whole, at every moment.

    The new file is written beside the old one under a name of its own, forced onto the disk, read
    back and checked, and only then gets its name. A process that is killed on the way leaves a file
    that ``remove_unfinished`` knows. No link is followed: neither one at the name, which is
    replaced, nor one at the folder, which is refused.

    Args:
        content: Tensors and plain values, for torch.save.
        path: The file; its folder exists.

    Raises:
        SettingError: It could not be written, or what was written reads back otherwise.
    """
    kept = "The one saved before is still there. " if path.is_file() else ""
    refuse_link(path.parent)
    memory = io.BytesIO()  # where a disk is full, torch's own writer raises many types
    torch.save(content, memory)
    with writing(path, kept), replacing(path, check=require_whole) as file:
        file.write(memory.getbuffer())


def require_whole(file: Path) -> None:
    """Reads a file of torch.save back.

    Raises:
        OSError: It is damaged.
    """
    if (damage := damage_of(file)) is not None:
        raise OSError(f"what was written reads back damaged: {damage}")


def refuse_link(folder: Path) -> None:
    """Refuses to save through a link, which would write into another place than the run's folder.

    Raises:
        SettingError: It is one.
    """
    if folder.is_symlink():
        raise setting_error(
            str(folder), f"a link to {os.readlink(folder)}", "a folder, or nothing yet",
            "Remove the link; to save elsewhere, name that place with hydra.run.dir=...",
        )  # fmt: skip


def remove_unfinished(folder: Path) -> None:
    """Removes what savings left that were killed; to be called by the one process that saves."""
    refuse_link(folder)
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if UNFINISHED.fullmatch(file.name) and file.is_file() and not file.is_symlink():
            file.unlink(missing_ok=True)


def damage_of(file: Path) -> str | None:
    """What is wrong with a file of torch.save; None where each record has its own checksum.

    torch writes the CRC-32 of every record, but does not look at it when it reads.

    Args:
        file: To be read. One that is no zip archive, as old torch wrote it, has no checksums.

    Raises:
        OSError: It cannot be read.
    """
    try:
        if not zipfile.is_zipfile(file):
            with file.open("rb") as begun:
                return "a file that was cut short" if begun.read(2) == b"PK" else None
        with zipfile.ZipFile(file) as records:
            infos = records.infolist()
            # torch never compresses: a record that does could take all memory when it is read.
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                scripted = any("/code/" in info.filename for info in infos)
                if scripted:
                    return "a program of TorchScript, and not weights alone"
                return "compressed records, which torch does not write"
            if sum(info.file_size for info in infos) > file.stat().st_size:
                return "records that are larger than the file"
            bad = records.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        return f"records that cannot be read ({error})"
    return None if bad is None else f"another checksum than was saved (record {bad})"
