"""Pairs of files as a PyTorch data set."""

from collections.abc import Sequence
from typing import TypedDict

from torch import Tensor
from torch.utils.data import Dataset

from i2i.data.batch_sampler import SampleKey
from i2i.data.pair_index import PairFiles
from i2i.data.pair_reader import PairReader
from i2i.data.paired_transforms import PairedTransform
from i2i.data.task import PhotoTask, Task
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
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        reader: PairReader,
        *,
        task: Task | None = None,
        transform: PairedTransform | None = None,
    ) -> None:
        self.pairs, self.reader, self.transform = pairs, reader, transform
        self.task = task or Task()

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> PairSample:
        index, seed = key if isinstance(key, SampleKey) else (int(key), None)
        pair = self.pairs[index]
        task_seed = stable_seed("task", pair.name) if seed is None else seed
        if isinstance(self.task, PhotoTask):
            photo = self.reader.photo(pair)
            if self.transform is not None:
                photo = self.transform.photo(photo, seed=seed)
            x, y = self.task.make(photo, task_seed)
        else:
            images = self.reader.pair(pair)
            if self.transform is not None:
                images = self.transform(*images, label=self.reader.label_role, seed=seed)
            x, y = self.task.encode(*images, task_seed)
        return {"input": x, "target": y, "name": pair.name, "index": index}
