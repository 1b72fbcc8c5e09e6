"""How fast images come, and what a hundred thousand files cost.

python benchmarks/data.py [--quick] [--out data.json]

Images per second of one core, batches of 16, from 256 x 512 JPEGs (two halves of 256 x 256) that
the disk's cache holds: the loader of the reference implementation (Pillow and torchvision), ours,
and ours with the decoded images in memory. Then what all cores deliver, and start-up and memory
with 100,000 files. Under two minutes on two cores.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from benchmarks.fresh_process import last_error, run_command
from i2i.data.collate import collate, settle_worker
from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform

BATCH = 16
WORKERS = 8
N_FILES = 100_000
LIMIT = 300.0  # seconds, of all that is done with them
N_IMAGES = 256  # pairs of the set that speed is measured on; 53 KB a file, as in facades


class Reference(Dataset):
    """As aligned_dataset.py of junyanz/pytorch-CycleGAN-and-pix2pix: resize to 286, crop, flip."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.iterdir())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Any]:
        both = Image.open(self.files[index]).convert("RGB")
        width, height = both.size
        sides = (
            both.crop((0, 0, width // 2, height)),
            both.crop((width // 2, 0, width, height)),
        )
        left, top = random.randint(0, 30), random.randint(0, 30)
        jitter = self._jitter(left, top, random.random() > 0.5)
        return {"input": jitter(sides[1]), "target": jitter(sides[0]), "name": str(index)}

    def _jitter(self, left: int, top: int, flipped: bool) -> Callable[[Image.Image], Tensor]:
        window = (left, top, left + 256, top + 256)
        steps = [
            transforms.Resize([286, 286], transforms.InterpolationMode.BICUBIC),
            transforms.Lambda(lambda image: image.crop(window)),
        ]
        if flipped:
            steps.append(transforms.Lambda(lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
        steps += [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
        return transforms.Compose(steps)


def measure(quick: bool = False) -> dict[str, Any]:
    """Measures all of it.

    Args:
        quick: Fewer repetitions: about 20 seconds instead of one or two minutes.

    Returns:
        ``rows``: what, value, unit, ratio (to the reference loader; None where it has none), note.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_set(root / "pairs" / "train", N_IMAGES, (256, 512))
        rows = one_core(root / "pairs", rounds=2 if quick else 3)
        rows += all_cores(root / "pairs", epochs=2 if quick else 5)
        link_set(root / "many" / "train", N_FILES)
        rows += many_files(root / "many", batches=20 if quick else 120)
    return {"rows": rows}


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
        "name": "bench",
        "direction": "BtoA",
        "input_channels": 3,
        "target_channels": 3,
        "a_folder": "{split}",
        "splits": {"train": "train"},
        "image_size": size,
        "augmentation": PairedTransform(image_size=size),
        "batch_size": BATCH,
        "eval_batch_size": BATCH,
        "num_workers": 0,
        "seed": 0,
    }
    return PairedDataModule(root=root, **(options | changes))


def one_core(root: Path, rounds: int) -> list[dict[str, Any]]:
    """Images per second of one core's time, in turns, so that all meet the same machine."""
    torch.set_num_threads(1)
    settle_worker()  # all four: ours sets its workers up like this
    ours = datamodule(root).train_dataloader()
    levels = DataLoader(ours.dataset, batch_sampler=ours.batch_sampler, collate_fn=collate)
    cached = datamodule(root, cache_gb=1).train_dataloader()
    kept = DataLoader(cached.dataset, batch_sampler=cached.batch_sampler, collate_fn=collate)
    reference = DataLoader(Reference(root / "train"), BATCH, shuffle=True, drop_last=True)
    loaders = {
        "Pillow + torchvision, as the reference implementation": reference,
        "ours": ours,
        "ours, as a GPU gets it (8 bit until it is there)": levels,
        "ours, decoded images in memory": cached,
        "ours, decoded images in memory, as a GPU gets it": kept,
    }
    go_through(cached)
    speeds: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(rounds):
        for name, loader in loaders.items():
            start = time.process_time()
            speeds[name].append(go_through(loader) / (time.process_time() - start))
    middle = {name: statistics.median(values) for name, values in speeds.items()}
    base = next(iter(middle.values()))
    return [
        row(f"one core: {name}", speed, "images/s", speed / base, spread(speeds[name]))
        for name, speed in middle.items()
    ]


def all_cores(root: Path, epochs: int) -> list[dict[str, Any]]:
    """What the workers deliver, and so the shortest step that never waits."""
    workers = max(1, min(WORKERS, len(os.sched_getaffinity(0))))
    note = f"{workers} workers" + (
        "" if workers == WORKERS else f": no more cores, {WORKERS} asked"
    )
    rows = []
    for name, cache_gb in (("ours", 0), ("ours, decoded images in memory", 1)):
        made = datamodule(root, num_workers=workers, cache_gb=cache_gb).train_dataloader()
        loader = DataLoader(
            made.dataset,
            batch_sampler=made.batch_sampler,
            collate_fn=collate,
            num_workers=workers,
            worker_init_fn=settle_worker,
            persistent_workers=True,
        )
        go_through(loader)
        start = time.perf_counter()
        speed = sum(go_through(loader) for _ in range(epochs)) / (time.perf_counter() - start)
        rows.append(row(f"all cores: {name}", speed, "images/s", None, note))
        step = 1e3 * BATCH / speed
        rows.append(
            row(f"shortest step of {BATCH} that never waits: {name}", step, "ms", None, note)
        )
    return rows


def many_files(root: Path, batches: int) -> list[dict[str, Any]]:
    """Start-up and memory, in a process of its own."""
    command = [sys.executable, __file__, "--many", str(root), "--batches", str(batches)]
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = run_command(command, LIMIT, os.environ | paths)
    if run.returncode:
        return [row(f"{N_FILES:,} files: {last_error(run)}", None, "", None, "failed")]
    return json.loads(run.stdout.splitlines()[-1])


def start_and_watch(root: Path, batches: int) -> list[dict[str, Any]]:
    """Opens the set of many files, reads from it, and weighs all processes on the way."""
    what, note = f"{N_FILES:,} files", "2 workers; all processes together"
    before, start, worked = memory(), time.perf_counter(), time.process_time()
    data = datamodule(root, num_workers=2, batch_size=64, image_size=32)
    data.setup("fit")
    listed = time.perf_counter() - start
    indexed = memory() - before
    stream = iter(data.train_dataloader())
    next(stream)
    first, worked = time.perf_counter() - start, time.process_time() - worked
    weights = []
    for _ in range(3):
        weights.append(memory())
        for _ in range(batches):
            next(stream)
    weights.append(memory())
    growth = (weights[-1] - weights[1]) / 1e6  # the first part is the workers' warming up
    grown = f"MB after 0, 1, 2, 3 times {64 * batches:,} images: " + ", ".join(
        f"{weight / 1e6:.0f}" for weight in weights
    )
    return [
        row(f"{what}: listed and checked", listed, "s", None, "2,000 of them looked at"),
        row(f"{what}: first batch", first, "s", None, f"after the imports; {worked:.1f} s of CPU"),
        row(f"{what}: kept in memory", indexed / N_FILES, "bytes a file", None, "main process"),
        row(f"{what}: memory growth", growth, "MB", None, f"{note}; {grown}"),
    ]  # fmt: skip


def memory() -> int:
    """Bytes of this process and those below it, shared pages counted once (PSS)."""
    own = os.getpid()
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in (own, *children)]
    return sum(
        1024 * int(line.split()[1])
        for text in texts
        for line in text.splitlines()
        if line.startswith("Pss:")
    )


def go_through(loader: Iterable[dict[str, Any]]) -> int:
    """Takes all batches; returns the number of images."""
    return sum(len(batch["name"]) for batch in loader)


def spread(values: list[float]) -> str:
    """Smallest and largest of some repetitions."""
    return f"{min(values):.0f} to {max(values):.0f} in {len(values)} rounds"


def row(
    what: str, value: float | None, unit: str, ratio: float | None, note: str
) -> dict[str, Any]:
    """One line of the table."""
    return {"what": what, "value": value, "unit": unit, "ratio": ratio, "note": note}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = ["| data | value | ratio | |", "|---|---:|---:|---|"]
    for r in rows:
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
        value = "" if r["value"] is None else f"{r['value']:,.1f} {r['unit']}"
        lines.append(f"| {r['what']} | {value} | {ratio} | {r['note']} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table, and writes the rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--many", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batches", type=int, default=150, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.many:
        print(json.dumps(start_and_watch(options.many, options.batches)))
        return
    result = measure(options.quick)
    print(table(result["rows"]))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
