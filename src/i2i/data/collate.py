"""What happens to samples between the data set and the device, and to the processes that load."""

import ctypes
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import default_collate

from i2i.data.batches import Batch, images
from i2i.images.ranges import unit_range

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # the parameters' numbers in glibc's malloc.h


def finish(sample: Mapping[str, Any]) -> Batch:
    """A sample or a batch whose images are float32 in [-1, 1]; levels (uint8) become so."""
    levels = {key: image for key, image in images(sample).items() if image.dtype == torch.uint8}
    return dict(sample) | {key: unit_range(image) for key, image in levels.items()}


def collate(samples: Sequence[Mapping[str, Any]]) -> Batch:
    """A batch; its images are levels if those of all samples are, for ``finish``."""
    kinds = {image.dtype for sample in samples for image in images(sample).values()}
    return default_collate(samples if len(kinds) == 1 else [finish(sample) for sample in samples])


def settle_worker(worker: int = 0) -> None:
    """Prepares a process that does nothing but load images.

    OpenCV must not start threads of its own in each. And glibc keeps memory that was freed, blocks
    of 32 MiB included: getting the pages of each image anew took a fifth of the time.
    """
    import cv2

    cv2.setNumThreads(0)
    # macOS and musl have none; Windows has no such handle of the program itself.
    mallopt = None if os.name == "nt" else getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 32 << 20)  # bytes; the most that glibc takes
        mallopt(_TRIM_THRESHOLD, 128 << 20)
