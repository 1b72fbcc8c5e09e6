"""Photographs of several domains on disk, and the smallest StarGAN that is trained on them."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from conftest import smooth_noise

SMALL_STARGAN = [
    "model=stargan", "generator=stargan", "generator.base_channels=2", "generator.n_blocks=1",
    "model.n_critic=1",
]  # fmt: skip
THREE_EACH = {"train": 3, "val": 3, "test": 3}


def write_domains(
    root: Path, levels: Mapping[str, int], counts: Mapping[str, int] = THREE_EACH
) -> list[str]:
    """Pictures of 64 x 64 of the same places in each domain.

    Args:
        root: Gets a folder for each split, and in it one for each domain.
        levels: What is added to a place, by domain.
        counts: Places of each split.

    Returns:
        The options of the data set.
    """
    rng = np.random.default_rng(0)
    for split, count in counts.items():
        for i in range(count):
            image = smooth_noise(rng, 64) // 2
            for name, level in levels.items():
                (root / split / name).mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(root / split / name / f"{i}.png"), image + level)
    return [
        f"dataset.root={root}", "dataset.a_folder='{split}/{domain}'",
        f"dataset.domains=[{','.join(levels)}]", "dataset.splits.val=val",
        "dataset.val_from_train=0",
    ]  # fmt: skip
