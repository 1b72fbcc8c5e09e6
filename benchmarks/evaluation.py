"""SSIM, PSNR, FID, KID and Inception Score: one pass of this project against torchmetrics' objects.

Both sides get the same images, in the same batches, and an Inception with the same seeded random
weights.
"""

import importlib.util
import tempfile
import time
from collections.abc import Callable
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
Update = Callable[[Tensor, Tensor, Tensor], Any]  # takes indices, made and real images
Side = tuple[Update, Callable[[], Any]]  # with what computes the scores at the end


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
        sides = {
            "torchmetrics, separate objects": lambda k: torchmetrics_side(extractor, n, device),
            "one pass, first run": lambda k: our_side(weights, f"{folder}/{k}", device),
            "one pass, real side on disk": lambda k: our_side(weights, f"{folder}/{k}", device),
        }
        laps: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for k in range(rounds):
            for name, side in sides.items():
                laps[name].append(timed(side(k), output, target))
    skipped = 1 if device == "cuda" and rounds > 1 else 0
    rows = []
    for name, found in laps.items():
        updates, ends = zip(*found[skipped:], strict=True)
        rows.append({"what": name, "images/s": n / median(updates), "scores, s": median(ends)})
    for row in rows:
        row["ratio"] = row["images/s"] / rows[0]["images/s"]
    return {"rows": rows, "note": f"{n} images of {SIZE} pixels."}


def timed(side: Side, output: Tensor, target: Tensor) -> tuple[float, float]:
    """Seconds for all batches, and for the scores at the end."""
    update, compute = side
    moments = [clock(target)]
    for index in torch.arange(len(target)).split(BATCH):
        update(index, output[index], target[index])
    moments.append(clock(target))
    compute()
    return moments[1] - moments[0], clock(target) - moments[1]


def our_side(weights: Path, cache_dir: str, device: str) -> Side:
    """This project's ``metrics=full``."""
    options = (
        "metrics=full", f"metrics.inception_weights={weights}", f"metrics.cache_dir={cache_dir}",
        f"metrics.inception_batch_size={BATCH}",
    )  # fmt: skip
    evaluator = instantiate(composed(Cell("unet", "vanilla", BATCH, SIZE, options=options)).metrics)
    evaluator.prepare(device, required=True)
    evaluator.start("val")

    def update(index: Tensor, y_hat: Tensor, y: Tensor) -> None:
        evaluator.update(index, [str(i) for i in index.tolist()], y_hat, y)

    return update, evaluator.compute


def torchmetrics_side(extractor: InceptionFeatures, n: int, device: str) -> Side:
    """The same with five objects, as their documentation has it."""
    from torchmetrics import image

    features, logits = Part(extractor, 0), Part(extractor, 1)
    pairwise = [
        image.StructuralSimilarityIndexMeasure(data_range=255.0),
        image.PeakSignalNoiseRatio(data_range=255.0, dim=(1, 2, 3)),
    ]
    distances = [
        image.FrechetInceptionDistance(feature=features),
        image.KernelInceptionDistance(feature=features, subset_size=n // 2),
    ]
    score = image.InceptionScore(feature=logits)
    everything = [metric.to(device) for metric in (*pairwise, *distances, score)]

    def update(index: Tensor, y_hat: Tensor, y: Tensor) -> None:
        y_hat, y = to_uint8(y_hat), to_uint8(y)
        for metric in pairwise:
            metric.update(y_hat.float(), y.float())
        for metric in distances:
            metric.update(y, real=True)
            metric.update(y_hat, real=False)
        score.update(y_hat)

    return update, lambda: [metric.compute() for metric in everything]


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
