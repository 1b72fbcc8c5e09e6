"""Looks into the files of a split before training starts."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from i2i.images.examine import examine_image
from i2i.images.formats.header import Header

# Sets that are decoded before training: a tenth of a second of one core. Files of larger ones are
# seen to be damaged when they are read.
SMALL = 16_000_000  # bytes
FEW = 1000  # files


def examined(files: Sequence[Path], most_pixels: int) -> dict[Path, Header | str]:
    """Reads the headers of files; of a small set also makes sure that all pixels are there.

    Args:
        files: Of a split.
        most_pixels: What an image may have.

    Returns:
        For each file its header, or what is wrong with it in words.
    """
    look = partial(examine_image, most_pixels=most_pixels, whole=is_small(files))
    with ThreadPoolExecutor(max_workers=8) as pool:  # waits for the disk more than it computes
        return dict(zip(files, pool.map(look, files), strict=True))


def is_small(files: Sequence[Path]) -> bool:
    """Whether a set is so small that each of its files is decoded before training."""
    if len(files) > FEW:
        return False
    total = 0
    for file in files:
        try:
            total += os.path.getsize(file)
        except OSError:
            continue  # which is said of that file by itself
        if total > SMALL:
            return False
    return True
