"""On CamVid's real photographs, where they are at hand."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from i2i.images.reading import Reading

SKY, ROAD = (128, 128, 128), (128, 64, 128)


@pytest.mark.real_data
@pytest.mark.slow
def test_camvid_is_learnt(command: Callable[..., int], tmp_path: Path) -> None:
    """A small U-Net at 128 x 128: the L1 falls by a third, sky is brighter than road."""
    run_dir = tmp_path / "camvid"
    code = command(
        "train", "dataset=camvid", f"dataset.root={os.environ['I2I_CAMVID']}",
        "dataset.image_size=128", "dataset.batch_size=4", "dataset.num_workers=0",
        "generator.n_downs=7", "generator.base_channels=16", "discriminator.base_channels=16",
        "metrics=pairwise", "logger=csv", "trainer=cpu", "trainer.enable_progress_bar=false",
        "trainer.max_steps=120", "trainer.limit_val_batches=4", "trainer.limit_test_batches=1",
        "validate_first=true", "baselines=false", "optimizer.generator.lr=1e-3",
        f"hydra.run.dir={run_dir}",
    )  # fmt: skip
    assert code == 0
    rows = [r for r in csv.DictReader((run_dir / "metrics.csv").open()) if r["val/l1"]]
    assert [int(r["step"]) for r in rows] == [0, 120]
    assert float(rows[1]["val/l1"]) < 2 / 3 * float(rows[0]["val/l1"])
    grid = cv2.imread(str(run_dir / "samples" / "test.png"))[:, :, ::-1].astype(int)
    label, made = grid[:, 4:132], grid[:, 136:264]

    def brightness(colour: tuple[int, int, int]) -> float:
        return made[np.abs(label - colour).max(2) == 0].mean()

    assert brightness(SKY) > brightness(ROAD) + 30


@pytest.mark.real_data
def test_camvid_palette_png_is_read_as_its_colours() -> None:
    root = Path(os.environ["I2I_CAMVID"])
    file = sorted((root / "val" / "label").glob("*.png"))[0]
    colours = {tuple(c) for c in Reading().read(file).reshape(-1, 3).tolist()}
    assert {SKY, ROAD} <= colours
    assert len(colours) <= 12
