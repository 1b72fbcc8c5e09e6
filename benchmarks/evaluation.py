"""SSIM, PSNR, FID, KID and Inception Score: one pass of this project against torchmetrics' objects.

Both sides get the same images, in the same batches, and an Inception with the same seeded random
weights.
"""

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from hydra.utils import instantiate
from torch import Tensor, nn

from benchmarks.cell import Cell, composed
from benchmarks.processes import ROOT
from i2i.images.quantise import to_uint8
from i2i.metrics.inception import InceptionFeatures, load_inception

SIZE = 256  # pixels
BATCH = 8  # images, through the network and through Inception
IMAGES = {"cuda": 256, "cpu": BATCH}  # in a round; a GPU has done one batch before the clock ticks
ROUNDS = {"cuda": 3, "cpu": 2}
Laps = tuple[float, float]  # seconds for the batches, and for the scores at the end


class Part(nn.Module):
    """Features or class scores of an Inception, as torchmetrics wants them."""

    num_features = 2048

    def __init__(self, extractor: InceptionFeatures, part: int):
        super().__init__()
        self.extractor, self.part = extractor, part

    def forward(self, images: Tensor) -> Tensor:
        return self.extractor(images)[self.part]


def measure(quick: bool) -> dict[str, Any]:
    """Times the sides in turns; the first round on a GPU, which chooses kernels, does not count.

    Args:
        quick: One batch, once.

    Returns:
        ``rows``: images/s while batches come in, its ratio to torchmetrics', and the seconds that
        the scores take at the end.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    n, rounds = (BATCH, 1) if quick else (IMAGES[device], ROUNDS[device])
    target, other = (photographs(n, seed).to(device) for seed in (0, 1))
    output = (target + other) / 2
    with tempfile.TemporaryDirectory() as folder:
        weights = random_weights(Path(folder))
        extractor = load_inception(weights, device)
        extractor(to_uint8(target[:BATCH]))  # warm
        sides: dict[str, Callable[[int], Laps]] = {
            "torchmetrics, separate objects": lambda _: run_torchmetrics(extractor, output, target),
            "one pass, first run": lambda k: run_ours(weights, output, target, f"{folder}/{k}"),
            "one pass, real side on disk": lambda k: run_ours(
                weights, output, target, f"{folder}/{k}"
            ),
        }
        laps: dict[str, list[Laps]] = {name: [] for name in sides}
        for k in range(rounds):
            for name, run in sides.items():
                laps[name].append(run(k))
    skipped = 1 if device == "cuda" and rounds > 1 else 0
    rows = []
    for name, found in laps.items():
        updates, ends = zip(*found[skipped:], strict=True)
        rows.append({"what": name, "images/s": n / median(updates), "scores, s": median(ends)})
    for row in rows:
        row["ratio"] = row["images/s"] / rows[0]["images/s"]
    return {"rows": rows, "note": f"{n} images of {SIZE} pixels."}


def run_ours(weights: Path, output: Tensor, target: Tensor, cache_dir: str) -> Laps:
    """A whole pass of this project's ``metrics=full``."""
    options = (
        "metrics=full", f"metrics.inception_weights={weights}", f"metrics.cache_dir={cache_dir}",
        f"metrics.inception_batch_size={BATCH}",
    )  # fmt: skip
    evaluator = instantiate(composed(Cell("unet", "vanilla", BATCH, SIZE, options=options)).metrics)
    evaluator.prepare(target.device, required=True)
    begun = clock(target)
    evaluator.start("val")
    for at, y_hat, y in batches(output, target):
        index = torch.arange(at, at + len(y))
        evaluator.update(index, [str(i) for i in index.tolist()], y_hat, y)
    updated = clock(target)
    evaluator.compute()
    return updated - begun, clock(target) - updated


def run_torchmetrics(extractor: InceptionFeatures, output: Tensor, target: Tensor) -> Laps:
    """The same with five objects, as their documentation has it."""
    from torchmetrics.image import (
        FrechetInceptionDistance,
        InceptionScore,
        KernelInceptionDistance,
        PeakSignalNoiseRatio,
        StructuralSimilarityIndexMeasure,
    )

    features, logits = Part(extractor, 0), Part(extractor, 1)
    pairwise = [
        StructuralSimilarityIndexMeasure(data_range=255.0),
        PeakSignalNoiseRatio(data_range=255.0, dim=(1, 2, 3)),
    ]
    distances = [
        FrechetInceptionDistance(feature=features),
        KernelInceptionDistance(feature=features, subset_size=len(target) // 2),
    ]
    score = InceptionScore(feature=logits)
    everything = [metric.to(target.device) for metric in (*pairwise, *distances, score)]
    begun = clock(target)
    for _, y_hat, y in batches(output, target):
        y_hat, y = to_uint8(y_hat), to_uint8(y)
        for metric in pairwise:
            metric.update(y_hat.float(), y.float())
        for metric in distances:
            metric.update(y, real=True)
            metric.update(y_hat, real=False)
        score.update(y_hat)
    updated = clock(target)
    for metric in everything:
        metric.compute()
    return updated - begun, clock(target) - updated


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


def random_weights(folder: Path) -> Path:
    """The stand-in of the tests: the published weights cannot be had everywhere."""
    path = ROOT / "tests" / "inception_stand_in.py"
    spec = importlib.util.spec_from_file_location("inception_stand_in", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.random_weights_file(folder / "inception.pth", 0)


def clock(on: Tensor) -> float:
    """Seconds, once the device has done what it was told."""
    if on.device.type == "cuda":
        torch.cuda.synchronize(on.device)
    return time.perf_counter()
