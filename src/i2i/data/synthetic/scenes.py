"""The built-in set: street scenes drawn from a seed, as an ordinary side-by-side folder."""

import json
import logging
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from i2i.data.synthetic.drawing import draw_scene
from i2i.errors import setting_error

DRAWING_VERSION = 2  # raise it whenever the same seed gives other pixels
MANIFEST = "synthetic.json"
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

        It is drawn into a hidden sibling that takes the name ``root`` when all of it is there. Two
        processes may do this at the same time. Nothing that stands in ``root`` is ever changed.

        Args:
            root: The folder of the set; created with its parents.

        Raises:
            SettingError: If something else stands in ``root``, or if it cannot be written.
        """
        root = Path(root).resolve()
        drawing = root.parent / f".{root.name}.{secrets.token_hex(4)}.part"
        try:
            if self._stands_in(root):
                return
            log.info("drawing %d street scenes into %s", sum(self.counts.values()), root)
            self._draw_into(drawing)
            try:
                drawing.replace(root)
            except OSError:
                if not self._stands_in(root):  # then another process was faster, with the same set
                    raise
        except OSError as error:
            raise setting_error(
                f"dataset.root={str(root)!r}",
                f"a folder that cannot be written ({error.strerror or error})",
                f"a place for the {sum(self.counts.values())} pictures of the built-in set",
                "Name another folder with dataset.root=PATH.",
            ) from error
        finally:
            shutil.rmtree(drawing, ignore_errors=True)

    def _stands_in(self, root: Path) -> bool:
        if not root.exists() or (root.is_dir() and not any(root.iterdir())):
            return False
        found = f"other files and no {MANIFEST}" if root.is_dir() else "a file"
        if (root / MANIFEST).is_file():
            found = (root / MANIFEST).read_text(encoding="utf-8", errors="replace").strip()
        if found == self.manifest:
            counts = {split: len(list((root / split).glob("*.png"))) for split in SPLITS}
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
            (folder / split).mkdir(parents=True)
            for index in range(count):
                photo, label = draw_scene(scene_generator(self.seed, split, index), self.size)
                pair = np.concatenate([photo, label], axis=1)[..., ::-1]
                # imwrite only returns False where a disk is full; write_bytes raises OSError.
                _, png = cv2.imencode(".png", pair, [cv2.IMWRITE_PNG_COMPRESSION, 1])
                (folder / split / f"{index:04d}.png").write_bytes(png.tobytes())
        (folder / MANIFEST).write_text(self.manifest + "\n", encoding="utf-8")


def scene_generator(seed: int, split: str, index: int) -> np.random.Generator:
    """The same for each seed, split and number, on any machine."""
    key = np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index))
    return np.random.Generator(np.random.PCG64(key))
