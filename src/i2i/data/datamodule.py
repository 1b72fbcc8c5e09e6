"""The paired data of a run: splits, loaders and the places where they are checked."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from i2i.data.batch_sampler import ResumableBatchSampler, ShardSampler
from i2i.data.pair_index import PairList, check_patterns, find_pairs
from i2i.data.paired_dataset import Direction, PairedDataset, Side
from i2i.data.paired_transforms import PairedTransform, as_size
from i2i.errors import setting_error

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
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
        input_channels: 1 or 3.
        target_channels: 1 or 3.
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
        val_from_train: Evenly spaced training pairs to hold out as val, and not train on.
        on_error: "raise" stops on a damaged file, "skip" leaves its pair out.
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
        val_from_train: int = 0,
        on_error: Literal["raise", "skip"] = "raise",
        source: PairSource | None = None,
        licence: str | None = None,
    ) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True  # a set can be that small
        self.name, self.root, self.licence, self.source = name, Path(root), licence, source
        self.direction: Direction = _one_of("direction", direction, ("AtoB", "BtoA"))
        self.input_channels = _one_of("input_channels", input_channels, (1, 3))
        self.target_channels = _one_of("target_channels", target_channels, (1, 3))
        self.label_side: Side | None = _one_of("label_side", label_side, ("A", "B", None))
        self.on_error = _one_of("on_error", on_error, ("raise", "skip"))
        self.batch_size = _at_least("batch_size", batch_size, 1)
        self.eval_batch_size = _at_least("eval_batch_size", eval_batch_size, 1)
        if num_workers is None:
            num_workers = min(8, len(os.sched_getaffinity(0)) - 1)
        self.num_workers = _at_least("num_workers", num_workers, 0)
        self.val_from_train = _at_least("val_from_train", val_from_train, 0)
        self.image_size, self.augmentation, self.seed = as_size(image_size), augmentation, seed
        self.splits = {split: splits.get(split) for split in SPLITS}
        self.a_folder, self.b_folder = a_folder, b_folder
        self._check_options(splits)
        self._pairs: dict[str, PairList] = {}

    def prepare_data(self) -> None:
        """Fetches or draws the data set where it is missing (one process of each machine)."""
        if self.source is not None:
            self.source.prepare(self.root)

    def setup(self, stage: str | None = None) -> None:
        """Indexes and checks the splits that the stage needs; what is indexed stays so.

        Args:
            stage: "fit", "validate", "test", "predict" or None for all splits.
        """
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
        _one_of("splits", split, SPLITS)
        if split not in self._pairs:
            folder = self.splits[split]
            if split != "test" and self.val_from_train:
                self._hold_out()
            elif folder is None:
                self._pairs[split] = PairList()
            else:
                self._pairs[split] = self._find(folder)
        return self._pairs[split]

    def dataset(self, split: str) -> PairedDataset:
        """Returns a split as evaluation sees it: integer keys, resized, nothing random."""
        return PairedDataset(
            self.pairs(split),
            direction=self.direction,
            input_channels=self.input_channels,
            target_channels=self.target_channels,
            label_side=self.label_side,
            transform=self.augmentation,
        )

    def set_size(self, split: str) -> int:
        """Returns the number of pairs in a split over all processes, 0 where there is none."""
        return len(self.pairs(split))

    def train_dataloader(self) -> DataLoader:
        """Returns shuffled, jittered batches from the run's place to the end of the epoch."""
        dataset = self.dataset(self._needed("train"))
        self.augmentation.jitter()  # imported once here rather than in every forked worker
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
        dataset = self.dataset(self._needed(split))
        return DataLoader(
            dataset,
            batch_size=self.eval_batch_size,
            sampler=ShardSampler(len(dataset), *self._place()),
            **self._loading(persistent=split == "val"),
        )

    def _find(self, folder: str) -> PairList:
        return find_pairs(
            self.root,
            folder,
            a_folder=self.a_folder,
            b_folder=self.b_folder,
            on_error=self.on_error,
        )

    def _hold_out(self) -> None:
        """Splits the published training pairs into train and val."""
        found, held = self._find(self.splits["train"]), self.val_from_train
        if held >= len(found):
            raise setting_error(
                f"dataset.val_from_train={held}",
                f"{len(found)} training pairs in '{self.root}'",
                "fewer held out than there are",
                f"Set it to {len(found) // 10} or so.",
            )
        chosen = {(2 * place + 1) * len(found) // (2 * held) for place in range(held)}
        train, val = PairList(), PairList()
        for index, pair in enumerate(found):
            (val if index in chosen else train).append(pair)
        train.skipped = found.skipped
        self._pairs |= {"train": train, "val": val}

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
        on_gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        return {
            "num_workers": self.num_workers,
            "persistent_workers": persistent and self.num_workers > 0,
            "pin_memory": on_gpu,
            "worker_init_fn": _one_thread,
        }

    def _check_options(self, given: Mapping[str, Any]) -> None:
        for split in given:
            _one_of("splits", split, SPLITS)
        n_splits = sum(folder is not None for folder in self.splits.values())
        check_patterns(self.a_folder, self.b_folder, n_splits)
        if self.val_from_train and (self.splits["val"] is not None or self.splits["train"] is None):
            raise setting_error(
                f"dataset.val_from_train={self.val_from_train}",
                f"dataset.splits with train={self.splits['train']} and val={self.splits['val']}",
                "a training split to hold out from, and no validation split",
                "Set dataset.val_from_train=0.",
            )
        if self.augmentation.image_size != self.image_size:
            raise setting_error(
                f"dataset.image_size={list(self.image_size)}",
                f"augmentation.image_size={list(self.augmentation.image_size)}",
                "the same size in both",
                "Leave augmentation.image_size out, so that it follows dataset.image_size.",
            )


def _one_of(key: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        names = ", ".join("null" if choice is None else str(choice) for choice in allowed)
        raise setting_error(
            f"dataset.{key}",
            f"'{value}'",
            f"one of {names}",
            f"For example dataset.{key}={allowed[0]}.",
        )
    return value


def _at_least(key: str, value: int, least: int) -> int:
    if not isinstance(value, int) or value < least:
        raise setting_error(
            f"dataset.{key}={value}",
            "that value",
            f"a whole number of {least} or more",
            f"For example dataset.{key}={max(least, 1)}.",
        )
    return value


def _one_thread(worker: int) -> None:
    """Keeps OpenCV from starting its own threads in each loading process."""
    import cv2

    cv2.setNumThreads(0)
