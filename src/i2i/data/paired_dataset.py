"""Pairs of files as a PyTorch data set."""

from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from i2i.data.batch_sampler import SampleKey
from i2i.data.image_io import as_channels, read_image
from i2i.data.pair_index import PairFiles
from i2i.data.paired_transforms import PairedTransform, Role
from i2i.data.ranges import to_float

Direction = Literal["AtoB", "BtoA"]
Side = Literal["A", "B"]


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
    ``SampleKey`` gives it as training sees it (jittered by the key's seed).

    Args:
        pairs: The files, from ``find_pairs``.
        direction: "AtoB" makes A the input and B the target; "BtoA" the reverse.
        input_channels: 1 or 3.
        target_channels: 1 or 3.
        label_side: The side that is a label map, resized without mixing colours; None if neither.
        transform: Resizes and jitters; None leaves sizes as they are.
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        *,
        direction: Direction,
        input_channels: int = 3,
        target_channels: int = 3,
        label_side: Side | None = None,
        transform: PairedTransform | None = None,
    ) -> None:
        self.pairs = pairs
        self.direction = direction
        self.input_channels, self.target_channels = input_channels, target_channels
        self.transform = transform
        self.label: Role | None = None
        if label_side is not None:
            self.label = "input" if (label_side == "A") == (direction == "AtoB") else "target"

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> PairSample:
        index, seed = key if isinstance(key, SampleKey) else (int(key), None)
        pair = self.pairs[index]
        input_image, target_image = self._read(pair)
        if self.transform is not None:
            input_image, target_image = self.transform(
                input_image, target_image, label=self.label, seed=seed
            )
        return {
            "input": to_float(input_image),
            "target": to_float(target_image),
            "name": pair.name,
            "index": index,
        }

    def _read(self, pair: PairFiles) -> tuple[np.ndarray, np.ndarray]:
        """Returns input and target, (H, W, C) each."""
        channels = (self.input_channels, self.target_channels)
        swapped = self.direction == "BtoA"
        if pair.b is None:
            both = read_image(pair.a, max(channels))
            half = both.shape[1] // 2
            halves = (both[:, :half], both[:, half:])
            sides = halves[::-1] if swapped else halves
            if min(channels) == max(channels):
                return sides
            return as_channels(sides[0], channels[0]), as_channels(sides[1], channels[1])
        files = (pair.b, pair.a) if swapped else (pair.a, pair.b)
        return read_image(files[0], channels[0]), read_image(files[1], channels[1])
