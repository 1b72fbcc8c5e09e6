"""Files of another type than those of training, and damage in a training split that is scored."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import Run, smooth_noise

Command = Callable[..., int]
FOLDERS = ["dataset.a_folder='{split}/a'", "dataset.b_folder='{split}/b'"]
SPLITS = {"train": 4, "val": 2, "test": 3}


def write_set(root: Path, of_a: Callable, of_b: Callable) -> Path:
    """Pairs of the same 8 bits, which each side stores in its own way."""
    rng = np.random.default_rng(0)
    for split, count in SPLITS.items():
        for i in range(count):
            levels = smooth_noise(rng, 64)
            for side, store in (("a", of_a), ("b", of_b)):
                (root / split / side).mkdir(parents=True, exist_ok=True)
                np.save(root / split / side / f"{i}.npy", store(levels))
    return root


def same(levels: np.ndarray) -> np.ndarray:
    return levels


def twelve(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.uint16) * 16


def sixteen(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.uint16) * 257


@pytest.fixture(scope="module")
def trained(train_once: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on inputs of 8 bits and targets of 12, and its set."""
    root = write_set(tmp_path_factory.mktemp("set") / "set", same, twelve)
    options = ["dataset.target_range=[0,4095]", "model.inference=eval", "trainer.max_steps=1"]
    return train_once(f"dataset.root={root}", *FOLDERS, *options, "baselines=false"), root


@pytest.mark.parametrize("word", ["accelerator=cpu", "trainer.accelerator=cpu"])
def test_translate_tells_or_refuses(
    trained: tuple[Path, Path], word: str, command: Command, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    deep = write_set(tmp_path / "deep", sixteen, twelve)
    wide = write_set(tmp_path / "wide", lambda levels: levels.astype(np.int64), twelve)
    run, root = trained
    made = {}
    for name, source in (("own", root), ("deep", deep)):
        capfd.readouterr()
        options = [f"checkpoint={run}", f"input={source / 'test' / 'a'}", word]
        assert command("translate", *options, f"output={tmp_path / 'out' / name}") == 0
        said = [line for line in capfd.readouterr().out.splitlines() if "training had" in line]
        assert len(said) == (name == "deep")
        files = sorted((tmp_path / "out" / name).iterdir())
        made[name] = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files]
    assert said[0].endswith("0.npy': uint16, where training had uint8; read by 0 to 65535 "
                            "(dataset.input_range=type)")  # fmt: skip
    assert len(made["own"]) == 3
    assert all(np.array_equal(x, y) for x, y in zip(made["own"], made["deep"], strict=True))
    options = [f"checkpoint={run}", f"input={wide / 'test' / 'a'}"]
    assert command("translate", *options, f"output={tmp_path / 'no'}") == 1
    assert "0.npy': found int64 from 0 to 255, " in capfd.readouterr().err
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("word", ["accelerator=cpu", "trainer.accelerator=cpu"])
def test_evaluate_tells_or_refuses(
    trained: tuple[Path, Path], word: str, command: Command, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    deep = write_set(tmp_path / "deep", sixteen, twelve)
    plain = write_set(tmp_path / "plain", same, same)
    run, root = trained
    scores = {}
    for name, source in (("own", root), ("deep", deep)):
        capfd.readouterr()
        options = [f"checkpoint={run}", f"dataset.root={source}", word]
        assert command("evaluate", *options, f"output={tmp_path / name}") == 0
        said = [line for line in capfd.readouterr().out.splitlines() if "training had" in line]
        assert [line.startswith("Warning: input files in 'test'") for line in said] == [True] * (
            name == "deep"
        )
        scores[name] = json.loads((tmp_path / name / "metrics.json").read_text())["scores"]
    assert scores["own"] == scores["deep"]
    assert command("evaluate", f"checkpoint={run}", f"dataset.root={plain}") == 1
    assert "target files in 'test' such as" in (said := capfd.readouterr().err)
    assert "found uint8, which reaches 6.2 % of 0 to 4095; expected uint16, as in training" in said


def test_training_refuses_a_split_that_cannot_be_meant(
    train: Run, command: Command, tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    root = write_set(tmp_path / "set", same, twelve)
    for file in (root / "val" / "b").iterdir():
        np.save(file, np.load(file).astype(np.uint8))
    options = [f"dataset.root={root}", *FOLDERS, "dataset.target_range=[0,4095]"]
    run = [f"hydra.run.dir={tmp_path / 'run'}", "generator.n_downs=6", "trainer.max_steps=1"]
    assert command("train", *tiny, *options, *run) == 1
    assert "target files in 'val' such as" in capfd.readouterr().err
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_scored_training_split_goes_without_what_is_damaged(
    trained: tuple[Path, Path], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    from i2i.data.index import examined

    run, root = trained
    shutil.copytree(root, tmp_path / "set")
    file = tmp_path / "set" / "train" / "a" / "2.npy"
    image = np.load(file)
    file.unlink()
    data = cv2.imencode(".jpg", image)[1].tobytes()
    file.with_suffix(".jpg").write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    monkeypatch.setattr(examined, "SMALL", 0)  # so that it is found when it is read
    options = [f"checkpoint={run}", f"dataset.root={tmp_path / 'set'}", "split=train"]
    assert command("evaluate", *options, f"output={tmp_path / 'stops'}") == 1
    assert "2.jpg': found damaged image data" in capfd.readouterr().err
    options += ["dataset.on_error=skip", f"output={tmp_path / 'goes'}"]
    assert command("evaluate", *options) == 0
    assert "left out 1 of 4 in" in capfd.readouterr().out
    rows = (tmp_path / "goes" / "per_image.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["0", "1", "3"]
