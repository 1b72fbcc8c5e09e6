"""Which image goes where: batches that do not depend on workers, processes or interruptions."""

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch.utils.data import Sampler

from i2i.errors import setting_error


class SampleKey(NamedTuple):
    """One image of a training batch and the seed of its augmentation."""

    index: int
    seed: int  # in [0, 2**63)


def mix_seed(*parts: int) -> int:
    """Hashes integers into a seed in [0, 2**63) that is the same on every machine and run."""
    text = ",".join(str(int(part)) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def require_whole_batch(n_images: int, batch_size: int, processes: int) -> None:
    """Refuses a training split that is smaller than one batch of all processes.

    Raises:
        SettingError: It is.
    """
    whole = batch_size * processes
    if n_images < whole:
        fewer = "" if processes == 1 else ", or start fewer processes (trainer.devices)"
        todo = (
            "Add images" if n_images < processes else f"Set it to {n_images // processes} or less"
        )
        raise setting_error(
            f"dataset.batch_size={batch_size}",
            f"{n_images} training images for {processes} process(es)",
            f"at least one whole batch of {batch_size} x {processes} = {whole} images",
            f"{todo}{fewer}.",
        )


class ResumableBatchSampler(Sampler[list[SampleKey]]):
    """Batches of one process, as a pure function of the seed and of the place in the run.

    Batch t of the run is batch t % E of epoch t // E, where E is ``epoch_length``. An epoch is one
    permutation of the images, cut into global batches of ``batch_size * world_size`` (the rest is
    dropped); process r takes the r-th slice of each. So 2 processes see together what 1 process
    sees at twice the batch size, and a run that was stopped goes on with the batch it would have
    seen.

    Args:
        n_images: Images in the set.
        batch_size: Images in a batch of one process.
        seed: Fixes the order and every augmentation.
        rank: This process, from 0.
        world_size: Number of processes.
        position: Returns the number of batches this run has seen; asked when iteration starts.
        limit: Batches in an epoch at most (int), or the fraction of them (float); Lightning's
            ``limit_train_batches``. It moves the epochs' boundaries, so it belongs to the run.

    Raises:
        SettingError: If there are fewer images than one global batch.
    """

    def __init__(
        self,
        n_images: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        position: Callable[[], int] = lambda: 0,
        limit: int | float = 1.0,
    ) -> None:
        require_whole_batch(n_images, batch_size, world_size)
        self.n_images, self.batch_size, self.seed = n_images, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.position, self.limit = position, limit

    def __len__(self) -> int:
        """Batches in an epoch before the limit, which the trainer applies on its own."""
        return self.n_images // (self.batch_size * self.world_size)

    @property
    def epoch_length(self) -> int:
        """Batches in an epoch after the limit."""
        if isinstance(self.limit, int):
            return min(len(self), self.limit)
        return int(len(self) * self.limit)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        """Goes from the present place to the end of its epoch."""
        if self.epoch_length == 0:
            return iter(())
        epoch, place = divmod(self.position(), self.epoch_length)  # now, not at the first next()
        return self._batches(epoch, place)

    def _batches(self, epoch: int, place: int) -> Iterator[list[SampleKey]]:
        generator = torch.Generator().manual_seed(mix_seed(self.seed, epoch))
        order = torch.randperm(self.n_images, generator=generator)
        for batch in range(place, self.epoch_length):
            start = (batch * self.world_size + self.rank) * self.batch_size
            yield [
                SampleKey(index, mix_seed(self.seed, epoch, index))
                for index in order[start : start + self.batch_size].tolist()
            ]


def images_of_a_pass(n_images: int, batch_size: int, processes: int, limit: int | float) -> int:
    """Different images that evaluation loaders give, over all processes.

    Args:
        n_images: Of the split.
        batch_size: Of one process.
        processes: How many share the split.
        limit: ``trainer.limit_val_batches`` or ``limit_test_batches``: batches of each process, or
            as a float the share of them, which Lightning rounds down.
    """
    batches = -(-n_images // (batch_size * processes))
    batches = min(limit, batches) if isinstance(limit, int) else int(batches * limit)
    return min(n_images, batches * batch_size * processes)
