"""The built-in set: street scenes drawn from a seed, as an ordinary side-by-side folder."""

import contextlib
import json
import logging
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from i2i.data.synthetic.drawing import draw_scene
from i2i.errors import setting_error
from i2i.files.beside import beside, fresh, take_away
from i2i.files.file_lock import exclusive
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text

DRAWING_VERSION = 2  # raise it whenever the same seed gives other pixels
MANIFEST = "synthetic.json"
DRAWING = "drawing"  # ends the name of the folder that is being drawn into
SPLITS = ("train", "val", "test")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyntheticScenes:
    """Pairs of a photograph (left half, A) and its label colours (right half, B).

    Scene i of a split depends on the seed, the split and i alone, so a larger set begins with the
    pictures of a smaller one.

    Attributes:
        seed: At least 0.
        n_train: Pairs in ``train/``, at least 1.
        n_val: Pairs in ``val/``, at least 1.
        n_test: Pairs in ``test/``, at least 1.
        size: Height and width of each half in pixels, at least 32.
    """

    seed: int = 0
    n_train: int = 400
    n_val: int = 50
    n_test: int = 100
    size: int = 256

    def __post_init__(self) -> None:
        least = {"seed": 0, "n_train": 1, "n_val": 1, "n_test": 1, "size": 32}
        for name, bound in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < bound:
                expected = f"a whole number of at least {bound}"
                todo = f"Set {name} of the built-in set to {bound} or more."
                raise setting_error(f"{name}={value!r}", repr(value), expected, todo)

    @property
    def manifest(self) -> str:
        made = {"drawn_by": "i2i.data.synthetic.scenes", "version": DRAWING_VERSION}
        return json.dumps(made | asdict(self))

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(SPLITS, (self.n_train, self.n_val, self.n_test), strict=True))

    def prepare(self, root: Path) -> None:
        """Draws the set into ``root/{train,val,test}/NNNN.png``, unless it stands there already.

        It is drawn into a hidden sibling that takes the name ``root`` when all of it is there. A
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
            with exclusive(beside(root, "lock"), "the built-in set"):
                remove_leftovers(root)
                if not self._stands_in(root):
                    self._draw(root)
        except OSError as error:
            raise setting_error(
                f"dataset.root={str(root)!r}",
                f"a folder that cannot be written ({error.strerror or error})",
                f"a place for the {sum(self.counts.values())} pictures of the built-in set",
                "Name another folder with dataset.root=PATH.",
            ) from error

    def _draw(self, root: Path) -> None:
        drawing = beside(root, DRAWING)
        log.info("drawing %d street scenes into %s", sum(self.counts.values()), root)
        try:
            self._draw_into(fresh(drawing))
            try:
                drawing.replace(root)
            except OSError:
                if not self._stands_in(root):  # then one that knows no lock was faster
                    raise
        finally:
            take_away(drawing)

    def _stands_in(self, root: Path) -> bool:
        if not os.path.exists(root) or (os.path.isdir(root) and not os.listdir(root)):
            return False
        found = f"other files and no {MANIFEST}" if root.is_dir() else "a file"
        with contextlib.suppress(Unreadable):
            found = read_text(root / MANIFEST, most=10_000).strip()
        if found == self.manifest:
            counts = {split: count_pngs(root / split) for split in SPLITS}
            if counts == self.counts:
                return True
            found = f"pictures removed or added since they were drawn ({counts})"
        raise setting_error(
            f"dataset.root={str(root)!r}",
            found[:300],
            f"an empty or new folder, or the built-in set {self.manifest}",
            "Name another folder with dataset.root=PATH, or move this one away yourself.",
        )

    def _draw_into(self, folder: Path) -> None:
        for split, count in self.counts.items():
            (folder / split).mkdir()
            for index in range(count):
                photo, label = draw_scene(scene_generator(self.seed, split, index), self.size)
                pair = np.concatenate([photo, label], axis=1)[..., ::-1]
                # imwrite only returns False where a disk is full; write_bytes raises OSError.
                _, png = cv2.imencode(".png", pair, [cv2.IMWRITE_PNG_COMPRESSION, 1])
                (folder / split / f"{index:04d}.png").write_bytes(png.tobytes())
        (folder / MANIFEST).write_text(self.manifest + "\n", encoding="utf-8")


def remove_leftovers(root: Path) -> None:
    """Takes away what a drawing that was killed has left beside a folder, while it is locked."""
    names = re.compile(re.escape(f".{root.name}.") + r"[0-9a-f]{8}\.part")  # of earlier versions
    for name in os.listdir(root.parent):
        if names.fullmatch(name) or name == beside(root, DRAWING).name:
            take_away(root.with_name(name))


def count_pngs(folder: Path) -> int:
    """How many PNGs are in a folder; raises OSError where it cannot be read."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sum(name.endswith(".png") for name in names)


def scene_generator(seed: int, split: str, index: int) -> np.random.Generator:
    """The same for each seed, split and number, on any machine."""
    key = np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index))
    return np.random.Generator(np.random.PCG64(key))
