"""Disks that are full, or become so, at each kind of write: a real tmpfs of few blocks."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT, TINY_UNET, run_training
from i2i.files.weights import load_safely

OPTIONS = [
    *TINY_UNET, "trainer.max_steps=8", "trainer.max_epochs=-1", "baselines=false",
    "callbacks.often.every_n_train_steps=2", "dataset.batch_size=2",
]  # fmt: skip
# Of what a run needs at most. From nothing, through its first files and the first and the second
# checkpoint (two stand beside each other while one is replaced), to its last pictures and scores.
SHARES = (0.0, 0.01, 0.1, 0.3, 0.45, 0.55, 0.65, 0.75, 0.85, 0.93)
BLOCK = 4096  # bytes; a tmpfs counts whole ones

Disk = Callable[[int], Path]
pytestmark = pytest.mark.faults


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Makes, or resizes, a file system of that many blocks."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def sized(blocks: int) -> Path:
        options = f"{'remount,' if os.path.ismount(folder) else ''}size={BLOCK * max(blocks, 1)}"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(mount, capture_output=True, text=True, timeout=30)
        except FileNotFoundError:
            pytest.skip("no mount here")
        if done.returncode != 0:
            pytest.skip(f"no way to mount a small disk: {done.stderr.strip()}")
        return folder

    yield sized
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=30)


def fill(folder: Path) -> None:
    """Leaves no block."""
    with (folder / "full").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * BLOCK)
        except OSError:
            return


def start(name: str, *options: str, cwd: Path, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(ROOT / "src" / f"{name}.py"), *options], cwd=cwd, timeout=280,
        capture_output=True, text=True, env=os.environ | env,
    )  # fmt: skip


def blocks(folder: Path) -> int:
    """What a folder takes: whole blocks for files, and one for each folder."""
    sizes = [0 if path.is_dir() else path.stat().st_size for path in folder.rglob("*")]
    return sum(-(-size // BLOCK) + (size == 0) for size in sizes) + 1


def require_words(done: subprocess.CompletedProcess) -> None:
    """The command failed, and said what was full in a sentence."""
    assert done.returncode not in (0, None), done.stdout[-2000:]
    assert "Traceback" not in done.stderr + done.stdout, done.stderr[-3000:]
    assert "no space" in done.stderr.lower(), done.stderr[-2000:]


def checked(file: Path) -> dict:
    return load_safely(file, f"checkpoint={file}", "a checkpoint", "Use another one.")


@pytest.fixture(scope="module")
def whole(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that had room enough."""
    return run_training(tiny, tmp_path_factory.mktemp("whole") / "run", *OPTIONS)


@pytest.mark.parametrize("share", SHARES)
def test_a_disk_that_fills_up_ends_the_run_in_words_and_keeps_a_whole_checkpoint(
    share: float, whole: Path, tiny: list[str], disk: Disk, tmp_path: Path
) -> None:
    checkpoint = -(-(whole / "checkpoints" / "last.ckpt").stat().st_size // BLOCK)
    needed = blocks(whole) + checkpoint
    run_dir = disk(round(share * needed)) / "run"
    done = start("train", *tiny, *OPTIONS, f"hydra.run.dir={run_dir}", cwd=tmp_path)
    require_words(done)
    last = run_dir / "checkpoints" / "last.ckpt"
    assert not list(run_dir.rglob("*.part*"))
    if not last.exists():
        return
    step = checked(last)["global_step"]
    disk(4 * needed)
    again = start("train", f"resume={run_dir}", cwd=tmp_path)
    assert again.returncode == 0, again.stderr[-2000:]
    assert checked(last)["global_step"] == 8 >= step


def test_levels_reach_before_and_after_the_first_checkpoint(whole: Path) -> None:
    """Else the test above would try one kind of write only."""
    checkpoint = (whole / "checkpoints" / "last.ckpt").stat().st_size // BLOCK
    needed = blocks(whole) + checkpoint
    assert sum(share * needed < checkpoint for share in SHARES) >= 3
    assert sum(share * needed > 2 * checkpoint for share in SHARES) >= 3


def test_a_full_disk_for_scores(whole: Path, disk: Disk, tmp_path: Path) -> None:
    full = disk(2)
    fill(full)
    options = [f"checkpoint={whole}", "trainer=cpu", f"output={full / 'out'}"]
    require_words(start("evaluate", *options, cwd=tmp_path))


@pytest.mark.parametrize("room", [0, 2])
def test_a_full_disk_for_translations(room: int, whole: Path, disk: Disk, tmp_path: Path) -> None:
    """Full from the start, or after the first pictures: those that stand there are whole."""
    import cv2

    source = whole / "samples" / "test"
    full = disk(4 + room)
    (full / "full").write_bytes(b"\0" * (4 * BLOCK))
    options = [f"checkpoint={whole}", "accelerator=cpu", f"input={source}"]
    require_words(start("translate", *options, f"output={full / 'out'}", cwd=tmp_path))
    assert all(cv2.imread(str(p)) is not None for p in (full / "out").glob("*.png"))
    assert not list(full.rglob("*.part*"))


@pytest.mark.parametrize("dataset", ["synthetic", "earth", "digits"])
@pytest.mark.parametrize("room", [1, 40])
def test_a_full_disk_for_a_set_that_is_made(
    dataset: str, room: int, tiny: list[str], disk: Disk, tmp_path: Path
) -> None:
    """No half set that looks whole: with room it is made anew."""
    full, model = disk(room), ["model=cgan"] if dataset == "digits" else ["generator.n_downs=6"]
    options = [*tiny[3:4], f"dataset={dataset}", f"data_dir={full / 'data'}", *tiny[6:], *model]
    done = start("train", *options, f"hydra.run.dir={tmp_path / 'run'}", cwd=tmp_path)
    require_words(done)
    left = [path for path in (full / "data").rglob("*") if path.is_file()]
    assert not (full / "data" / dataset).exists() or not left


def test_a_full_folder_for_temporary_files(tiny: list[str], disk: Disk, tmp_path: Path) -> None:
    """Nothing that matters goes through it."""
    full = disk(1)
    fill(full)
    done = start(
        "train", *tiny, *OPTIONS, f"hydra.run.dir={tmp_path / 'run'}", cwd=tmp_path,
        TMPDIR=str(full),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
