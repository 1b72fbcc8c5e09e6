"""An error of one process ends the run in that process's own words, and nobody hangs."""

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from conftest import ROOT, TINY_UNET, Run
from i2i.cluster.job_processes import LOST

TORCHRUN = ["-m", "torch.distributed.run", "--standalone"]


def damaged(pairs_root: Path, folder: Path, split: str) -> Path:
    """A copy whose second picture has right checksums, which are looked at first, but no pixels."""
    root = folder / "damaged"
    shutil.copytree(pairs_root, root)
    file = root / split / "001.png"
    content = bytearray(file.read_bytes())
    start = content.index(b"IDAT")
    end = start + 4 + int.from_bytes(content[start - 4 : start], "big")
    middle = (start + end) // 2
    content[middle : middle + 200] = bytes(200)
    content[end : end + 4] = zlib.crc32(content[start:end]).to_bytes(4, "big")
    file.write_bytes(content)
    return root


def told(command: list[str], folder: Path) -> list[str]:
    """What a failing command writes to stderr, without what torchrun says of itself."""
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=200,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-3000:]
    own = done.stderr if TORCHRUN[1] not in command else done.stderr.split("torch/distributed/")[0]
    assert "gloo/" not in own and "Traceback" not in own.split("ChildFailedError")[0], own[-3000:]
    return [line for line in done.stderr.splitlines() if line.startswith("Process ")]


def look_at(lines: list[str], file: Path) -> None:
    """A process names its file; the others say nothing or one line each.

    Two have the file where three share four images, and may both speak.
    """
    own = [line for line in lines if not line.endswith(LOST)]
    words = {line.partition(": ")[2] for line in own}
    assert len(words) == 1
    assert words.pop().startswith(f"image '{file}': found damaged image data (")
    speakers = [line.partition(": ")[0] for line in lines]
    assert len(set(speakers)) == len(speakers) and "Process 1" in speakers
    assert set(speakers) <= {"Process 0", "Process 1", "Process 2"}


CASES = [
    pytest.param("val", 2, False, marks=pytest.mark.slow),
    *(
        pytest.param(split, processes, torchrun, marks=pytest.mark.faults)
        for split in ("train", "val", "test")
        for processes in (2, 3)
        for torchrun in (False, True)
    ),
]


@pytest.mark.parametrize(("split", "processes", "torchrun"), CASES)
def test_training_with_a_file_that_one_process_cannot_read(
    tiny: list[str], pairs_root: Path, tmp_path: Path, split: str, processes: int, torchrun: bool
) -> None:
    root = damaged(pairs_root, tmp_path, split)
    launcher = [*TORCHRUN, f"--nproc_per_node={processes}"] if torchrun else []
    several = ["trainer=ddp", "trainer.accelerator=cpu", f"trainer.devices={processes}"]
    command = [
        *launcher, str(ROOT / "src" / "train.py"), *tiny, *TINY_UNET, *several,
        f"dataset.root={root}", "trainer.max_epochs=1", f"hydra.run.dir={tmp_path}/run",
        "augmentation=none", "baselines=false",
    ]  # fmt: skip
    look_at(told(command, tmp_path), root / split / "001.png")


@pytest.mark.faults
@pytest.mark.parametrize("torchrun", [False, True])
@pytest.mark.parametrize("processes", [2, 3])
def test_evaluating_with_a_file_that_one_process_cannot_read(
    train_once: Run, pairs_root: Path, tmp_path: Path, processes: int, torchrun: bool
) -> None:
    run = train_once("trainer.max_steps=1", folder=f"run-{processes}-{torchrun}")
    root = damaged(pairs_root, tmp_path, "test")
    launcher = [*TORCHRUN, f"--nproc_per_node={processes}"] if torchrun else []
    command = [
        *launcher, str(ROOT / "src" / "evaluate.py"), f"checkpoint={run}", "trainer=ddp",
        "trainer.accelerator=cpu", f"trainer.devices={processes}", f"dataset.root={root}",
        f"output={tmp_path}/scores", "trainer.enable_progress_bar=false",
    ]  # fmt: skip
    look_at(told(command, tmp_path), root / "test" / "001.png")


@pytest.mark.faults
def test_an_error_of_all_processes_is_told_once(train_once: Run, tmp_path: Path) -> None:
    run = train_once("trainer.max_steps=1", folder="told-once")
    command = [
        str(ROOT / "src" / "evaluate.py"), f"checkpoint={run}", "trainer=ddp",
        "trainer.accelerator=cpu", "trainer.devices=2", "metrics=full",
        f"metrics.inception_weights={tmp_path}/none.pth", f"output={tmp_path}/scores",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 1
    assert done.stderr.count("none.pth") == 1 and "Process" not in done.stderr, done.stderr
