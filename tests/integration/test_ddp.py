"""Two CPU processes with gloo: the ranks stay equal, and equal one process at the doubled batch."""

import contextlib
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import ROOT, TINY_UNET, Run, run_command
from i2i.images.grid import GAP
from i2i.images.reading import Reading
from wandb_file import read_run

RESNET = ["generator=resnet9", "generator.n_blocks=1", "discriminator.norm=instance"]


def start(name: str, *options: str, cwd: Path) -> subprocess.CompletedProcess:
    """Runs a command in processes of its own."""
    return subprocess.run(
        [sys.executable, str(ROOT / "src" / f"{name}.py"), *options],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")}, cwd=cwd, timeout=280,
        capture_output=True, text=True,
    )  # fmt: skip


def trail(tiny: list[str], tmp_path: Path, processes: int, *options: str) -> Path:
    """Trains while every process saves its weights after each batch."""
    run_dir = tmp_path / f"run{processes}"
    options = (
        *tiny, "augmentation=jitter", f"hydra.run.dir={run_dir}",
        "+callbacks.trail._target_=probes.WeightTrail", f"+callbacks.trail.folder={run_dir}/trail",
        *options,
    )  # fmt: skip
    if processes == 1:
        assert run_command("train", *options, cwd=tmp_path) == 0
        return run_dir
    several = ["trainer=ddp", "trainer.accelerator=cpu", f"trainer.devices={processes}"]
    done = start("train", *options, *several, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    return run_dir


@pytest.mark.slow
def test_ranks_are_bit_equal_after_every_update(tiny: list[str], tmp_path: Path) -> None:
    """U-Net with batch norm and dropout; the objectives follow below, without a command around."""
    options = [*TINY_UNET, "generator.norm=batch", "trainer.max_steps=3"]
    run_dir = trail(tiny, tmp_path, 2, *options)
    files = sorted((run_dir / "trail").glob("*_rank0.pt"))
    assert len(files) == 3
    last = None
    for file in files:
        one = torch.load(file, weights_only=True)
        two = torch.load(str(file).replace("rank0", "rank1"), weights_only=True)
        assert [n for n in one if not torch.equal(one[n], two[n])] == []
        assert last is None or any(not torch.equal(one[n], last[n]) for n in one)
        last = one
    assert not list(tmp_path.glob("outputs"))  # the second process made no folder of its own
    saved = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["i2i"]["processes"] == 2
    look_at_test_pictures(run_dir / "samples")


def look_at_test_pictures(folder: Path) -> None:
    """Those of process 0, which had 3 of the 5 test images; the second one removed none of them."""
    files = [f"{i:03d}_{kind}.png" for i in range(3) for kind in ("input", "output", "target")]
    assert sorted(file.name for file in (folder / "test").iterdir()) == files
    grid = Reading().read(folder / "test.png")
    cells = iter(files)
    for top in range(GAP, grid.shape[0], 64 + GAP):
        for left in range(GAP, grid.shape[1], 64 + GAP):
            image = Reading().read(folder / "test" / next(cells))
            assert np.array_equal(grid[top : top + 64, left : left + 64], image)
    assert next(cells, None) is None


@pytest.mark.slow
def test_ranks_are_bit_equal_under_every_objective(tmp_path: Path) -> None:
    """Two batches of each, in one pair of processes; what they do stands in every_loss_on_two."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("tests", "src", "."))
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "every_loss_on_two.py")], cwd=tmp_path, timeout=280,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("rank 0: ")]
    names = [line.split()[2] for line in lines]
    games = ["vanilla", "lsgan", "hinge", "wgan-gp", "r1", "pan", "none", "parts"]
    assert names == [*games, "cyclegan", "bicyclegan", "discogan", "classifier"]
    batches = {"discogan": 3}  # of which D has one alone
    for name, line in zip(names, lines, strict=True):
        words = f"{batches.get(name, 2)} updates, equal after each, other data, moved"
        assert line.endswith(words), line


@pytest.mark.slow
def test_two_processes_equal_one_at_the_doubled_batch(tiny: list[str], tmp_path: Path) -> None:
    """Ten steps with instance norm and no dropout, jitter and shuffling on.

    The processes add their gradients up in another order than one process does. Adam divides by the
    gradient's size, so that a difference in the last bit of a gradient near zero can move a weight
    by a share of the learning rate; eps = 1e-3 damps that. What is left was measured at 2e-6 after
    a movement of 1.7e-3; the bound is five times that, a wrong average would be a hundred times.
    """
    options = [
        *RESNET, "trainer.max_steps=10", "+optimizer.generator.eps=1e-3",
        "+optimizer.discriminator.eps=1e-3",
    ]  # fmt: skip
    two = trail(tiny, tmp_path, 2, *options, "dataset.batch_size=1")
    one = trail(tiny, tmp_path, 1, *options, "dataset.batch_size=2")
    a, b = (torch.load(run / "trail" / "010_rank0.pt", weights_only=True) for run in (two, one))
    first = torch.load(one / "trail" / "001_rank0.pt", weights_only=True)
    moved = max((b[n] - first[n]).abs().max().item() for n in b)
    worst = max((a[n] - b[n]).abs().max().item() for n in a)
    assert moved > 1e-4
    assert worst < 1e-5, f"weights differ by {worst} after moving by {moved}"
    assert_same_losses(two, one)


def assert_same_losses(two: Path, one: Path) -> None:
    """What is logged is the mean over all processes, not process 0's own images' losses."""
    histories = []
    for run in (two, one):
        with (run / "metrics.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["train/g/l1"]]
        histories.append({int(row["step"]): row for row in rows})
    assert histories[0].keys() == histories[1].keys() and len(histories[0]) == 10
    terms = [key for key in rows[0] if key.startswith(("train/g/", "train/d/"))]
    assert {"train/g/l1", "train/g/gan", "train/d/real", "train/d/fake"} <= set(terms)
    for step, row in histories[1].items():
        for term in terms:
            found = float(histories[0][step][term])
            assert found == pytest.approx(float(row[term]), rel=1e-3), (step, term)


@pytest.mark.slow
def test_scores_are_equal_on_one_and_three_processes(
    train: Run, command: Callable[..., int], tmp_path: Path
) -> None:
    """5 test images, which 3 does not divide; dropout noise on."""
    run_dir = train("trainer.max_steps=2", folder="trained")
    options = [f"checkpoint={run_dir}", "trainer.accelerator=cpu"]
    one, three = tmp_path / "one", tmp_path / "three"
    assert command("evaluate", *options, "trainer=cpu", f"output={one}") == 0
    several = ["trainer=ddp", "trainer.devices=3", f"output={three}"]
    done = start("evaluate", *options, *several, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    results = [json.loads((out / "metrics.json").read_text()) for out in (one, three)]
    assert results[0]["n_images"] == results[1]["n_images"] == 5
    assert results[0]["scores"] == results[1]["scores"]
    assert (one / "per_image.csv").read_text() == (three / "per_image.csv").read_text()


def group_of(folder: Path) -> list[str]:
    """Command lines of the processes that still run and name a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if str(folder) in line else []
    return found


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_sweep_of_ddp_jobs(tiny: list[str], tmp_path: Path, launcher: str) -> None:
    """Each job starts its own second process, ends it, and leaves the next one alone.

    In a process of joblib, too, which is no program that could be started again. The first job
    loses its second process in the middle of training. The experiment is a sweep by itself, and
    the second process, which is started with the job's options, must not start it again.
    """
    sweep = tmp_path / "sweep"
    several = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"] if launcher == "joblib" else []
    options = [o for o in tiny if not o.startswith("logger=")]
    done = start(
        "train", "experiments=table1_losses", "experiments/variants_table1=gan,l1", *options,
        *TINY_UNET, "trainer=ddp", "trainer.accelerator=cpu", *several, "trainer.max_steps=1",
        f"hydra.sweep.dir={sweep}", "+callbacks.lose._target_=probes.LoseProcess",
        "+callbacks.lose.label=${label}", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-3000:]
    folders = sorted(p.name for p in sweep.iterdir() if p.is_dir())
    assert folders == ["0", "1", "wandb_comparison"]
    assert not (sweep / "0" / "test_metrics.json").exists()
    assert (sweep / "1" / "test_metrics.json").is_file()
    assert any("train/g/l1" in row for row in read_run(sweep / "1")["history"])
    table = (sweep / "comparison.md").read_text()
    assert "| L1 |" in table and "- GAN (0): no test_metrics.json" in table
    assert [p.name for p in tmp_path.iterdir()] == ["sweep"]
    assert group_of(sweep) == []
