"""A classifier from the command line, and other systems scored with it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from conftest import run_command
from integration.test_cyclegan import own_set, write_domains

LIKE = ["model=classifier", "classifier.base_channels=2", "trainer.max_steps=-1"]
STARGAN = [
    "model=stargan", "generator.base_channels=2", "generator.n_blocks=1",
    "discriminator.base_channels=2", "trainer.max_epochs=-1", "trainer.max_steps=1",
]  # fmt: skip

QUIET = [
    "dataset.num_workers=0", "logger=csv", "trainer=cpu", "trainer.enable_progress_bar=false",
    "trainer.log_every_n_steps=1", "trainer.check_val_every_n_epoch=1",
]  # fmt: skip


def train(run_dir: Path, *options: str) -> Path:
    options = (*QUIET, *options, f"hydra.run.dir={run_dir}")
    assert run_command("train", *options, cwd=run_dir.parent) == 0
    return run_dir


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a set of two domains, of which B is the brighter one."""
    counts = {"trainA": 5, "trainB": 3, "valA": 2, "valB": 2, "testA": 3, "testB": 2}
    return own_set(write_domains(tmp_path_factory.mktemp("domains"), counts))


@pytest.fixture(scope="module")
def classifier(domains: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ["dataset.batch_size=2", "trainer.max_epochs=6", "optimizer.generator.lr=1e-2"]
    return train(tmp_path_factory.mktemp("shared") / "classifier", *LIKE, *domains, *options)


def test_it_is_trained_scored_and_its_best_is_kept(
    classifier: Path, command: Callable, tmp_path: Path
) -> None:
    with (classifier / "metrics.csv").open() as file:
        rows = {int(r["step"]): r for r in csv.DictReader(file) if r["val/class_accuracy"]}
    values = {step: float(row["val/class_accuracy"]) for step, row in rows.items()}
    best = torch.load(classifier / "checkpoints" / "best.ckpt", weights_only=True)
    assert values[best["global_step"]] == max(values.values())
    found = json.loads((classifier / "test_metrics.json").read_text())
    assert list(found["scores"]) == ["model (best.ckpt)"]
    score = found["scores"]["model (best.ckpt)"]
    assert list(score) == ["class_accuracy"] and found["n_images"] == 5

    out = tmp_path / "out"
    assert command("evaluate", f"checkpoint={classifier}", "trainer=cpu", f"output={out}") == 0
    assert json.loads((out / "metrics.json").read_text())["scores"] == score
    with (out / "per_image.csv").open() as file:
        each = [float(row["class_accuracy"]) for row in csv.DictReader(file)]
    assert len(each) == 5 and set(each) <= {0.0, 1.0}
    assert sum(each) / 5 == pytest.approx(score["class_accuracy"])


def test_two_epochs_are_one_and_one_bit_for_bit(domains: list[str], tmp_path: Path) -> None:
    straight = train(tmp_path / "straight", *LIKE, *domains, "trainer.max_epochs=2")
    halves = train(tmp_path / "halves", *LIKE, *domains, "trainer.max_epochs=1")
    train(halves, *LIKE, *domains, "trainer.max_epochs=2", f"resume={halves}")
    a, b = (
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        for run in (straight, halves)
    )
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_same(a[part], b[part], part)


def test_another_system_is_scored_with_it(
    classifier: Path, domains: list[str], command: Callable, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    options = ["metrics=pairwise", f"metrics.classifier={classifier}"]
    run = train(tmp_path / "stargan", *STARGAN, *domains, *options)
    found = json.loads((run / "test_metrics.json").read_text())
    score = found["scores"]["model (best.ckpt)"]
    assert {"A/class_accuracy", "B/class_accuracy"} <= score.keys()
    # A and B are the real pictures of one domain each: all that the classifier saw.
    own = json.loads((classifier / "test_metrics.json").read_text())["scores"]
    of_a, of_b = (found["ceiling"][f"{route}/class_accuracy"] for route in "AB")
    told = of_a * 3 + of_b * 2
    assert told / 5 == pytest.approx(own["model (best.ckpt)"]["class_accuracy"])
    assert "ceiling (real photographs)" in capfd.readouterr().out

    out = tmp_path / "out"
    options = [f"checkpoint={run}", "trainer=cpu", f"output={out}"]
    assert command("evaluate", *options, "metrics.classifier=none") == 0
    assert "class_accuracy" not in (out / "metrics.json").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["model=cyclegan"], "found dataset.pairing=unpaired, whose pictures have no labels"),
        (LIKE, "found Classifier, which tells classes by itself; expected itself"),
        ([*STARGAN, "dataset.domains=[c,d]"], "found a classifier with other classes (2: A, B)"),
        ([*STARGAN, "dataset.direction=BtoA"], "the difference: their order"),
    ],
    ids=["pairing", "itself", "names", "order"],
)
def test_what_it_cannot_score_is_refused(
    classifier: Path, domains: list[str], command: Callable, tmp_path: Path,
    capfd: pytest.CaptureFixture, options: list[str], words: str,
) -> None:  # fmt: skip
    run = [f"hydra.run.dir={tmp_path / 'no'}", "trainer=cpu", f"metrics.classifier={classifier}"]
    assert command("train", *domains, *run, *options) == 1
    error = capfd.readouterr().err
    assert f"metrics.classifier={classifier}: " in error and words in error
    assert not list((tmp_path / "no").glob("*"))


def test_what_is_no_classifier_is_refused(
    classifier: Path, domains: list[str], command: Callable, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    other = train(tmp_path / "other", *STARGAN, *domains, "metrics=none")
    run = [*STARGAN, *domains, f"hydra.run.dir={tmp_path / 'no'}", "trainer=cpu"]
    for value, words in (
        (other, "found a checkpoint of StarGAN, which tells no classes; expected a run of model="),
        ("itself", "found StarGAN, which does not tell classes by itself"),
    ):  # fmt: skip
        assert command("train", *run, f"metrics.classifier={value}") == 1
        assert words in capfd.readouterr().err
    options = [f"checkpoint={classifier}", f"input={tmp_path}", f"output={tmp_path / 'made'}"]
    picture = Path(domains[1].partition("=")[2]) / "testA" / "a0.png"
    (tmp_path / "a.png").write_bytes(picture.read_bytes())
    assert command("translate", *options, "accelerator=cpu") == 1
    assert "found a classifier, which makes no pictures" in capfd.readouterr().err
