"""The data of a run as batches: loaders over the splits, and what they share."""

import gc
import os
from collections.abc import Sequence
from typing import Any

from torch.utils.data import DataLoader, DistributedSampler

from i2i.cluster.gathering import made_once
from i2i.data.batch_sampler import ResumableBatchSampler, require_whole_batch
from i2i.data.batches import Batch
from i2i.data.collate import collate, finish, settle_worker
from i2i.data.image_dataset import CachePart, ImageDataset
from i2i.data.option_checks import SPLITS, at_least, check_crop, check_same_size, not_negative
from i2i.data.paired_transforms import PairedTransform, as_size
from i2i.data.reading.content_checks import all_looked_at
from i2i.data.reading.damage import Unreadable
from i2i.data.reading.image_cache import ImageCache, affordable, can_share
from i2i.data.splits import Splits
from i2i.messages import say


def usable_cores() -> int:
    """Cores that this process may use; where no system call tells, all of them."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_STAGE_SPLITS = {"fit": SPLITS[:2], "validate": ("val",), "test": ("test",), "predict": ()}


class PairedDataModule(Splits):
    """Pictures of two sides or of several domains in three splits; see ``batches``.

    Training batches continue where the run stands: the module's ``batches_seen`` picks the next one
    (see ``ResumableBatchSampler``). Evaluation goes through a split once, in order; see ``loader``.
    The trainer must run with ``use_distributed_sampler=False``.

    Args:
        image_size: Pixels, for a square, or [height, width]; the augmentation's too.
        crop: Pixels, or [height, width], of the middle of each image that is kept, before it is
            resized; None keeps all.
        augmentation: The training jitter, which also resizes for evaluation.
        batch_size: Training images in a batch of one process.
        eval_batch_size: The same for evaluation.
        num_workers: Loading processes for each loader; 0 loads in the main one. Changes no batch.
        seed: Fixes the order of the training images and their jitter.
        cache_gb: Gigabytes (1e9 bytes) of one machine's memory for decoded training and validation
            images, split evenly among its training processes, and at most half of what is free;
            0 for none. Changes no batch.
        data: What the set is and holds; see ``Splits``.

    Raises:
        SettingError: If an option cannot be used as it is.
    """

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        augmentation: PairedTransform,
        batch_size: int,
        eval_batch_size: int,
        num_workers: int | None,
        seed: int,
        cache_gb: float = 0,
        crop: int | Sequence[int] | None = None,
        **data: Any,  # see Splits
    ) -> None:
        super().__init__(**data)
        self.batch_size = at_least("batch_size", batch_size, 1)
        self.eval_batch_size = at_least("eval_batch_size", eval_batch_size, 1)
        if num_workers is None:
            num_workers = min(8, usable_cores() - 1)
        self.num_workers = at_least("num_workers", num_workers, 0)
        self.cache_gb = not_negative("cache_gb", cache_gb)
        self.image_size, self.augmentation, self.seed = as_size(image_size), augmentation, seed
        self.crop = None if crop is None else as_size(crop, "crop")
        check_same_size(self.image_size, augmentation.image_size)
        check_crop(crop, self.reader.sizes)
        self._cache: ImageCache | None = None  # made with the first loader of a training
        self._fits = False
        self._unreadable: Unreadable | None = None  # of the training pictures

    def setup(self, stage: str | None = None) -> None:
        """Indexes and checks the splits that the stage needs; what is indexed stays so.

        Args:
            stage: "fit", "validate", "test", "predict" or None for all splits.
        """
        self._fits |= stage == "fit"
        for split in SPLITS if stage is None else _STAGE_SPLITS[stage]:
            self.files(split)
        if stage == "fit":
            self.take_values(made_once(self.found_values))  # of the first process

    def teardown(self, stage: str) -> None:
        """Says how many training files could not be read, where others took their places."""
        if stage == "fit" and self._unreadable is not None and len(self._unreadable):
            found = f"{len(self._unreadable)} of {self._unreadable.n_units} training pictures"
            say(
                f"{found} could not be read; others took their places, as dataset.on_error=skip "
                "asks"
            )

    def check_batches(self, processes: int) -> None:
        """Refuses, before any process is started, a training split without a whole batch.

        Args:
            processes: Those of the run, on all machines.

        Raises:
            SettingError: It has none, or there is no training split.
        """
        self.require("train")
        require_whole_batch(self.set_size("train"), self.batch_size, processes)

    def dataset(self, split: str) -> ImageDataset:
        """Returns a split as evaluation sees it: integer keys, resized, nothing random."""
        return self._dataset(split)

    def train_dataloader(self) -> DataLoader:
        """Returns shuffled, jittered batches from the run's place to the end of the epoch."""
        dataset = self._loaded("train", jittered=True)
        self._unreadable = dataset.unreadable
        rank, world_size = self._place()
        sampler = ResumableBatchSampler(
            len(dataset),
            self.batch_size,
            self.seed,
            rank,
            world_size,
            position=self._batches_seen,
            limit=1.0 if self.trainer is None else self.trainer.limit_train_batches,
        )
        return DataLoader(dataset, batch_sampler=sampler, **self._loading(persistent=True))

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Turns training images, which came as levels, into [-1, 1] on the device."""
        return finish(batch)

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Returns the validation loader, or an empty list where there is no validation split."""
        return self.loader("val") if self.set_size("val") else []

    def test_dataloader(self) -> DataLoader:
        """Returns the test loader."""
        return self.loader("test")

    def loader(self, split: str) -> DataLoader:
        """Returns a split in order: every n-th image of it, on the r-th of n processes.

        All processes get the same number of images, and so of batches: Lightning passes over a
        loader without any, on that process alone, and the others then wait for it in vain. Where
        the number does not divide the split, the last ones begin it again; who gathers counts an
        image once.

        Args:
            split: train, val or test.

        Returns:
            Batches as evaluation sees them, also for the training split.

        Raises:
            SettingError: If the set has no such split.
        """
        dataset = self._loaded(split, jittered=False)
        rank, world_size = self._place()
        mine = DistributedSampler(dataset, world_size, rank, shuffle=False)
        loading = self._loading(persistent=split == "val")
        return DataLoader(dataset, self.eval_batch_size, sampler=mine, **loading)

    def _loaded(self, split: str, jittered: bool) -> ImageDataset:
        """A split for a loader: with the shared memory, and for training on a GPU as levels.

        These are a quarter of the bytes, and ``on_after_batch_transfer`` finishes them there.
        """
        self.require(split)
        kept = None
        in_training = jittered or self._fits or self._cache is not None
        if in_training and split == ("train" if jittered else "val"):  # read once an epoch
            first = 0 if jittered else self.samples("train", training=True).n_units
            kept = CachePart(self._shared_cache(), first, jittered)
        return self._dataset(split, jittered, kept=kept, as_levels=jittered and self._on_gpu())

    def _dataset(self, split: str, training: bool = False, **options: Any) -> ImageDataset:
        return ImageDataset(
            self.samples(split, training), self.reader, task=self.task, crop=self.crop,
            transform=self.augmentation,
            check_labels=not all(map(all_looked_at, self.files(split))), **options,
        )  # fmt: skip

    def _shared_cache(self) -> ImageCache:
        if self._cache is None:
            if self.cache_gb and not can_share():
                say("dataset.cache_gb: Windows shares no such memory; images are read each epoch")
            if self.cache_gb:
                gc.collect()  # caches of a sweep's earlier jobs, whose objects refer to each other
            processes = max(1, getattr(self.trainer, "num_devices", 1))  # on this machine
            share = affordable(int(self.cache_gb * 1e9)) // processes
            kept = self.samples("train", training=True), self.samples("val")
            self._cache = ImageCache(sum(samples.n_units for samples in kept), share)
        return self._cache

    def _on_gpu(self) -> bool:
        return self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"

    def _place(self) -> tuple[int, int]:
        """(rank, number of processes)."""
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size

    def _batches_seen(self) -> int:
        module = None if self.trainer is None else self.trainer.lightning_module
        return int(getattr(module, "batches_seen", 0))

    def _loading(self, *, persistent: bool) -> dict[str, Any]:
        return {
            "num_workers": self.num_workers,
            "persistent_workers": persistent and self.num_workers > 0,
            "pin_memory": self._on_gpu(),
            "collate_fn": collate,
            "worker_init_fn": settle_worker,
        }
