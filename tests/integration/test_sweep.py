"""The user's sweep: four jobs, four folders, four offline W&B runs that can be read back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import TINY_UNET
from wandb_file import read_run


def test_four_jobs(command: Callable[..., int], tiny: list[str], tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    options = [o for o in [*tiny, *TINY_UNET] if not o.startswith(("logger=", "generator."))]
    code = command(
        "train", "-m", "generator=unet,resnet9", "gan_loss=vanilla,wgan-gp", "trainer.max_steps=3",
        *options, "generator.base_channels=4", "dataset.image_size=256", "model.ema_decay=0.9",
        f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    assert code == 0
    jobs = sorted(p for p in sweep.iterdir() if p.is_dir())
    assert [j.name for j in jobs] == ["0", "1", "2", "3"]
    seen, ids = set(), set()
    for job in jobs:
        run = read_run(job)
        config = run["config"]
        seen.add(
            (
                config["generator"]["_target_"].split(".")[-1],
                config["gan_loss"]["_target_"].split(".")[-1],
            )
        )
        ids.add((job / "wandb_id.txt").read_text())
        assert config["trainer"]["max_steps"] == 3
        keys = {key for row in run["history"] for key in row}
        assert {"train/g/l1", "train/g/gan", "train/d/real", "train/d/fake", "train/lr_g"} <= keys
        assert {"train/images_per_second", "val/ssim", "val/psnr", "test/ssim", "test/l1"} <= keys
        assert any(k.startswith("val/samples") for k in keys), keys
        assert len(run["pictures"]) >= 2
        steps = {row["trainer/global_step"] for row in run["history"] if "train/g/l1" in row}
        assert steps == {1, 2, 3}
        if config["gan_loss"]["_target_"].endswith("WassersteinGP"):
            assert "train/d/penalty" in keys
        assert (job / "checkpoints" / "last.ckpt").is_file()
        assert (job / ".hydra" / "overrides.yaml").is_file()
        scores = json.loads((job / "test_metrics.json").read_text())["scores"]
        in_wandb = [row["test/ssim"] for row in run["history"] if "test/ssim" in row]
        assert in_wandb == [next(iter(scores.values()))["ssim"]]
    assert seen == {
        (g, loss)
        for g in ("UNetGenerator", "ResnetGenerator")
        for loss in ("VanillaGAN", "WassersteinGP")
    }
    assert len(ids) == 4


def test_a_failing_job_does_not_end_the_sweep(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    sweep = tmp_path / "sweep"
    code = command(
        "train", "-m", "generator.norm=batch,bogus,instance", "trainer.max_steps=2", *tiny,
        *TINY_UNET, f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    assert code == 1
    tested = sorted(p.parent.name for p in sweep.glob("*/test_metrics.json"))
    assert tested == ["0", "2"]
    errors = capfd.readouterr().err
    assert "This job failed: generator.norm=bogus" in errors and "Traceback" not in errors
    table = (sweep / "comparison.md").read_text()
    assert "generator.norm=bogus" in table and "the run failed" in table
