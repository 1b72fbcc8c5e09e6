"""A run that was stopped ends like one that was not."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from conftest import ROOT, TINY_UNET, Run

# Everything that could carry state: dropout noise, jitter, shuffling, EMA, a decaying schedule.
LIVELY = ["model.ema_decay=0.9", "dataset.batch_size=2", "generator.norm=batch"]


def load(run_dir: Path, name: str = "last") -> dict:
    return torch.load(run_dir / "checkpoints" / f"{name}.ckpt", weights_only=True)


def assert_same_runs(a: Path, b: Path) -> None:
    """Weights of G, D and EMA, optimizers, schedules, counters and metrics."""
    one, two = load(a), load(b)
    for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch"):
        assert_same(one[key], two[key], key)
    for key in ("batches_seen", "images_seen"):
        assert one["i2i"][key] == two["i2i"][key]
    assert any(name.startswith("ema.") for name in one["state_dict"])
    assert rows(a) == rows(b)
    scores = [json.loads((run / "test_metrics.json").read_text())["scores"] for run in (a, b)]
    assert scores[0] == scores[1]
    assert_same(load(a, "best")["state_dict"], load(b, "best")["state_dict"], "best")


def rows(run_dir: Path) -> list[dict[str, str]]:
    """metrics.csv without what depends on the clock, and without the tests between stretches."""
    with (run_dir / "metrics.csv").open() as file:
        return [
            {k: v for k, v in row.items() if k != "train/images_per_second" and "test/" not in k}
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize(
    "options",
    [["gan_loss=vanilla"], ["gan_loss=wgan-gp", "model.n_critic=3"]],
    ids=["vanilla", "wgan-gp"],
)
def test_two_epochs_equal_one_and_resume_and_one(train: Run, options: list[str]) -> None:
    options = [*LIVELY, *options, "scheduler=constant"]
    straight = train(*options, "trainer.max_epochs=2", folder="straight")
    halves = train(*options, "trainer.max_epochs=1", folder="halves")
    assert load(halves)["epoch"] == 0
    again = train("trainer.max_epochs=2", f"resume={halves}", folder="halves")
    assert again == halves
    assert_same_runs(straight, halves)


def test_a_run_killed_in_the_middle_of_an_epoch_goes_on(
    train: Run, tiny: list[str], tmp_path: Path
) -> None:
    """Kill -9 in the second of three epochs; the decaying schedule is the whole plan's."""
    options = [*LIVELY, "trainer.max_epochs=3"]
    straight = train(*options, folder="straight")
    killed = tmp_path / "killed"
    command = [
        sys.executable, str(ROOT / "src" / "train.py"), *tiny, *TINY_UNET, *options,
        f"hydra.run.dir={killed}", "+callbacks.killer._target_=probes.KillAt",
        "+callbacks.killer.batches=7",
    ]  # fmt: skip
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT / "tests")}, cwd=tmp_path, timeout=250
    )
    assert done.returncode == -signal.SIGKILL
    assert load(killed)["global_step"] == 4  # the end of the first epoch
    assert len(rows(killed)) > 4  # it had gone further
    train(f"resume={killed}", folder="killed")
    assert load(killed)["global_step"] == 12
    assert_same_runs(straight, killed)


def test_a_checkpoint_from_within_an_epoch_is_enough(train: Run) -> None:
    """Steps 3 of 4 an epoch: the order of the images goes on where it stopped."""
    options = [
        *LIVELY,
        "scheduler=constant",
    ]
    straight = train(*options, "callbacks.often.every_n_train_steps=1", "trainer.max_steps=10",
                     folder="straight")  # fmt: skip
    pieces = train(*options, "callbacks.often.every_n_train_steps=1", "trainer.max_steps=3",
                   folder="pieces")  # fmt: skip
    train(f"resume={pieces}", "trainer.max_steps=7", folder="pieces")
    train(f"resume={pieces}/checkpoints/last.ckpt", "trainer.max_steps=10", folder="pieces")
    one, two = load(straight), load(pieces)
    for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert_same(one[key], two[key], key)
    assert one["i2i"]["batches_seen"] == two["i2i"]["batches_seen"] == 10


@pytest.mark.parametrize("keep", [True, False])
def test_a_run_folder_that_was_moved_keeps_its_best_score(
    train: Run, tmp_path: Path, keep: bool
) -> None:
    """The lowest SSIM counts as the best here, so that it is the first epoch's, of two."""
    options = [*LIVELY, "scheduler=constant", "callbacks.best.mode=min"]
    first = train(*options, "trainer.max_epochs=1", folder="first")
    saved = (first / "checkpoints" / "best.ckpt").read_bytes()
    (state,) = best_states(first)
    place = tmp_path / "elsewhere" / "moved"
    place.parent.mkdir()
    first.rename(place)
    if not keep:  # without the file its score is worth nothing
        (place / "checkpoints" / "best.ckpt").unlink()
    moved = train(f"resume={place}", "trainer.max_epochs=2", folder="elsewhere/moved")
    assert load(moved)["epoch"] == 1
    (after,) = best_states(moved)
    here = str(moved / "checkpoints" / "best.ckpt")
    assert after["best_model_path"] == here and list(after["best_k_models"]) == [here]
    if keep:
        assert (moved / "checkpoints" / "best.ckpt").read_bytes() == saved
        assert after["best_model_score"] == state["best_model_score"]
    else:
        assert after["best_model_score"] > state["best_model_score"]
    report = json.loads((moved / "test_metrics.json").read_text())
    assert report["checkpoint"] == here
    assert not first.exists()


def best_states(run_dir: Path) -> list[dict]:
    """What last.ckpt knows of the best one."""
    return [state for key, state in load(run_dir)["callbacks"].items() if key == "Best"]
