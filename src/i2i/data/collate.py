"""What happens to samples between the data set and the device, and to the processes that load."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from i2i.images.ranges import unit_range

_IMAGES = ("input", "target")
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # the parameters' numbers in glibc's malloc.h
_LARGEST_MAPPED = 32 << 20  # bytes; the most that glibc takes
_KEPT_FREE = 128 << 20  # bytes


class Collate:
    """Makes a batch of samples whose images are levels (uint8) or finished (float32 in [-1, 1]).

    Args:
        as_levels: Whether images that are levels in all samples stay so, a quarter of the bytes,
            for ``finish`` on the device. Otherwise they are finished here.
    """

    def __init__(self, as_levels: bool) -> None:
        self.as_levels = as_levels

    def __call__(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Returns a ``PairBatch``; its images are uint8 where the class says so."""
        rest = [{k: v for k, v in sample.items() if k not in _IMAGES} for sample in samples]
        images = {key: self._stack([sample[key] for sample in samples]) for key in _IMAGES}
        return images | default_collate(rest)

    def _stack(self, images: list[Tensor]) -> Tensor:
        levels = [image.dtype == torch.uint8 for image in images]
        if not any(levels) or (self.as_levels and all(levels)):
            return default_collate(images)
        batch = torch.empty(len(images), *images[0].shape)
        for place, image, is_level in zip(batch, images, levels, strict=True):
            if is_level:  # one at a time, while it is in the processor's cache
                unit_range(image, out=place)
            else:
                place.copy_(image)
        return batch


def finish(batch: dict[str, Any]) -> dict[str, Any]:
    """Turns the images of a batch that are levels still into float32 in [-1, 1], where they lie."""
    levels = {key: batch[key] for key in _IMAGES if batch[key].dtype == torch.uint8}
    return batch | {key: unit_range(image) for key, image in levels.items()}


def settle_worker(worker: int = 0) -> None:
    """Prepares a process that does nothing but load images.

    OpenCV must not start threads of its own in each. And memory that was freed stays with the
    process: images have the same few sizes, and getting their pages anew from the system for each
    one took a fifth of the time.
    """
    import cv2

    cv2.setNumThreads(0)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, macOS and musl do not
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_MAPPED)
        mallopt(_TRIM_THRESHOLD, _KEPT_FREE)
