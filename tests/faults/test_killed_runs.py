"""kill -9 at 20 seeded moments, with the run on another file system than TMPDIR."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from conftest import ROOT, TINY_UNET, run_command, run_training
from i2i.files.weights import load_safely

KILLS, STEPS = 20, 40
MEMORY = Path("/dev/shm")  # a tmpfs on Linux
OPTIONS = [
    *TINY_UNET, f"trainer.max_steps={STEPS}", "trainer.max_epochs=-1", "model.ema_decay=0.9",
    "callbacks.often.every_n_train_steps=1", "baselines=false", "dataset.batch_size=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on another file system than the folder for temporary files."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path_factory.getbasetemp().stat().st_dev:
        pytest.skip("no second file system")
    folder = MEMORY / f"i2i-faults-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def straight(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The last checkpoint of a run that nobody kills."""
    run_dir = run_training(tiny, tmp_path_factory.mktemp("straight") / "run", *OPTIONS)
    return load(run_dir)


def load(run_dir: Path) -> dict:
    file = run_dir / "checkpoints" / "last.ckpt"
    return load_safely(file, f"checkpoint={file}", "a checkpoint", "Use another one.")


def killed_run(run_dir: Path, tiny: list[str], rng: random.Random) -> None:
    """Trains in a process of its own, and kills it some savings after the first one."""
    command = [
        sys.executable, str(ROOT / "src" / "train.py"), *tiny, *OPTIONS, f"hydra.run.dir={run_dir}"
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=run_dir.parent
    )
    last, saved, seen = run_dir / "checkpoints" / "last.ckpt", rng.randrange(1, STEPS // 2), set()
    moment = rng.random() / 50  # seconds: a saving takes about as long
    deadline = time.monotonic() + 120
    while len(seen) < saved and process.poll() is None and time.monotonic() < deadline:
        if last.exists():
            seen.add(last.stat().st_mtime_ns)
    end = time.monotonic() + moment
    while time.monotonic() < end:
        pass
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.faults
@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_run_is_readable_and_goes_on_bit_for_bit(
    kill: int, elsewhere: Path, straight: dict, tiny: list[str]
) -> None:
    run_dir = elsewhere / f"run{kill}"
    killed_run(run_dir, tiny, random.Random(kill))
    assert 0 < load(run_dir)["global_step"] < STEPS
    assert run_command("train", f"resume={run_dir}", cwd=elsewhere) == 0
    again = load(run_dir)
    for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert_same(straight[key], again[key], key)
    assert torch.isfinite(next(iter(again["state_dict"].values()))).all()
    assert sorted(f.name for f in (run_dir / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
