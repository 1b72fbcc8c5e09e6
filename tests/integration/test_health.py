"""Short runs that are made to fail, and the alarms that they raise; a good run has none."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import Run, write_pairs
from wandb_file import read_run

SHORT = ["baselines=false", "callbacks.samples=null", "trainer.limit_test_batches=0"]
STEPS = ["trainer.max_steps=12", "trainer.limit_val_batches=0"]  # ten readings, and two before


def alarms(run_dir: Path) -> dict[str, dict]:
    found = json.loads((run_dir / "health.json").read_text())["alarms"]
    return {alarm["name"]: alarm for alarm in found}


def readings(run_dir: Path, name: str) -> list[float]:
    with (run_dir / "metrics.csv").open() as file:
        found = [row.get(f"train/health/{name}") for row in csv.DictReader(file)]
    return [float(value) for value in found if value]


FADING = ["optimizer.generator.lr=2e-3", "+optimizer.generator.weight_decay=1e4"]
FAILURES = {
    "no rate": (["optimizer.generator.lr=0"], {"nothing_moves"}),
    "no weight": (["model.discriminator_weight=0"], {"no_gradient"}),
    "diverged": (["optimizer.generator.lr=1", "model.lambda_l1=0"], {"saturated", "checkerboard"}),
    "faded": (
        [*FADING, "scheduler=constant", "dataset.batch_size=4", "trainer.max_steps=40"],
        {"g_ignores_input", "d_has_won"},
    ),
    "no penalty": (
        ["gan_loss=wgan-gp", "gan_loss.weight=0", "optimizer.discriminator.lr=0.1",
         "model.n_critic=1", "scheduler=constant", "trainer.max_steps=30"],
        {"critic_is_steep", "idle_term"},
    ),
    "small margin": (
        ["reconstruction=[l1,pan]", "reconstruction.pan.margin=1e-4"], {"idle_term"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_run_that_fails_raises_its_alarms(
    train: Run, name: str, capsys: pytest.CaptureFixture
) -> None:
    options, expected = FAILURES[name]
    run_dir = train(*SHORT, *STEPS, *options)
    found, told = alarms(run_dir), capsys.readouterr().out
    assert expected <= found.keys()
    at_the_end = told.partition("Alarms of this run")[2]
    for alarm in found.values():
        assert alarm["step"] >= 10
        assert told.count(f"Alarm at step {alarm['step']}: {alarm['text']}") == 1
        assert f"  step {alarm['step']}: {alarm['text']}" in at_the_end


def test_an_alarm_is_in_the_record_of_an_offline_wandb_run(train: Run) -> None:
    run_dir = train(*SHORT, *STEPS, "logger=wandb", "optimizer.generator.lr=0")
    found = read_run(run_dir)
    assert found["alerts"] == {name: alarm["text"] for name, alarm in alarms(run_dir).items()}
    assert "nothing_moves" in found["alerts"]
    name = "train/health/moves_g"
    assert [row[name] for row in found["history"] if name in row] == [0.0] * 12


def test_a_loss_that_is_no_number_is_an_alarm(
    tiny: list[str], command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run_dir = tmp_path / "run"
    options = ["generator.n_downs=6", "optimizer.generator.lr=1e38", *SHORT, *STEPS]
    assert command("train", *tiny, *options, f"hydra.run.dir={run_dir}") == 1
    told = alarms(run_dir)["not_finite"]["text"]
    assert "not finite since step 1, in the output of discriminator.stages.0.0 (Conv2d)" in told
    assert "first at step 1, in the output of discriminator." in capsys.readouterr().err


@pytest.fixture(scope="module")
def unlike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training pairs, and validation pairs whose targets are the negatives of the truth."""
    root = write_pairs(tmp_path_factory.mktemp("data") / "pairs", {"train": 2, "val": 4, "test": 2})
    for file in (root / "val").iterdir():
        image = cv2.imread(str(file))
        side = image.shape[1] // 2
        image[:, side:] = 255 - image[:, side:]
        cv2.imwrite(str(file), np.ascontiguousarray(image))
    return root


def test_a_validation_against_the_training_raises_its_alarms(train: Run, unlike: Path) -> None:
    run_dir = train(
        f"dataset.root={unlike}", "optimizer.generator.lr=2e-3", "augmentation=none", *SHORT,
        "trainer.max_epochs=60", "trainer.check_val_every_n_epoch=15", "model.lambda_l1=100",
    )  # fmt: skip
    found = alarms(run_dir)
    assert {"colours_invert", "overfitting_g"} <= found.keys()
    assert found["colours_invert"]["value"] < -0.5
    assert len(readings(run_dir, "val_lightness")) == 4


def test_a_discriminator_that_knows_two_pictures_raises_its_alarm(
    train: Run, tmp_path: Path
) -> None:
    root = write_pairs(tmp_path / "pairs", {"train": 2, "val": 4, "test": 2})
    run_dir = train(
        f"dataset.root={root}", "augmentation=none", "discriminator=global",
        "discriminator.base_channels=16", "optimizer.discriminator.lr=1e-3", "model.lambda_l1=0",
        *SHORT, "trainer.max_epochs=36", "trainer.check_val_every_n_epoch=12",
    )  # fmt: skip
    found = alarms(run_dir)
    assert "overfitting_d" in found and "overfitting_g" not in found
    said = readings(run_dir, "val_r_v")
    assert len(said) == 3 and min(said) > 0.9


@pytest.fixture(scope="module")
def blue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs whose targets are all of a strong blue."""
    root = write_pairs(tmp_path_factory.mktemp("data") / "blue", {"train": 8, "val": 4, "test": 2})
    for file in root.rglob("*.png"):
        image = cv2.imread(str(file))
        side = image.shape[1] // 2
        image[:, side:] = (0.3 * image[:, side:] + [170, 0, 0]).astype(np.uint8)
        cv2.imwrite(str(file), np.ascontiguousarray(image))
    return root


TIED = ["optimizer.generator.lr=2e-3", "trainer.max_epochs=6"]
UNTIED = ["model.lambda_l1=0", "optimizer.discriminator.lr=0", "trainer.max_epochs=3"]


@pytest.mark.parametrize(("options", "raised"), [(UNTIED, True), (TIED, False)], ids=str)
def test_colours_that_nothing_ties_to_the_truth_raise_an_alarm(
    train: Run, blue: Path, options: list[str], raised: bool
) -> None:
    every = f"trainer.check_val_every_n_epoch={1 if raised else 2}"
    run_dir = train(f"dataset.root={blue}", *SHORT, *options, every)
    assert ("colours_shift" in alarms(run_dir)) == raised
    apart = readings(run_dir, "val_colours")
    assert len(apart) == 3 and (min(apart) > 50 if raised else apart[-1] < 15)


def test_a_run_that_is_well_raises_none(train: Run) -> None:
    run_dir = train(*SHORT, "trainer.max_steps=24", "trainer.log_every_n_steps=2")
    assert alarms(run_dir) == {}
    assert len(readings(run_dir, "moves_g")) == 13  # and that of the first step
    assert all(value > 0 for value in readings(run_dir, "gradient_d"))
    assert len(readings(run_dir, "val_l1_ratio")) == 3
    assert len(readings(run_dir, "val_r_v")) <= 3  # of a D that tells pictures apart by then
