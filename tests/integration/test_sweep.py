"""The user's sweep: four jobs, four folders, four offline W&B runs that can be read back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

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
    *jobs, comparison = sorted(p for p in sweep.iterdir() if p.is_dir())
    assert [j.name for j in jobs] == ["0", "1", "2", "3"]
    found = read_run(comparison)
    assert found["run"]["type"] == "compare" and found["run"]["group"].endswith("/sweep")
    files = {f"comparison.{kind}" for kind in ("html", "md", "csv", "png")}
    assert found["artifacts"]["comparison"]["files"].keys() == files
    seen, ids, names = set(), set(), set()
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
        names.add(run["run"]["name"])
        presets = [config["presets"][group] for group in ("generator", "gan_loss")]
        assert {"pix2pix", "folder", *presets} <= set(run["run"]["tags"])
        assert run["run"]["type"] == "train" and run["run"]["group"].endswith("/sweep")
        assert [config["options"][group] for group in ("generator", "gan_loss")] == presets
        assert run["best"]["val/ssim"] == "max" and run["best"]["val/l1"] == "min"
        assert config["units"]["psnr"] == "dB"
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
    assert len(names) == 4 and any(n.startswith("resnet9 wgan-gp folder") for n in names), names


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


def test_optuna_goes_up_prunes_and_outlives_a_failure(
    command: Callable[..., int], tiny: list[str], tmp_path: Path
) -> None:
    """A learning rate of 1e-8 learns nothing: such jobs are stopped after their first epoch."""
    sweep = tmp_path / "sweep"
    code = command(
        "train", "-m", *tiny, *TINY_UNET, "hydra/sweeper=optuna", "callbacks=pruning",
        "generator.norm=batch,bogus,instance", "optimizer.generator.lr=2e-4,1e-8",
        "trainer.max_epochs=2", "baselines=false", "callbacks.samples=null",
        "callbacks.pruning.pruner.n_startup_trials=1", f"hydra.sweep.dir={sweep}",
        "hydra.sweeper.n_trials=5", "hydra.sweeper.sampler.seed=0",
    )  # fmt: skip
    assert code == 0
    states: dict[str, set[str]] = {}
    for folder in sorted(p for p in sweep.iterdir() if p.is_dir()):
        options = dict(o.split("=", 1) for o in OmegaConf.load(folder / ".hydra/overrides.yaml"))
        record = folder / "pruning.json"
        state = json.loads(record.read_text())["state"] if record.is_file() else "failed"
        kind = (
            "bogus" if options["generator.norm"] == "bogus" else options["optimizer.generator.lr"]
        )
        states.setdefault(kind, set()).add(state)
        assert (folder / "test_metrics.json").is_file() is (state == "complete")
    assert states == {"bogus": {"failed"}, "0.0002": {"complete"}, "1e-08": {"pruned"}}
    best = OmegaConf.load(sweep / "optimization_results.yaml")
    assert best.best_params["optimizer.generator.lr"] == 2e-4  # up, not down
    assert "pruned at step 8: val/ssim" in (sweep / "comparison.md").read_text()


def optuna_sweep(tiny: list[str], sweep: Path, *norms: str) -> list[str]:
    """Options of three jobs that try both of two norms."""
    return [
        "-m", *tiny, *TINY_UNET, "hydra/sweeper=optuna", "hydra.sweeper.sampler.seed=1",
        f"generator.norm={','.join(norms)}", "trainer.max_steps=1", "baselines=false",
        "callbacks.samples=null", f"hydra.sweep.dir={sweep}", "hydra.sweeper.n_jobs=1",
        "hydra.sweeper.n_trials=3",
    ]  # fmt: skip


def test_nan_counts_as_failed_in_optuna(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(cfg: Any, *_: Any) -> float:
        return float("nan") if cfg.generator.norm == "batch" else 0.1

    monkeypatch.setattr("i2i.commands.train.score_for_sweep", score)
    sweep = tmp_path / "sweep"
    assert command("train", *optuna_sweep(tiny, sweep, "batch", "instance")) == 0
    best = OmegaConf.load(sweep / "optimization_results.yaml")
    assert best.best_params == {"generator.norm": "instance"} and best.best_value == 0.1
    tried = [OmegaConf.load(f)["generator"]["norm"] for f in sweep.glob("*/config.yaml")]
    assert sorted(set(tried)) == ["batch", "instance"] and len(tried) == 3


def test_an_optuna_sweep_that_fails_as_a_whole_ends_with_its_table(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    sweep = tmp_path / "sweep"
    assert command("train", *optuna_sweep(tiny, sweep, "bogus", "wrong")) == 1
    printed = capfd.readouterr()
    assert printed.out.count(": no test_metrics.json: the run failed") == 3
    assert "Traceback" not in printed.err
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("hydra/sweeper=optuna: found no job that ended with a score")
