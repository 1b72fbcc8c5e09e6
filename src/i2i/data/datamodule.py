"""The paired data of a run: splits, loaders and the places where they are checked."""

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from i2i.data.batch_sampler import ResumableBatchSampler, ShardSampler
from i2i.data.content import check_labels, check_photos
from i2i.data.held_out import hold_out
from i2i.data.image_cache import ImageCache, affordable
from i2i.data.label_task import LabelTask
from i2i.data.loading import Collate, finish, settle_worker
from i2i.data.options import (
    SPLITS,
    at_least,
    check_held_out,
    check_labels_known,
    check_single,
    not_negative,
    one_of,
)
from i2i.data.pair_index import check_patterns, find_pairs
from i2i.data.pair_list import PairList
from i2i.data.pair_reader import Direction, LabelAs, LabelFiles, PairReader, Side
from i2i.data.paired_dataset import CachePart, PairedDataset
from i2i.data.paired_transforms import PairedTransform, as_size
from i2i.data.palette import ClassPalette
from i2i.data.task import PhotoTask, Task
from i2i.errors import setting_error

_STAGE_SPLITS = {"fit": SPLITS[:2], "validate": ("val",), "test": ("test",), "predict": ()}


class PairSource(Protocol):
    """Where a data set comes from when it is not there yet: a download, or the built-in drawing."""

    def prepare(self, root: Path) -> None:
        """Makes sure that ``root`` holds the whole data set."""


class PairedDataModule(LightningDataModule):
    """Pairs from side-by-side images or from two folders, in three splits.

    Training batches continue where the run stands: the module's ``batches_seen`` picks the next one
    (see ``ResumableBatchSampler``). Evaluation goes through a split once, in order, each image on
    one process. The trainer must run with ``use_distributed_sampler=False``.

    Args:
        name: What the set is called in tables and logs.
        root: Its folder.
        direction: "AtoB" or "BtoA".
        input_channels: 1 or 3; with class ids or a task as many as these have.
        target_channels: Likewise.
        a_folder: Folder pattern of side A, or of the side-by-side images; ``{split}`` is replaced.
        splits: train, val, test -> folder name, or None where the set publishes none.
        image_size: Pixels, for a square, or [height, width]; the augmentation's too.
        augmentation: The training jitter, which also resizes for evaluation.
        batch_size: Training images in a batch of one process.
        eval_batch_size: The same for evaluation.
        num_workers: Loading processes for each loader; 0 loads in the main one. Changes no batch.
        seed: Fixes the order of the training images and their jitter.
        b_folder: Folder pattern of side B; None for side-by-side images.
        label_side: "A" or "B" if that side is a label map, else None.
        classes: The classes of the label map, where they are known.
        label_as: Whether the network sees a label map as colours or as one-hot class ids.
        label_files: Whether label files hold colours or class ids.
        single: Whether each file is one photograph instead of two sides; needs a task.
        photo_side: The side that a task takes; None for the one that is no label map, else A.
        task: Makes input and target from the photograph of each pair; None for the pairs.
        val_from_train: Evenly spaced training pairs to hold out as val, and not train on: their
            number, or a share below 1.
        test_from_train: The same for test.
        on_error: "raise" stops on a damaged file, "skip" leaves its pair out.
        cache_gb: Gigabytes (1e9 bytes) of one machine's memory for decoded training and validation
            images, split evenly among its training processes, and at most half of what is free;
            0 for none. Changes no batch.
        source: Fetches or draws the set where it is missing; None if it is simply there.
        licence: The set's licence, for the logs.

    Raises:
        SettingError: If an option cannot be used as it is.
    """

    def __init__(
        self,
        *,
        name: str,
        root: str | Path,
        direction: Direction,
        input_channels: int,
        target_channels: int,
        a_folder: str,
        splits: Mapping[str, str | None],
        image_size: int | Sequence[int],
        augmentation: PairedTransform,
        batch_size: int,
        eval_batch_size: int,
        num_workers: int | None,
        seed: int,
        b_folder: str | None = None,
        label_side: Side | None = None,
        classes: ClassPalette | None = None,
        label_as: LabelAs = "colours",
        label_files: LabelFiles = "colours",
        single: bool = False,
        photo_side: Side | None = None,
        task: PhotoTask | None = None,
        val_from_train: float = 0,
        test_from_train: float = 0,
        on_error: Literal["raise", "skip"] = "raise",
        cache_gb: float = 0,
        source: PairSource | None = None,
        licence: str | None = None,
    ) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True  # a set can be that small
        self.name, self.root, self.licence, self.source = name, Path(root), licence, source
        self.direction: Direction = one_of("direction", direction, ("AtoB", "BtoA"))
        self.input_channels, self.target_channels = input_channels, target_channels
        self.label_side: Side | None = one_of("label_side", label_side, ("A", "B", None))
        self.classes, self.single = classes, single
        self.label_as: LabelAs = one_of("label_as", label_as, ("colours", "onehot"))
        self.label_files: LabelFiles = one_of("label_files", label_files, ("colours", "ids"))
        self.on_error = one_of("on_error", on_error, ("raise", "skip"))
        self.batch_size = at_least("batch_size", batch_size, 1)
        self.eval_batch_size = at_least("eval_batch_size", eval_batch_size, 1)
        if num_workers is None:
            num_workers = min(8, len(os.sched_getaffinity(0)) - 1)
        self.num_workers = at_least("num_workers", num_workers, 0)
        self.cache_gb = not_negative("cache_gb", cache_gb)
        self.held_out = {"val": val_from_train, "test": test_from_train}
        self.image_size, self.augmentation, self.seed = as_size(image_size), augmentation, seed
        self.splits = {split: splits.get(split) for split in SPLITS}
        self.a_folder, self.b_folder = a_folder, b_folder
        self._check_options(splits)
        check_single(single, b_folder, task)
        self.reader = PairReader(
            self.direction,
            input_channels,
            target_channels,
            self.label_side,
            classes,
            self.label_as,
            self.label_files,
            single,
            one_of("photo_side", photo_side, ("A", "B", None)),
        )
        self.task = self._task(task)
        self._pairs: dict[str, PairList] = {}
        self._cache: ImageCache | None = None  # made with the first loader of a training
        self._fits = False

    def prepare_data(self) -> None:
        """Fetches or draws the data set where it is missing (one process of each machine)."""
        if self.source is not None:
            self.source.prepare(self.root)

    def setup(self, stage: str | None = None) -> None:
        """Indexes and checks the splits that the stage needs; what is indexed stays so.

        Args:
            stage: "fit", "validate", "test", "predict" or None for all splits.
        """
        self._fits |= stage == "fit"
        for split in SPLITS if stage is None else _STAGE_SPLITS[stage]:
            self.pairs(split)

    def pairs(self, split: str) -> PairList:
        """Returns the pairs of a split; an empty list where the set has no such split.

        Args:
            split: train, val or test.

        Returns:
            The pairs, sorted by name, with the count of those left out in ``skipped``.

        Raises:
            SettingError: If the split's files cannot be used, or its name is unknown.
        """
        one_of("splits", split, SPLITS)
        if split not in self._pairs:
            folder = self.splits[split]
            if split == "train" or self.held_out[split]:
                published = self.splits["train"]
                found = PairList() if published is None else self._find(published)
                self._pairs |= hold_out(found, self.held_out, self.root)
            elif folder is None:
                self._pairs[split] = PairList()
            else:
                self._pairs[split] = self._find(folder)
        return self._pairs[split]

    def check_content(self, splits: Sequence[str] = SPLITS) -> None:
        """Looks into the files for what would spoil the training: stray labels, grey photographs.

        Args:
            splits: Those that will be read.

        Raises:
            SettingError: The classes or the task do not fit the data.
        """
        for split in splits:
            pairs = self.pairs(split)
            if isinstance(self.task, PhotoTask):
                check_photos(self.task, self.reader, pairs)
            elif self.classes is not None:
                check_labels(self.reader, pairs, f"dataset.root='{self.root}' ({split})")

    def has_lossy_labels(self) -> bool:
        """Whether a split that was indexed has labels in JPEG files, and shows them as colours."""
        if self.label_side is None or self.label_as == "onehot":
            return False  # class ids are told from the files, whatever these are
        return any(self.reader.lossy(pair) for pairs in self._pairs.values() for pair in pairs[:1])

    def dataset(self, split: str) -> PairedDataset:
        """Returns a split as evaluation sees it: integer keys, resized, nothing random."""
        return PairedDataset(
            self.pairs(split), self.reader, task=self.task, transform=self.augmentation
        )

    def set_size(self, split: str) -> int:
        """Returns the number of pairs in a split over all processes, 0 where there is none."""
        return len(self.pairs(split))

    def train_dataloader(self) -> DataLoader:
        """Returns shuffled, jittered batches from the run's place to the end of the epoch."""
        dataset = self._loaded("train", jittered=True)
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
        collate = Collate(as_levels=self._on_gpu())  # on_after_batch_transfer does the rest there
        loading = self._loading(persistent=True)
        return DataLoader(dataset, batch_sampler=sampler, collate_fn=collate, **loading)

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:
        """Turns training images, which came as levels, into [-1, 1] on the device."""
        return finish(batch)

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Returns the validation loader, or an empty list where there is no validation split."""
        return self.loader("val") if self.set_size("val") else []

    def test_dataloader(self) -> DataLoader:
        """Returns the test loader."""
        return self.loader("test")

    def loader(self, split: str) -> DataLoader:
        """Returns a split in order, each image on one process, none left out and none twice.

        Args:
            split: train, val or test.

        Returns:
            Batches as evaluation sees them, also for the training split.

        Raises:
            SettingError: If the set has no such split.
        """
        dataset = self._loaded(split, jittered=False)
        return DataLoader(
            dataset,
            batch_size=self.eval_batch_size,
            collate_fn=Collate(as_levels=False),
            sampler=ShardSampler(len(dataset), *self._place()),
            **self._loading(persistent=split == "val"),
        )

    def _loaded(self, split: str, jittered: bool) -> PairedDataset:
        """A split for a loader: with the shared memory, and levels for ``Collate``."""
        pairs = self.pairs(self._needed(split))
        kept = None
        in_training = jittered or self._fits or self._cache is not None
        if in_training and split == ("train" if jittered else "val"):  # read once an epoch
            first = 0 if jittered else self.set_size("train")
            kept = CachePart(self._shared_cache(), first, jittered)
        return PairedDataset(
            pairs,
            self.reader,
            task=self.task,
            transform=self.augmentation,
            kept=kept,
            as_levels=True,
        )

    def _shared_cache(self) -> ImageCache:
        if self._cache is None:
            gc.collect()  # the caches of a sweep's earlier jobs, whose objects refer to each other
            processes = max(1, getattr(self.trainer, "num_devices", 1))  # on this machine
            share = affordable(int(self.cache_gb * 1e9)) // processes
            self._cache = ImageCache(self.set_size("train") + self.set_size("val"), share)
        return self._cache

    def _on_gpu(self) -> bool:
        return self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"

    def _task(self, task: PhotoTask | None) -> Task:
        """What the network is shown: a task made from photographs, classes, or plain pairs."""
        role, sizes = self.reader.label_role, {}
        if task is not None:
            sizes = {"input": task.input_channels, "target": task.target_channels}
        elif self.classes is not None and self.label_as == "onehot":
            sizes = {role: self.classes.n_classes}
        elif self.classes is not None:
            sizes = {role: 3}  # colours; grey ones would be no classes
        for side in ("input", "target"):
            allowed = (sizes[side],) if side in sizes else (1, 3)
            one_of(f"{side}_channels", getattr(self, f"{side}_channels"), allowed)
        if task is not None:
            return task
        return LabelTask(self.classes, role, self.label_as) if self.classes else Task()

    def _find(self, folder: str) -> PairList:
        if folder == "." and (self.root / "train").is_dir():
            raise setting_error(
                f"dataset.root='{self.root}'",
                "a folder 'train' in it, and dataset.splits.train='.', which takes all images",
                "splits that are read apart",
                "Add dataset.splits.train=train dataset.splits.val=val dataset.splits.test=test "
                "dataset.val_from_train=0 dataset.test_from_train=0 (as far as there are such).",
            )
        return find_pairs(
            self.root,
            folder,
            a_folder=self.a_folder,
            b_folder=self.b_folder,
            single=self.single,
            on_error=self.on_error,
        )

    def _needed(self, split: str) -> str:
        if not self.pairs(split):
            raise setting_error(
                f"dataset.splits.{split}={self.splits[split]}",
                f"no {split} split in data set '{self.name}'",
                "the name of its folder",
                f"Set dataset.splits.{split}=FOLDER, or ask for another split.",
            )
        return split

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
            "worker_init_fn": settle_worker,
        }

    def _check_options(self, given: Mapping[str, Any]) -> None:
        for split in given:
            one_of("splits", split, SPLITS)
        n_splits = sum(folder is not None for folder in self.splits.values())
        check_patterns(self.a_folder, self.b_folder, n_splits)
        for split, held in self.held_out.items():
            check_held_out(split, held, self.splits)
        check_labels_known(self.label_as, self.label_files, self.label_side, self.classes)
        if self.label_files == "ids" and self.b_folder is None:
            raise setting_error(
                "dataset.label_files=ids",
                "side-by-side images",
                "class ids in files of their own",
                "Set dataset.a_folder and dataset.b_folder, or dataset.label_files=colours.",
            )
        if self.augmentation.image_size != self.image_size:
            raise setting_error(
                f"dataset.image_size={list(self.image_size)}",
                f"augmentation.image_size={list(self.augmentation.image_size)}",
                "the same size in both",
                "Leave augmentation.image_size out, so that it follows dataset.image_size.",
            )
