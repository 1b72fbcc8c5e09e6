"""Hundreds of odd and damaged pictures: read right, or refused in words, or left out and counted.

A few run with the other tests; ``make test-faults`` runs all. One again: ``pytest -m "" -k NAME``.
"""

import csv
import json
import os
import random
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT, run_command
from faults.odd_pictures import SEED, SIZE, Case, all_cases
from faults.test_command_lines import alarm
from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform
from i2i.errors import SettingError
from i2i.printable import printable

# How lines of the C libraries begin, and of those that speak for them.
OF_LIBRARIES = re.compile(r"(?mi)^(libpng|corrupt|premature|tiff|\[ ?(warn|error)|warning:)")
LONGEST = 60  # seconds that a file may take
FOUR_PARTS = re.compile(r"(?s).+: found .+; expected .+\. \S.+")
CASES = all_cases()
FEW = set(random.Random(SEED).sample(range(len(CASES)), 24))


def some(cases: list[Case]) -> list:
    """All cases, most of them only where they are asked for."""
    return [
        pytest.param(case, id=ascii(case.name)[1:-1], marks=[] if i in FEW else pytest.mark.faults)
        for i, case in enumerate(cases)
    ]


def laid_out(root: Path, cases: list[Case]) -> Path:
    """A training split of these as side A and one good pair, with good pictures as side B."""
    plain = Image.fromarray(np.full((*SIZE, 3), 90, np.uint8))
    for side in "AB":
        (root / "train" / side).mkdir(parents=True)
        plain.save(root / "train" / side / "good.png")
    for case in cases:
        (root / "train" / "A" / case.name).write_bytes(case.content())
        plain.save(root / "train" / "B" / f"{case.stem}.png")
    return root


def data_of(root: Path, on_error: str = "raise", **options: Any) -> PairedDataModule:
    """A set of two folders with one split, whose pictures stay as large as they are."""
    given = {
        "name": "odd", "direction": "AtoB", "input_channels": 3, "target_channels": 3,
        "a_folder": "{split}/A", "b_folder": "{split}/B", "splits": {"train": "train"},
        "image_size": SIZE, "batch_size": 1, "eval_batch_size": 1, "num_workers": 0, "seed": 0,
        "augmentation": PairedTransform(image_size=SIZE, enlarge=1, flip=False),
    }  # fmt: skip
    return PairedDataModule(root=root, on_error=on_error, **(given | options))


def read(root: Path, stem: str) -> np.ndarray | str:
    """A picture as a network is shown it, (H, W, 3) from 0 to 255, or the words of the refusal."""
    try:
        data = data_of(root, "raise")
        names = [pair.name for pair in data.files("train")[0]]
        image = data.dataset("train")[names.index(stem)]["input"]
    except SettingError as error:
        return str(error)
    return (image.numpy().transpose(1, 2, 0).astype(np.float64) + 1) * 127.5


@pytest.fixture
def silence(capfd: pytest.CaptureFixture) -> Callable[[Case], None]:
    """Looks whether what was written to the screen names the file: C libraries do not."""

    def check(case: Case) -> None:
        told = capfd.readouterr().err.splitlines()
        nameless = [line for line in told if line.strip() and printable(case.stem) not in line]
        assert nameless == []

    return check


@pytest.mark.parametrize("case", some(CASES))
def test_file_is_read_right_or_refused_in_words(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silence: Callable[[Case], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    root = laid_out(tmp_path / "data", [case])
    with alarm(LONGEST), warnings.catch_warnings(action="ignore"):
        found = read(root, case.stem)
        silence(case)
        check(case, found)
        if isinstance(found, str):
            left_out(root, stops=case.asked or "unequal size" in found)
            silence(case)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def left_out(root: Path, stops: bool) -> None:
    """Makes sure that ``on_error=skip`` goes on without the file, and counts it.

    Where it is not left out before the training, another picture takes its place in there.

    Args:
        root: Of the set.
        stops: Whether it may stop the run all the same: a layout or an option is wrong.
    """
    data = data_of(root, "skip", splits={"train": "train", "test": "train"})
    try:
        trained = list(data.train_dataloader())
        tested = list(data.loader("test"))
    except SettingError as error:
        assert stops and FOUR_PARTS.fullmatch(str(error)), error
        return
    assert [batch["name"] for batch in tested] == [["good"]] and data.skipped("test") == 1
    assert len(trained) in (1, 2)
    for batch in (*trained, *tested):
        levels = (data.on_after_batch_transfer(batch, 0)["input"] + 1) * 127.5
        assert (levels - 90).abs().max() < 1e-3


def check(case: Case, found: np.ndarray | str) -> None:
    """The oracle of a case."""
    if isinstance(found, str):
        assert case.right is None, found
        assert FOUR_PARTS.fullmatch(found), found
        assert printable(case.stem) in found, found
        assert case.refused is None or re.search(case.refused, found), found
        return
    assert case.refused is None, "read in silence"
    right = case.right if case.right is not None else case.either(case.content())
    assert right is not None, "read, though nobody else can"
    assert found.shape == right.shape
    off = np.abs(found - right).max()
    assert off <= case.within, f"{off:.2f} levels from what is right"


# What of all cases is certain, and no matter of options.
CERTAIN = [case for case in CASES if case.either is None and not case.asked]
READ = [case for case in CERTAIN if case.right is not None]
TINY = [
    "dataset=folder", "dataset.image_size=[12,20]", "dataset.num_workers=0", "generator=resnet6",
    "generator.base_channels=2", "generator.n_blocks=1", "discriminator=pixel", "metrics=[l1]",
    "discriminator.base_channels=2", "logger=csv", "trainer=cpu", "augmentation=none",
    "trainer.enable_progress_bar=false", "dataset.splits.val=null", "dataset.splits.test=train",
    "dataset.a_folder='{split}/A'", "dataset.b_folder='{split}/B'", "callbacks.samples=null",
    "model.inference=eval", "generator.norm=none", "trainer.log_every_n_steps=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on all files that are certain, damaged ones left out, and their folder."""
    folder = tmp_path_factory.mktemp("odd")
    root = laid_out(folder / "data", CERTAIN)
    options = [*TINY, f"dataset.root={root}", f"hydra.run.dir={folder / 'run'}"]
    options += ["trainer.max_steps=2", "dataset.batch_size=8", "dataset.on_error=skip"]
    with alarm(300), warnings.catch_warnings(action="ignore"):
        assert run_command("train", *options, cwd=folder) == 0
    return folder / "run", root


@pytest.mark.faults
def test_training_and_evaluation_leave_out_what_is_damaged_and_count_it(
    trained: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    run = trained[0]
    left_out = len(CERTAIN) - len(READ)
    scores = json.loads((run / "test_metrics.json").read_text())
    assert scores["n_images"] == len(READ) + 1
    options = [f"checkpoint={run}", "trainer=cpu", f"output={tmp_path / 'scores'}"]
    with alarm(300), warnings.catch_warnings(action="ignore"):
        assert run_command("evaluate", *options, "dataset.on_error=skip", cwd=tmp_path) == 0
    told = capfd.readouterr()
    assert "Traceback" not in told.err and not OF_LIBRARIES.search(told.err), told.err
    assert json.loads((tmp_path / "scores/metrics.json").read_text())["n_images"] == len(READ) + 1
    with (tmp_path / "scores/per_image.csv").open(newline="") as file:
        names = {row["name"] for row in csv.DictReader(file)}
    assert len(names) == len(READ) + 1
    assert left_out > 200 and len(READ) > 200


@pytest.mark.faults
def test_translating_makes_of_odd_files_what_it_makes_of_plain_ones(
    trained: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    """The same network, the picture of each file as a plain PNG: the same output."""
    run, root = trained
    exact = [case for case in READ if (case.right == np.rint(case.right)).all()]
    plain = tmp_path / "plain"
    plain.mkdir()
    for case in exact:
        Image.fromarray(case.right.astype(np.uint8)).save(plain / f"{case.stem}.png")
    odd = translated(run, root / "train" / "A", tmp_path / "odd", capfd)
    assert set(odd) == {case.stem for case in READ} | {"good"}
    same = translated(run, plain, tmp_path / "same", capfd)
    for case in exact:
        off = np.abs(odd[case.stem].astype(int) - same[case.stem]).max()
        assert off <= (0 if case.within < 1 else case.within), case.name


def translated(
    run: Path, source: Path, output: Path, capfd: pytest.CaptureFixture
) -> dict[str, np.ndarray]:
    """What the network makes of a folder, by name, with damaged files left out and counted."""
    n_files = len(list(source.iterdir()))
    options = [f"checkpoint={run}", f"input={source}", f"output={output}", "on_error=skip"]
    with alarm(300), warnings.catch_warnings(action="ignore"):
        assert run_command("translate", *options, "accelerator=cpu", cwd=output.parent) == 0
    told = capfd.readouterr()
    assert "Traceback" not in told.err and not OF_LIBRARIES.search(told.err), told.err
    made = {p.stem: np.array(Image.open(p)) for p in output.iterdir()}
    assert f"{len(made)} images written to {output}, {n_files - len(made)} left out" in told.out
    return made


@pytest.mark.faults
@pytest.mark.parametrize("command", ["train", "evaluate", "translate"])
def test_command_lines_end_in_words(
    command: str, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    """A whole program each: some damaged files at once, then exit code 1 and nothing of theirs."""
    damaged = [case for case in CERTAIN if case.right is None]
    chosen = random.Random(SEED).sample(damaged, 12)
    root = laid_out(tmp_path / "data", chosen)
    options = {
        "train": [*TINY, f"dataset.root={root}", f"hydra.run.dir={tmp_path / 'run'}"],
        "evaluate": [f"checkpoint={trained[0]}", f"dataset.root={root}", "dataset.on_error=raise",
                     f"output={tmp_path / 'scores'}", "trainer=cpu"],
        "translate": [f"checkpoint={trained[0]}", f"input={root / 'train/A'}",
                      f"output={tmp_path / 'out'}", "accelerator=cpu"],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(ROOT / "src" / f"{command}.py"), *options[command]],
        capture_output=True, text=True, timeout=LONGEST, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert any(printable(case.stem) in done.stderr for case in chosen), done.stderr
    assert FOUR_PARTS.search(done.stderr) and len(done.stderr.splitlines()) < 25, done.stderr
    left = [*tmp_path.glob("run/**/*.ckpt"), *tmp_path.glob("scores/*.json")]
    assert left == []
