"""How fast images come, and what a hundred thousand files cost.

Images per second of one core's time, in batches of 16, from 256 x 512 JPEGs (two halves of
256 x 256) that the disk's cache holds: the loader of the reference implementation (Pillow and
torchvision), ours, and ours with the decoded images in memory. Then the first batch of 100,000
files.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from i2i.data.collate import settle_worker
from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform

BATCH = 16
N_FILES = 100_000
N_IMAGES = 256  # pairs of the set that speed is measured on; 53 KB per file, as in facades
REFERENCE = "Pillow + torchvision, as the reference implementation"


class Reference(Dataset):
    """As aligned_dataset.py of junyanz/pytorch-CycleGAN-and-pix2pix: resize to 286, crop, flip."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.iterdir())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Any]:
        both = Image.open(self.files[index]).convert("RGB")
        middle = both.width // 2
        sides = [both.crop((x, 0, x + middle, both.height)) for x in (0, middle)]
        left, top = random.randint(0, 30), random.randint(0, 30)
        window, flip = (left, top, left + 256, top + 256), random.random() > 0.5
        jitter = transforms.Compose([
            transforms.Resize([286, 286], transforms.InterpolationMode.BICUBIC),
            transforms.Lambda(lambda image: image.crop(window)),
            transforms.Lambda(lambda image: ImageOps.mirror(image) if flip else image),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ])  # fmt: skip
        return {"input": jitter(sides[1]), "target": jitter(sides[0]), "name": str(index)}


def measure(quick: bool) -> dict[str, Any]:
    """Measures both; ``quick`` repeats less and makes fewer files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        count = N_FILES // 100 if quick else N_FILES
        link_set(root / "many" / "train", count)
        rows = [{"what": f"{count:,} files: first batch", "seconds": first_batch(root / "many")}]
        draw_set(root / "pairs" / "train", N_IMAGES // 4 if quick else N_IMAGES, (256, 512))
        return {"rows": one_core(root / "pairs", rounds=1 if quick else 3) + rows}


def draw_set(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Draws seeded JPEGs of blurred noise and grain, ``size`` is (height, width)."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = rng.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
        smooth = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
        image = (smooth + rng.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
        file = str(folder / f"{number:06}.jpg")
        cv2.imwrite(file, image, [cv2.IMWRITE_JPEG_QUALITY, 90])


def link_set(folder: Path, count: int, drawn: int = 64, size: tuple[int, int] = (32, 64)) -> None:
    """Makes ``count`` names of ``drawn`` files, small ones if not told otherwise."""
    draw_set(folder.parent / "drawn", drawn, size)
    files = sorted((folder.parent / "drawn").iterdir())
    folder.mkdir()
    for number in range(count):
        os.link(files[number % len(files)], folder / f"{number:06}.jpg")


def datamodule(root: Path, **changes: Any) -> PairedDataModule:
    """The pairs as ``dataset=folder augmentation=jitter`` reads them."""
    size = changes.pop("image_size", 256)
    options = {
        "name": "bench", "direction": "BtoA", "input_channels": 3, "target_channels": 3,
        "a_folder": "{split}", "splits": {"train": "train"}, "image_size": size,
        "augmentation": PairedTransform(image_size=size), "batch_size": BATCH,
        "eval_batch_size": BATCH, "num_workers": 0, "seed": 0,
    }  # fmt: skip
    return PairedDataModule(root=root, **(options | changes))


def one_core(root: Path, rounds: int) -> list[dict[str, Any]]:
    """Images per second of one core's time, in turns, so that all meet the same machine."""
    torch.set_num_threads(1)
    settle_worker()  # for all of them: ours sets its workers up like this
    cached = datamodule(root, cache_gb=1).train_dataloader()

    loaders = {
        REFERENCE: DataLoader(Reference(root / "train"), BATCH, shuffle=True, drop_last=True),
        "ours": datamodule(root).train_dataloader(),
        "ours, decoded images in memory": cached,
    }
    go_through(cached)
    speeds: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(rounds):
        for name, loader in loaders.items():
            start = time.process_time()
            speeds[name].append(go_through(loader) / (time.process_time() - start))
    base = median(speeds[REFERENCE])
    return [
        {"what": name, "images/s of one core": median(found), "ratio": median(found) / base,
         "smallest": min(found), "largest": max(found)}
        for name, found in speeds.items()
    ]  # fmt: skip


def first_batch(root: Path) -> float:
    """Seconds until the set is listed and checked and the first batch is there, two workers."""
    start = time.perf_counter()
    data = datamodule(root, num_workers=2, batch_size=64, image_size=32)
    data.setup("fit")
    next(iter(data.train_dataloader()))
    return time.perf_counter() - start


def go_through(loader: Iterable[dict[str, Any]]) -> int:
    """Takes all batches; returns the number of images."""
    return sum(len(batch["name"]) for batch in loader)
