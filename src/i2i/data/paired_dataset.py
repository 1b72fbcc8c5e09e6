"""Pairs of files as a PyTorch data set."""

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from i2i.data.batch_sampler import SampleKey
from i2i.data.image_cache import ImageCache
from i2i.data.pair_list import PairFiles
from i2i.data.pair_reader import PairReader
from i2i.data.paired_transforms import PairedTransform
from i2i.data.tasks.task import Task
from i2i.images.ranges import to_planes
from i2i.seeds import stable_seed


class PairSample(TypedDict):
    """One pair; images are float32 in [-1, 1]."""

    input: Tensor  # (C_in, H, W)
    target: Tensor  # (C_out, H, W)
    name: str
    index: int


class PairBatch(TypedDict):
    """What the loaders yield; images are float32 in [-1, 1]."""

    input: Tensor  # (B, C_in, H, W)
    target: Tensor  # (B, C_out, H, W)
    name: list[str]
    index: Tensor  # (B,) int64, the place in the split's sorted names


class CachePart(NamedTuple):
    """Where a data set keeps its images after the resize, which comes before all that is drawn."""

    cache: ImageCache
    first: int  # entry of its first pair
    jittered: bool  # the size that is kept: the one that the jitter needs, or the evaluation's


class PairedDataset(Dataset[PairSample]):
    """Reads pairs from disk.

    A plain integer as key gives the pair as evaluation sees it (resized, nothing random); a
    ``SampleKey`` gives it as training sees it (jittered by the key's seed). What a task draws comes
    from the key's seed in training, from the image's name in evaluation.

    Args:
        pairs: The files, from ``find_pairs``.
        reader: How they are to be understood.
        task: What the network is shown; None for the two sides as they are.
        transform: Resizes and jitters; None leaves sizes as they are.
        kept: Where images are kept in memory; None reads each from disk each time. Changes none.
        as_levels: Gives images whose encoding is plain as uint8 levels, for ``finish``.
        check_labels: Refuses a label map with colours of no class, when this process reads it for
            the first time.
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        reader: PairReader,
        *,
        task: Task | None = None,
        transform: PairedTransform | None = None,
        kept: CachePart | None = None,
        as_levels: bool = False,
        check_labels: bool = False,
    ) -> None:
        self.pairs, self.reader, self.transform = pairs, reader, transform
        self.task, self.kept, self.as_levels = task or Task(), kept, as_levels
        self.label = self.task.label_role(reader)
        checks = check_labels and reader.classes is not None
        self._unchecked = bytearray(b"\1") * len(pairs) if checks else None

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> PairSample:
        index, seed = key if isinstance(key, SampleKey) else (int(key), None)
        pair = self.pairs[index]
        images = self._resized(index, pair, jittered=seed is not None)
        if self.transform is not None and seed is not None:
            images = self.transform.jitter(images, seed, label=self.label)
        if self.as_levels and self.task.plain and all(i.dtype == np.uint8 for i in images):
            x, y = map(to_planes, images)
        else:
            seed = stable_seed("task", pair.name) if seed is None else seed
            x, y = self.task.encode(*images, seed)
        return {"input": x, "target": y, "name": pair.name, "index": index}

    def _resized(self, index: int, pair: PairFiles, jittered: bool) -> tuple[np.ndarray, ...]:
        """Input and target, or the photograph, with nothing drawn yet: kept ones, or from disk."""
        keeps = self.kept is not None and self.kept.jittered == jittered
        images = self.kept.cache.get(self.kept.first + index) if keeps else None
        if images is not None:
            return images
        check = self._unchecked is not None and bool(self._unchecked[index])
        images = self.task.read(self.reader, pair, check)
        if check:
            self._unchecked[index] = 0  # costs as much as reading a PNG: once is enough
        if self.transform is not None:
            images = self.transform.resize(images, label=self.label, jittered=jittered)
        if keeps:
            self.kept.cache.put(self.kept.first + index, images)
        return images
