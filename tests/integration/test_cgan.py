"""A class-conditional GAN from the command line: digits, samples, resuming, processes, refusals."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bit_for_bit import assert_equal_ranks, two_epochs_and_one_and_one
from conftest import Run
from integration.test_ddp import trail

NETWORKS = [
    "model=cgan", "generator=class_conditional", "generator.base_channels=4", "generator.latent=6",
    "discriminator.base_channels=4", "discriminator.n_downs=1", "model.n_critic=2",
    "metrics=none", "dataset.image_size=8", "dataset.batch_size=16",
]  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of the handwritten digits, with the generator's own divisor."""
    root = tmp_path_factory.mktemp("digits") / "digits"
    return ["dataset=digits", f"dataset.root={root}"]


@pytest.fixture(scope="module")
def run_dir(digits: list[str], train_once: Run) -> Path:
    return train_once(*digits, *NETWORKS, "trainer.max_steps=3", folder="cgan")


def test_a_run_shows_a_row_for_each_class(run_dir: Path) -> None:
    assert cv2.imread(str(run_dir / "samples" / "test.png")).shape == (10 * 12 + 4, 8 * 12 + 4, 3)
    assert len(list((run_dir / "samples" / "test").iterdir())) == 80
    found = json.loads((run_dir / "test_metrics.json").read_text())
    assert found["scores"] == {"model (last.ckpt)": {}} and found["n_images"] == 269


def test_a_class_is_scored_by_itself(run_dir: Path, command: Callable, tmp_path: Path) -> None:
    base = [f"checkpoint={run_dir}", "trainer=cpu"]
    assert command("evaluate", *base, "route=7", f"output={tmp_path / 'one'}") == 0
    found = json.loads((tmp_path / "one" / "metrics.json").read_text())
    assert 20 < found["protocol"]["n_images"] < 30  # of 269 pictures of ten classes


def test_samples_of_one_class_and_of_all(run_dir: Path, command: Callable, tmp_path: Path) -> None:
    base = [f"checkpoint={run_dir}", "accelerator=cpu"]
    assert command("sample", *base, "class=7", "n=16", f"output={tmp_path / 'a'}") == 0
    names = [f"7_{k:02d}.png" for k in range(16)]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [*names, "classes.png"]
    picture = cv2.imread(str(tmp_path / "a" / "7_03.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (8, 8)
    grid = cv2.imread(str(tmp_path / "a" / "classes.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(grid[4:12, 3 * 12 + 4 : 3 * 12 + 12], picture)
    assert command("sample", *base, f"output={tmp_path / 'b'}", "n=2") == 0
    assert len(list((tmp_path / "b").iterdir())) == 21
    # How many there are, and of which other classes, changes none of them.
    assert (tmp_path / "b" / "7_1.png").read_bytes() == (tmp_path / "a" / "7_01.png").read_bytes()
    assert command("sample", *base, "class=[1,7]", "n=1", "seed=1", f"output={tmp_path / 'c'}") == 0
    assert (tmp_path / "c" / "7_0.png").read_bytes() != (tmp_path / "a" / "7_00.png").read_bytes()


def test_codes_of_a_file(run_dir: Path, command: Callable, tmp_path: Path) -> None:
    file, base = tmp_path / "z.json", [f"checkpoint={run_dir}", "accelerator=cpu", "class=3"]
    file.write_text(json.dumps([[0.5] * 6, [0.5] * 6, [-1.0] * 6]))
    assert command("sample", *base, f"z={file}", f"output={tmp_path / 'a'}") == 0
    one, same, other = ((tmp_path / "a" / f"3_{k}.png").read_bytes() for k in range(3))
    assert one == same != other


def test_what_does_not_fit_is_refused(
    run_dir: Path, digits: list[str], command: Callable, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    (tmp_path / "z.json").write_text("[1, 2]")
    out = tmp_path / "out"
    base = ["sample", f"checkpoint={run_dir}", f"output={out}"]
    new = ["train", *digits, *NETWORKS, f"hydra.run.dir={tmp_path / 'no'}"]
    for words, line in {
        "class=[]: found no class; expected one or more of": [*base, "class=[]"],
        "class=ten: found no class of the model": [*base, "class=ten"],
        "n=0: found 0; expected a whole number": [*base, "n=0"],
        "n=2.5: found 2.5": [*base, "n=2.5"],
        "found codes of 2 numbers; expected 6": [*base, f"z={tmp_path / 'z.json'}"],
        "output_format=gif": [*base, "output_format=gif"],
        "overwrite=skip": [*base, "overwrite=skip"],
        "output: found no value": ["sample", f"checkpoint={run_dir}"],
        "clas: found an option that no part takes": [*base, "+clas=7"],
        "which makes pictures of nothing": [
            "translate", f"checkpoint={run_dir}", f"input={run_dir}/samples", f"output={out}",
        ],
        "Make pictures with src/sample.py": ["demo", f"checkpoint={run_dir}", "accelerator=cpu"],
        "generator.n_labels=4": [*new, "generator.n_labels=4"],
        "which makes pictures of pictures": [
            "train", *digits, "model=cgan", "generator=resnet6", new[-1],
        ],
    }.items():  # fmt: skip
        assert command(*line) == 1, line
        assert words in capfd.readouterr().err, words
        assert not out.exists()
    assert not list((tmp_path / "no").glob("*"))  # a folder that was named stays


def test_a_system_that_translates_has_no_samples(
    train: Run, command: Callable, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    run_dir = train("trainer.max_steps=1", folder="pairs")
    assert command("sample", f"checkpoint={run_dir}", f"output={tmp_path / 'o'}") == 1
    assert "found a Pix2Pix, which needs a picture to begin with" in capfd.readouterr().err


@pytest.mark.slow
def test_two_epochs_are_one_and_one_bit_for_bit(digits: list[str], train: Run) -> None:
    """An epoch has 39 batches of 32, an odd number: the second begins within a round of two."""
    options = [*digits, *NETWORKS]
    options += ["dataset.batch_size=32"]
    two_epochs_and_one_and_one(train, *options)


@pytest.mark.slow
def test_two_processes_have_equal_weights_after_each_batch(
    tiny: list[str], digits: list[str], tmp_path: Path
) -> None:
    run_dir = trail(tiny, tmp_path, 2, *digits, *NETWORKS, "trainer.max_steps=2")
    assert_equal_ranks(run_dir)
