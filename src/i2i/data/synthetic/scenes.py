"""Street scenes with classes, drawn from a seed: an ordinary side-by-side folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from i2i.data.built_in import BuiltInSet, whole_number, write_png
from i2i.data.synthetic.drawing import draw_scene

DRAWING_VERSION = 3  # raise it whenever the same seed gives other pixels
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class SyntheticScenes(BuiltInSet):
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

    title: ClassVar[str] = "the drawn scenes"
    seed: int = 0
    n_train: int = 400
    n_val: int = 50
    n_test: int = 100
    size: int = 256

    def __post_init__(self) -> None:
        least = {"seed": 0, "n_train": 1, "n_val": 1, "n_test": 1, "size": 32}
        for name, bound in least.items():
            whole_number(f"dataset.source.{name}", getattr(self, name), bound)

    @property
    def record(self) -> dict[str, Any]:
        return {"made_by": "i2i.data.synthetic", "version": DRAWING_VERSION} | asdict(self)

    def fill(self, folder: Path) -> None:
        """Draws the pictures ``{train,val,test}/NNNN.png``."""
        for split, count in zip(SPLITS, (self.n_train, self.n_val, self.n_test), strict=True):
            (folder / split).mkdir()
            for index in range(count):
                pair = draw_scene(scene_generator(self.seed, split, index), self.size)
                write_png(folder / split / f"{index:04d}.png", np.concatenate(pair, axis=1))


def scene_generator(seed: int, split: str, index: int) -> np.random.Generator:
    """The same for each seed, split and number, on any machine."""
    key = np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index))
    return np.random.Generator(np.random.PCG64(key))
