"""Folders of runs, as far as a comparison reads them, made by hand."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from i2i.images.image_io import write_png

MORE = {"ssim": True, "psnr": True, "l1": False}
OTHERS = {"input copied": {"ssim": 0.2, "l1": 90.0}, "ceiling (real photographs)": {"ssim": 0.99}}
N = 12  # images of a run of ``make_sweep``


def make_run(
    folder: Path,
    *options: str,
    per_image: Mapping[str, Sequence[float]] | None = None,
    names: Sequence[str] | None = None,
    label: str | None = None,
    data: str = "earth",
    seed: int = 0,
    direction: str = "AtoB",
    others: Mapping[str, Mapping[str, Any]] | None = None,
    further: Mapping[str, Any] | None = None,
) -> Path:
    """A run whose scores are the means of those of its images.

    Args:
        folder: Of the run, a new one.
        options: What was typed, KEY=VALUE.
        per_image: Values of each score, NAME or ROUTE/NAME, in the order of the images; None: the
            run was not tested. There is a file for each route, as runs write it.
        names: Of the images.
        label: The option of that name.
        data: Name of the data set.
        seed: Of the run.
        direction: Of the data.
        others: Scores of baselines, by name.
        further: Scores that are none of single images.
    """
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(OmegaConf.create(list(options)), folder / ".hydra" / "overrides.yaml")
    config = {
        "label": label, "seed": seed, "model": {"lambda_l1": 100.0},
        "generator": {"_target_": "i2i.generators.unet.UNetGenerator"},
        "dataset": {"name": data, "direction": direction, "image_size": 64},
    }  # fmt: skip
    OmegaConf.save(OmegaConf.create(config), folder / "config.yaml")
    if per_image is None:
        return folder
    n = len(next(iter(per_image.values())))
    names = names or [f"place {i}" for i in range(n)]
    for route in dict.fromkeys(score.rpartition("/")[0] for score in per_image):
        own = {
            s.rpartition("/")[2]: v for s, v in per_image.items() if s.rpartition("/")[0] == route
        }
        file_name = f"per_image_{route}.csv" if route else "per_image.csv"
        with (folder / file_name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "index", *own])
            writer.writerows([names[i], i, *(v[i] for v in own.values())] for i in range(n))
    means = {score: sum(values) / n for score, values in per_image.items()}
    scores = {"model (best.ckpt)": means | dict(further or {}), **(others or {})}
    content = {"n_images": n, "scores": scores, "units": {"psnr": "dB"}, "more_is_better": MORE}
    (folder / "test_metrics.json").write_text(json.dumps(content))
    return folder


def paint(
    folder: Path,
    level: int,
    n: int = 4,
    size: int = 32,
    noise: bool = False,
    back: int | None = None,
) -> None:
    """Test pictures: inputs and targets as in every run, outputs of the run's own level.

    Args:
        folder: Of the run.
        level: Of its outputs, 0 to 255.
        n: Images.
        size: Pixels of a side.
        noise: Whether they have detail, as photographs have, or are flat.
        back: Level of what was translated back, if anything was.
    """
    kinds = [("input", 20), ("target", 200), ("output", level)]
    kinds += [] if back is None else [("back", back)]
    for index in range(n):
        for place, (kind, value) in enumerate(kinds):
            picture = np.full((size, size, 3), value + index % 32, np.uint8)
            own = (
                None
                if not noise
                else np.random.default_rng([index, place, level if place == 2 else 0])
            )
            if own is not None:
                coarse = own.integers(0, 90, (8, 8, 3)).repeat(size // 8, 0).repeat(size // 8, 1)
                picture = picture // 2 + (coarse + own.integers(0, 16, coarse.shape)).astype("u1")
            write_png(folder / "test_pictures" / f"{index:06d}_{kind}.png", picture)


def log(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A metrics.csv."""
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def make_sweep(folder: Path) -> None:
    """Two generators and two objectives, two seeds each.

    The last of the eight was interrupted, and the one before has no scores of its images.
    """
    rng = np.random.default_rng(0)
    for place in range(8):
        generator, loss, seed = (
            ("unet", "r9")[place // 4],
            ("gan", "wgan")[place // 2 % 2],
            place % 2,
        )
        level = 0.4 + 0.1 * (place // 2)
        per_image = {"ssim": rng.normal(level, 0.1, N), "l1": 60 - rng.normal(30 * level, 4, N)}
        options = (f"generator={generator}", f"gan_loss={loss}", f"seed={seed}")
        tested = {} if place == 7 else {"per_image": per_image, "others": OTHERS}
        run = make_run(folder / str(place), *options, seed=seed, **tested)
        if tested:
            paint(run, 60 + 10 * place, N)
        rows = [{"step": s, "train/g/gan": 1 / s + place, "train/health/d_right": 0.5,
                 "train/images_per_second": 4.0 + seed, "train/images_seen": 2 * s,
                 "val/ssim": level + s / 100} for s in (10, 20, 30)]  # fmt: skip
        log(run, rows)
    alarms = [{"name": "d_has_won", "step": 20, "text": "D has won"}]
    (folder / "7" / "health.json").write_text(json.dumps({"alarms": alarms}))
    (folder / "6" / "per_image.csv").write_text("damaged")
    for place, device in enumerate(("GPU one", "GPU two")):
        (folder / str(place) / "code_version.json").write_text(json.dumps({"device": device}))


def images_of(run: Path, score: str) -> dict[str, float]:
    """A score by name of the image, from the file."""
    with (run / "per_image.csv").open() as file:
        return {row["name"]: float(row[score]) for row in csv.DictReader(file)}


def score_of(run: Path, score: str) -> float:
    """A score of the model, from the file."""
    return json.loads((run / "test_metrics.json").read_text())["scores"]["model (best.ckpt)"][score]
