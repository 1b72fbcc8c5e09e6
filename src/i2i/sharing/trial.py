"""The pictures on which an exported network is compared with the one it was made of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import PhotoTask, Task
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.inference.files_to_translate import images_of
from i2i.inference.side_by_side import looks_like_a_pair, part_to_translate
from i2i.inference.translate import pad_to_multiple
from i2i.inference.translation import read_input
from i2i.inference.translator import Translator
from i2i.seeds import stable_seed

AT_ONCE = 5  # pictures of one size
MOST = 20  # files
COARSE = 8  # pixels of the structure of drawn pictures


@dataclass(frozen=True)
class Trial:
    """Pictures of one size.

    Attributes:
        names: One a picture; their noise depends on it.
        images: (H, W, C) each, uint8, or floats on the 0..255 scale.
    """

    names: Sequence[str]
    images: Sequence[np.ndarray]

    def pixels(self, divisor: int) -> Tensor:
        """(B, H', W', C) uint8, the last row and column repeated up to multiples."""
        height, width = self.images[0].shape[:2]
        beyond = ((0, -height % divisor), (0, -width % divisor), (0, 0))
        return torch.from_numpy(np.stack([np.pad(i, beyond, "edge") for i in self.images]))

    def inputs(self, translator: Translator, divisor: int) -> Tensor:
        """What the network is shown, (B, C, H', W'), up to multiples, too."""
        seeds = [translator.task_seed(name) for name in self.names]
        pairs = zip(self.images, seeds, strict=True)
        encode = translator.task.encode_input
        return pad_to_multiple(torch.stack([encode(i, seed=seed) for i, seed in pairs]), divisor)


def of_files(
    source: Path, translator: Translator, dataset: Mapping[str, Any], output: Path
) -> list[Trial]:
    """Each picture by itself, and up to five of one size at once.

    Args:
        source: A picture or a folder, of which the first 20 are taken.
        translator: What they are for.
        dataset: The options of its data set, as its route sees them.
        output: A folder whose pictures are none to take.

    Raises:
        SettingError: There are no pictures, or one cannot be read.
    """
    files, _ = images_of(source, output, "pictures")
    found = []
    for file in files[:MOST]:
        image = read_input(file, translator.task, dict(dataset), MOST_PIXELS)
        half = looks_like_a_pair(image, dataset)
        found.append((file.stem, part_to_translate(image, file, dataset, half)))
    alone = [Trial([name], [image]) for name, image in found]
    return [*alone, *together(found)]


def together(found: Iterable[tuple[str, np.ndarray]]) -> Iterator[Trial]:
    """The first few pictures of the size of which there are most."""
    by_size: dict[tuple[int, ...], list[tuple[str, np.ndarray]]] = {}
    for name, image in found:
        by_size.setdefault(image.shape, []).append((name, image))
    group = max(by_size.values(), key=len)[:AT_ONCE]
    if len(group) > 1:
        yield Trial([name for name, _ in group], [image for _, image in group])


def drawn(translator: Translator, dataset: Mapping[str, Any], least: int) -> list[Trial]:
    """One picture of the size of training, and five of another size, from the seed alone.

    Args:
        translator: What they are for.
        dataset: The options of its data set, as its route sees them.
        least: How many divisors a side has at least.
    """
    size = dataset["image_size"]
    sides = [size, size] if isinstance(size, int) else list(size)
    small = least * translator.divisor
    other = [small, small + translator.divisor]
    sizes = [([max(side, small) for side in sides], 1), (other, AT_ONCE)]
    rng = np.random.default_rng(stable_seed(translator.seed, "trial"))
    return [
        Trial([f"drawn{i}" for i in range(n)], [picture(rng, translator.task, dataset, each)
                                                for _ in range(n)])
        for each, n in sizes
    ]  # fmt: skip


def picture(
    rng: np.random.Generator, task: Task, dataset: Mapping[str, Any], sides: Sequence[int]
) -> np.ndarray:
    """A picture of large and small structure, or a label map of squares, (H, W, C) uint8."""
    height, width = (max(1, side // task.scale) for side in sides)
    rows, columns = -(-height // COARSE), -(-width // COARSE)

    def squares(coarse: np.ndarray) -> np.ndarray:
        return coarse.repeat(COARSE, 0).repeat(COARSE, 1)[:height, :width]

    if isinstance(task, LabelTask) and task.role == "input":
        ids = rng.integers(0, task.classes.n_classes, (rows, columns), dtype=np.uint8)
        return task.classes.encode_colours(squares(ids))
    channels = 3 if isinstance(task, PhotoTask) else dataset["input_channels"]
    large = squares(rng.integers(16, 240, (rows, columns, channels)))
    return (large + rng.integers(-16, 16, large.shape)).astype(np.uint8)
