"""Small pairs made on the spot, presets, and the commands run in this process."""

import functools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from i2i import messages

# Tests that nohup begins, or a script in its background, inherit signals that are ignored.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
# The networks are tiny: threads only wait, but where another number is asked for.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"
sys.path.insert(0, str(ROOT / "tests"))  # the stand-ins and probes that stand beside the tests

Run = Callable[..., Path]


def smooth_noise(rng: np.random.Generator, size: int) -> np.ndarray:
    """A (size, size, 3) uint8 picture with large and small structure."""
    coarse = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.int32)
    return np.clip(image + rng.integers(-12, 13, image.shape), 0, 255).astype(np.uint8)


def write_pairs(root: Path, counts: dict[str, int], size: int = 64, seed: int = 0) -> Path:
    """Side-by-side PNGs whose left half is a simple function of the right one."""
    rng = np.random.default_rng(seed)
    for split, count in counts.items():
        (root / split).mkdir(parents=True)
        for i in range(count):
            b = smooth_noise(rng, size)
            a = 255 - b[:, :, ::-1]
            cv2.imwrite(str(root / split / f"{i:03d}.png"), np.concatenate([a, b], axis=1))
    return root


LABEL_COLOURS = {
    "sky": (128, 128, 128), "wall": (128, 0, 0), "road": (128, 64, 128), "tree": (128, 128, 0)
}  # fmt: skip


def write_labelled(root: Path, counts: dict[str, int], size: int = 64, seed: int = 0) -> Path:
    """Label PNGs of four flat colours and unlabelled black, and noisy photographs of the same."""
    rng = np.random.default_rng(seed)
    colours = np.array([*LABEL_COLOURS.values(), (0, 0, 0)], np.uint8)
    for split, count in counts.items():
        for side in ("photo", "label"):
            (root / split / side).mkdir(parents=True)
        for i in range(count):
            coarse = rng.choice(5, (8, 8), p=[0.24, 0.24, 0.24, 0.24, 0.04]).astype(np.uint8)
            ids = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_NEAREST)
            label = colours[ids]
            photo = np.clip(255 - label // 2 + rng.integers(-20, 21, label.shape), 0, 255)
            for side, image in (("photo", photo), ("label", label)):
                file = root / split / side / f"{i:03d}.png"
                cv2.imwrite(str(file), image[:, :, ::-1].astype(np.uint8))
    return root


def labelled_options(root: Path) -> list[str]:
    """The data set of ``write_labelled``, with its classes; label -> photo."""
    colours = ",".join(f"{name}:[{r},{g},{b}]" for name, (r, g, b) in LABEL_COLOURS.items())
    palette = "_target_:i2i.labels.palette.ClassPalette,unlabelled:[0,0,0]"
    classes = f"{{{palette},colours:{{{colours}}}}}"
    return [
        f"dataset.root={root}", "dataset.a_folder='{split}/photo'",
        "dataset.b_folder='{split}/label'", "dataset.direction=BtoA", "dataset.label_side=B",
        f"dataset.classes={classes}",
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning of an earlier test, which a program says once, is said again."""
    monkeypatch.setattr(messages, "_said", set())


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> None:
    """What runs, and W&B, keep between them stays out of the home folder, and that out of tests."""
    for name in ("I2I_CACHE", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        os.environ[name] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def labelled_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs with labels, 64 x 64: 6 train, 3 val, 4 test."""
    folder = tmp_path_factory.mktemp("data") / "labelled"
    return write_labelled(folder, {"train": 6, "val": 3, "test": 4})


@pytest.fixture(scope="session")
def pairs_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of 64 x 64 pairs: 8 train, 4 val, 5 test."""
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs", {"train": 8, "val": 4, "test": 5})


@pytest.fixture(scope="session")
def tiny(pairs_root: Path) -> list[str]:
    """Options that make a run of a second: tiny pairs, tiny networks, no downloads."""
    return [
        "dataset=folder", f"dataset.root={pairs_root}", "dataset.image_size=64",
        "dataset.num_workers=0", "generator.base_channels=4", "discriminator.base_channels=4",
        "metrics=pairwise", "logger=csv", "trainer=cpu", "trainer.enable_progress_bar=false",
        "trainer.log_every_n_steps=1", "trainer.check_val_every_n_epoch=1",
    ]  # fmt: skip


TINY_UNET = ["generator.n_downs=6"]  # for 64 x 64 pixels


def run_command(name: str, *options: str, cwd: Path) -> int:
    """Runs train, evaluate or translate in this process; returns the exit code."""
    import importlib

    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    main = importlib.import_module(f"i2i.commands.{name}").main
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", [str(ROOT / "src" / f"{name}.py"), *options])
        try:
            main()
        except SystemExit as stop:
            if isinstance(stop.code, str):
                print(stop.code, file=sys.stderr)
                return 1
            return int(stop.code or 0)
        return 0


def run_training(tiny: list[str], run_dir: Path, *options: str) -> Path:
    """Trains a tiny U-Net pix2pix into a folder and returns that folder."""
    network = [] if any(o.startswith("generator=") for o in options) else TINY_UNET
    command = [*tiny, *network, f"hydra.run.dir={run_dir}", *options]
    assert run_command("train", *command, cwd=run_dir.parent) == 0
    return run_dir


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., int]:
    """``run_command`` from the test's own folder."""

    def run(name: str, *options: str, cwd: Path = tmp_path) -> int:
        return run_command(name, *options, cwd=cwd)

    return run


@pytest.fixture
def train(tiny: list[str], tmp_path: Path) -> Run:
    """``run_training`` into the test's own folder."""

    def run(*options: str, folder: str = "run") -> Path:
        return run_training(tiny, tmp_path / folder, *options)

    return run


@pytest.fixture(scope="module")
def train_once(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """``run_training`` for all tests of a file, which read the run and leave it as it is."""

    def run(*options: str, folder: str = "run") -> Path:
        return run_training(tiny, tmp_path_factory.mktemp("shared") / folder, *options)

    return run


Told = Callable[[str], AbstractContextManager[list[str]]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """A block in which a line has to be printed that a pattern is found in."""

    @contextmanager
    def block(pattern: str) -> Iterator[list[str]]:
        capsys.readouterr()
        lines: list[str] = []
        yield lines
        out = capsys.readouterr().out
        lines += [line for line in out.splitlines() if re.search(pattern, line)]
        assert lines, f"{pattern!r} in none of:\n{out}"

    return block


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything that is made is float64, and what losses cast to float32 stays float64.

    Two computations of one number in float32 differ by rounding, by an amount that depends on the
    processor. In float64 they agree to ten digits or one of them is wrong.
    """
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the machine seem to have that many GPUs."""

    def seem(n: int) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: n > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: n)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)

    return seem


@pytest.fixture
def paired_batch() -> dict:
    """Two pairs of 64 x 64 in [-1, 1]."""
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, 64, 64)
    return {
        "input": torch.rand(shape, generator=generator) * 2 - 1,
        "target": torch.rand(shape, generator=generator) * 2 - 1,
        "name": ["a", "b"],
        "index": torch.arange(2),
    }


def slurm_answers() -> bool:
    """Whether a scheduler is here that takes jobs."""
    try:
        return subprocess.run(["sinfo"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# What a test file says where it compares numbers that a processor computed.
NUMBERS = re.compile(r"approx\(|assert_close|allclose|array_equal|torch\.equal|assert_same")


@functools.cache
def compares_numbers(path: Path) -> bool:
    """Whether a file of unit or golden tests compares numbers."""
    inside = {"unit", "golden"} & set(path.relative_to(ROOT / "tests").parts)
    return bool(inside and NUMBERS.search(path.read_text()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the numeric tests, and skips, by name, what this machine lacks."""
    for item in items:
        if compares_numbers(item.path):
            item.add_marker(pytest.mark.numeric)
    camvid = os.environ.get("I2I_CAMVID", "")
    scheduled = any(i.get_closest_marker("slurm") for i in items) and slurm_answers()
    for item in items:
        if item.get_closest_marker("slurm") and not scheduled:
            item.add_marker(pytest.mark.skip(reason="slurm: sinfo does not answer"))
        if item.get_closest_marker("real_data") and not Path(camvid, "train").is_dir():
            item.add_marker(pytest.mark.skip(reason="real data: I2I_CAMVID names no CamVid folder"))
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="gpu: no CUDA device"))
