"""Two sides of flat pictures that are known again by their level, and their data modules."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform
from i2i.images.image_io import write_png

SIZE = 8
STILL = PairedTransform(image_size=SIZE, enlarge=1, flip=False)


def picture(side: int, number: int, size: int = SIZE, channels: int = 3) -> np.ndarray:
    """Flat, so that it is known again after any jitter: side 0 is dark, side 1 bright."""
    return np.full((size, size, channels), 10 * number + 128 * side, np.uint8)


def which(image: torch.Tensor) -> tuple[int, int]:
    """Side and number of a flat picture in [-1, 1]."""
    level = round(float(image.mean()) * 127.5 + 127.5)
    return level // 128, level % 128 // 10


def fill(root: Path, counts: dict[str, tuple[int, int]], pattern: str = "{split}{side}") -> Path:
    """Flat pictures of two sides, of two sizes, with names of their own."""
    for split, of_sides in counts.items():
        for side, count in enumerate(of_sides):
            folder = root / pattern.format(split=split, side="AB"[side])
            for number in range(count):
                name = f"{'horse' if side == 0 else 'zebra'}{number}.png"
                write_png(folder / name, picture(side, number, SIZE + 4 * side))
    return root


def build(root: Path, **changes: Any) -> PairedDataModule:
    """Two sides of ``fill``, without pairs, read as they are."""
    options = {
        "name": "horses", "root": root, "direction": "AtoB", "input_channels": 3,
        "target_channels": 3, "a_folder": "{split}A", "b_folder": "{split}B", "has_pairs": False,
        "splits": {"train": "train", "val": None, "test": "test"}, "image_size": SIZE,
        "augmentation": STILL, "batch_size": 1, "eval_batch_size": 2, "num_workers": 0, "seed": 0,
    }  # fmt: skip
    return PairedDataModule(**(options | changes))


def with_pairs(root: Path, n: int = 6, **changes: Any) -> PairedDataModule:
    """Side-by-side flat pairs, read without their partners in training."""
    for split in ("train", "test"):
        for number in range(n):
            both = np.hstack([picture(0, number), picture(1, number)])
            write_png(root / split / f"{number}.png", both)
    options = {"a_folder": "{split}", "b_folder": None, "has_pairs": True, "pairing": "unpaired"}
    return build(root, **(options | changes))


def trainer(rank: int = 0, world_size: int = 1, seen: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        global_rank=rank, world_size=world_size, limit_train_batches=1.0,
        lightning_module=SimpleNamespace(batches_seen=seen),
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )  # fmt: skip


def same(left: dict, right: dict) -> bool:
    return list(left) == list(right) and all(
        torch.equal(value, right[key]) if torch.is_tensor(value) else value == right[key]
        for key, value in left.items()
    )
