"""SSIM, PSNR, FID, KID and Inception Score: one pass of this project against torchmetrics' objects.

Both sides get the same images, in the same batches, and one Inception with the same seeded random
weights. ``python benchmarks/evaluation.py`` takes about half a minute on two cores.
"""

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from i2i.images.quantise import to_uint8
from i2i.metrics import evaluator as evaluator_module
from i2i.metrics.distribution import frechet_distance
from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.inception import InceptionFeatures, load_inception

ROOT = Path(__file__).resolve().parents[1]
SIZE = 256  # pixels
BATCH = 8  # images, through the network and through Inception
ON_GPU = 256  # images in a round; a CPU has one batch
TARGET = 2.0  # times torchmetrics' images/s
Report = dict[str, Any]


class Lap(NamedTuple):
    """A stretch of time, or a moment."""

    wall: float  # seconds
    cpu: float  # seconds of all threads of this process

    def since(self, begun: "Lap") -> "Lap":
        """What went by between two moments."""
        return Lap(self.wall - begun.wall, self.cpu - begun.cpu)


class Part(nn.Module):
    """Features or class scores of an Inception, as torchmetrics wants them."""

    num_features = 2048

    def __init__(self, extractor: InceptionFeatures, part: int):
        super().__init__()
        self.extractor, self.part = extractor, part

    def forward(self, images: Tensor) -> Tensor:
        return self.extractor(images)[self.part]


def measure(quick: bool) -> Report:
    """Times both sides in turn, and FID's root.

    Args:
        quick: 8 images, once instead of twice, and a smaller set for the root.

    Returns:
        ``rows`` by name: images/s while batches come in (``images_per_s``), the ratio to
        torchmetrics' (``ratio``), the same in seconds of this process alone, which other processes
        on the machine disturb less (``cpu_ratio``), and the seconds that the scores take at the end
        (``compute_s``); ``root``: wall and CPU seconds of FID by number of images; ``target``;
        ``agreement``: relative differences of the scores; ``device``.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    n, first, rounds = planned(device, quick)
    with tempfile.TemporaryDirectory() as folder:
        extractor = random_inception(Path(folder), device)
        target, output = photographs(n, 0).to(device), photographs(n, 1).to(device)
        output = (output + target) / 2
        extractor(to_uint8(target[:BATCH]))  # warm
        sides: dict[str, Callable[[int], tuple[Lap, Lap, Report]]] = {
            "torchmetrics, separate objects": lambda k: run_torchmetrics(extractor, output, target),
            "one pass, first run": lambda k: run_ours(extractor, output, target, f"{folder}/{k}"),
            "one pass, real side on disk": lambda k: run_ours(
                extractor, output, target, f"{folder}/{k}"
            ),
        }
        times: dict[str, list[tuple[Lap, Lap, Report]]] = {name: [] for name in sides}
        for k in range(rounds):
            for name, run in sides.items():
                times[name].append(run(k))
    times = {name: found[first:] for name, found in times.items()}
    return {
        "rows": rows(times, n),
        "root": root_seconds((256,) if quick else (500, 2048)),
        "agreement": agreement(*(found[0][2] for found in list(times.values())[:2])),
        "target": TARGET,
        "device": device,
        "n_images": n,
    }


def planned(device: str, quick: bool) -> tuple[int, int, int]:
    """Images in a round, the first round that counts, and the rounds.

    On a GPU one batch is over before the clock can tell, and a first round chooses kernels.
    """
    if device == "cuda" and not quick:
        return ON_GPU, 1, 3
    return BATCH, 0, 1 if quick else 2


def rows(times: dict[str, list[tuple[Lap, Lap, Report]]], n: int) -> dict[str, Report]:
    """Medians over the rounds; the first side is what the others are compared with."""
    found = {}
    for name, rounds in times.items():
        updates, computes = [r[0] for r in rounds], [r[1] for r in rounds]
        found[name] = {
            "images_per_s": n / median(lap.wall for lap in updates),
            "cpu_s_per_image": median(lap.cpu for lap in updates) / n,
            "compute_s": median(lap.wall for lap in computes),
            "compute_cpu_s": median(lap.cpu for lap in computes),
        }
    base = next(iter(found.values()))
    for row in found.values():
        row["ratio"] = row["images_per_s"] / base["images_per_s"]
        row["cpu_ratio"] = base["cpu_s_per_image"] / row["cpu_s_per_image"]
    return found


def run_ours(
    extractor: InceptionFeatures, output: Tensor, target: Tensor, cache_dir: str
) -> tuple[Lap, Lap, Report]:
    """A whole run of this project: seconds for the batches, seconds for the end, the scores."""
    loaded = evaluator_module.find_weights, evaluator_module.load_inception
    evaluator_module.find_weights = lambda path: path
    evaluator_module.load_inception = lambda path, device: extractor
    try:
        evaluator = PairEvaluator(
            inception_batch_size=BATCH, kid_subset_size=len(target) // 2, cache_dir=cache_dir
        )
        evaluator.prepare(target.device, required=True)
    finally:
        evaluator_module.find_weights, evaluator_module.load_inception = loaded
    begun = clock(target)
    evaluator.start("val")
    for at, y_hat, y in batches(output, target):
        index = torch.arange(at, at + len(y))
        evaluator.update(index, [str(i) for i in index.tolist()], y_hat, y)
    updated = clock(target)
    values = evaluator.compute().values
    return updated.since(begun), clock(target).since(updated), values


def run_torchmetrics(
    extractor: InceptionFeatures, output: Tensor, target: Tensor
) -> tuple[Lap, Lap, Report]:
    """The same with five objects, as their documentation has it."""
    from torchmetrics.image import (
        FrechetInceptionDistance,
        InceptionScore,
        KernelInceptionDistance,
        PeakSignalNoiseRatio,
        StructuralSimilarityIndexMeasure,
    )

    features, logits = Part(extractor, 0), Part(extractor, 1)
    pairwise = {
        "ssim": StructuralSimilarityIndexMeasure(data_range=255.0),
        "psnr": PeakSignalNoiseRatio(data_range=255.0, dim=(1, 2, 3)),
    }
    distances = {
        "fid": FrechetInceptionDistance(feature=features),
        "kid": KernelInceptionDistance(feature=features, subset_size=len(target) // 2),
    }
    score = InceptionScore(feature=logits)
    everything = pairwise | distances | {"inception_score": score}
    for metric in everything.values():
        metric.to(target.device)
    begun = clock(target)
    for _, y_hat, y in batches(output, target):
        y_hat, y = to_uint8(y_hat), to_uint8(y)
        for metric in pairwise.values():
            metric.update(y_hat.float(), y.float())
        for metric in distances.values():
            metric.update(y, real=True)
            metric.update(y_hat, real=False)
        score.update(y_hat)
    updated = clock(target)
    found = {name: metric.compute() for name, metric in everything.items()}
    values = {k: float(v[0] if isinstance(v, tuple) else v) for k, v in found.items()}
    return updated.since(begun), clock(target).since(updated), values


def agreement(theirs: Report, ours: Report) -> Report:
    """Relative differences of what does not depend on a random draw."""
    return {k: abs(ours[k] / theirs[k] - 1) for k in ("ssim", "psnr", "fid")}


def root_seconds(sizes: tuple[int, ...]) -> dict[str, Report]:
    """Time of the whole of FID for n + n rows of 2048 features."""
    found = {}
    for n in sizes:
        draw = torch.Generator().manual_seed(n)
        scale = torch.logspace(0, -3, 2048)
        real, fake = ((torch.randn(n, 2048, generator=draw) * scale + s).relu() for s in (0, 0.01))
        begun = clock(real)
        frechet_distance(real, fake)
        lap = clock(real).since(begun)
        found[str(n)] = {"seconds": lap.wall, "cpu_s": lap.cpu}
    return found


def batches(output: Tensor, target: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The place of the first image, and made and real ones."""
    for at in range(0, len(target), BATCH):
        yield at, output[at : at + BATCH], target[at : at + BATCH]


def photographs(n: int, seed: int) -> Tensor:
    """(n, 3, 256, 256) in [-1, 1], smooth with a little grain."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 5, 5, generator=draw) * 2 - 1
    smooth = nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic", align_corners=True)
    return (smooth + 0.1 * torch.randn(smooth.shape, generator=draw)).clamp(-1, 1)


def random_inception(folder: Path, device: str) -> InceptionFeatures:
    """The stand-in of the tests: the published weights cannot be had everywhere."""
    path = ROOT / "tests" / "inception_stand_in.py"
    spec = importlib.util.spec_from_file_location("inception_stand_in", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return load_inception(module.random_weights_file(folder / "inception.pth", 0), device)


def clock(on: Tensor) -> Lap:
    """Now, once the device has done what it was told."""
    if on.device.type == "cuda":
        torch.cuda.synchronize(on.device)
    return Lap(time.perf_counter(), time.process_time())


def main() -> None:
    """Prints the rows; writes them as JSON where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = measure(options.quick)
    for name, row in found["rows"].items():
        print(
            f"{name:<31} {row['images_per_s']:7.2f} images/s  {row['ratio']:5.2f} x (CPU time "
            f"{row['cpu_ratio']:5.2f} x), then {row['compute_s']:.2f} s for the scores"
        )
    for n, lap in found["root"].items():
        taken = f"{lap['seconds']:.2f} s (CPU {lap['cpu_s']:.2f} s)"
        print(f"FID of {n} + {n} rows of 2048 features: {taken}")
    print(f"Relative differences of the scores: {found['agreement']}")
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
