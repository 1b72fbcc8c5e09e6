"""Errors of one file among many: they name the file, whatever went wrong, and may cost it alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from i2i.errors import SettingError, first_line, setting_error
from i2i.printable import printable

ON_ERROR = ("raise", "skip")
NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "failed to allocate")


def check_on_error(value: object) -> None:
    """Refuses an ``on_error`` that is none.

    Raises:
        SettingError: It is not raise or skip.
    """
    if value not in ON_ERROR:
        raise setting_error(
            f"on_error={value}", repr(value), "raise or skip",
            "skip leaves out the files that cannot be translated, and counts them.",
        )  # fmt: skip


@contextmanager
def about(*files: Path) -> Iterator[None]:
    """Turns every error of its block into one that names a file, the first of some.

    Raises:
        SettingError: The block failed, in whatever way.
    """
    file = files[0]
    what = printable(f"input file '{file}'")
    try:
        yield
    except SettingError as error:
        if printable(file) in str(error):
            raise
        raise SettingError(f"{what}: {error}") from error
    except Exception as error:
        reason = first_line(error)
        if isinstance(error, MemoryError) or any(w in str(error).lower() for w in NO_MEMORY):
            raise setting_error(
                what, f"too little memory for it ({reason})", "a picture that fits",
                "Translate it in tiles (tile=512), or on the CPU (accelerator=cpu).",
            ) from error  # fmt: skip
        raise setting_error(
            what, f"an error of its translation ({type(error).__name__}: {reason})",
            "a picture that the model can translate",
            "on_error=skip leaves it out; I2I_TRACEBACK=1 in the environment shows the place.",
        ) from error  # fmt: skip


@dataclass
class Counts:
    """What became of the images."""

    written: int = 0
    left_out: int = 0  # as on_error=skip asks
    standing: int = 0  # as overwrite=skip asks


@dataclass
class Written:
    """The files that were written so far, by which a second one of the same name is noticed.

    Two names that differ to this program may be one to the file system: a.png and A.png, or two
    ways to write an accent.

    Args:
        replaces: Whether what others have written may be replaced.

    Attributes:
        files: Each of them.
        images: Of which all pictures were written.
    """

    replaces: bool
    images: int = field(default=0, init=False)
    files: set[tuple[int, int]] = field(default_factory=set)

    def refuse(self, targets: list[Path]) -> None:
        """Makes sure that none of these files came to be meanwhile.

        Raises:
            SettingError: One did.
        """
        for target in filter(os.path.lexists, targets):
            ours = _identity(target) in self.files
            if ours or not self.replaces:
                who = "an earlier image of this command" if ours else "somebody else meanwhile"
                raise setting_error(
                    f"output file '{target}'", f"a file that {who} wrote",
                    "a name that no other picture has", "Rename the image, or name another output.",
                )  # fmt: skip

    def add(self, targets: list[Path]) -> None:
        """Notes what was written."""
        self.files.update(map(_identity, targets))


def _identity(file: Path) -> tuple[int, int]:
    status = os.lstat(file)
    return status.st_dev, status.st_ino
