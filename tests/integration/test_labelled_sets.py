"""Sets of classes from the command line: found, named in the checkpoint, scored with its names."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import Run, smooth_noise
from i2i.checkpoints.checkpoint import read_checkpoint

Command = Callable[..., int]
STARGAN = [
    "model=stargan", "generator=stargan", "generator.base_channels=2", "generator.n_blocks=1",
    "discriminator.base_channels=2", "discriminator.n_layers=3", "model.n_critic=1",
    "dataset.batch_size=2", "dataset.image_size=16",
]  # fmt: skip


def write_classes(root: Path, names: list[str], count: int = 4) -> Path:
    rng = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for name in names:
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                file = root / split / name / f"{i}.png"
                assert cv2.imwrite(str(file), smooth_noise(rng, 16))
    return root


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classes(tmp_path_factory.mktemp("sets") / "own", ["cat10", "cat9", "dog"])


@pytest.fixture(scope="module")
def trained(train_once: Run, classes: Path) -> Path:
    own = ["dataset=class_folders", f"dataset.root={classes}"]
    return train_once(*own, *STARGAN, "trainer.max_steps=2", folder="stargan")


def test_found_classes_are_those_of_the_checkpoint(trained: Path) -> None:
    config = read_checkpoint(trained / "checkpoints" / "last.ckpt").config
    assert config["dataset"]["domains"] == ["cat9", "cat10", "dog"]
    assert config["dataset"]["pairing"] == "labelled"
    assert config["discriminator"]["n_labels"] == 3


def test_another_set_is_scored_with_the_names_of_the_checkpoint(
    trained: Path, command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    other = write_classes(tmp_path / "other", ["dog", "cat9", "cat10"], count=2)
    options = [f"checkpoint={trained}", "dataset=class_folders", f"dataset.root={other}",
               "dataset.image_size=16", "dataset.num_workers=0", "trainer=cpu"]  # fmt: skip
    assert command("evaluate", *options, f"output={tmp_path / 'out'}") == 0
    saved = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert "cat10" in str(saved)
    assert command("evaluate", *options, "dataset.domains=[dog,cat9,cat10]") == 1
    said = capfd.readouterr().err
    assert "dataset.domains: found the domains dog, cat9, cat10; expected those of" in said
    write_classes(tmp_path / "fewer", ["cat9", "dog"])
    assert (
        command("evaluate", *options[:2], f"dataset.root={tmp_path / 'fewer'}", *options[3:]) == 1
    )
    assert "no folder 'test/cat10'" in capfd.readouterr().err.replace("\\", "/")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (
            ["model=pix2pix"],
            "dataset.pairing=paired: found data set 'class_folders', a set",
        ),
        (
            ["model=cyclegan"],
            "dataset.pairing=unpaired: found data set 'class_folders', a se",
        ),
        (["model=stargan", "dataset.pairing=unpaired"], "model=StarGAN, which learns from other i"),
        (["model=stargan", "dataset.domains=[dog]"], "found 1 domain(s) in 1 names"),
    ],
)
def test_what_learns_from_other_images_is_refused(
    options: list[str], found: str, tiny: list[str], classes: Path, command: Command,
    tmp_path: Path, capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    own = ["dataset=class_folders", f"dataset.root={classes}"]
    run = f"hydra.run.dir={tmp_path / 'run'}"
    assert command("train", *tiny, *own, "dataset.image_size=64", run, *options) == 1
    said = capfd.readouterr().err
    assert found in said and "; expected " in said, said
    assert not list((tmp_path / "run").glob("*"))


def test_one_class_is_refused_before_anything_is_written(
    tiny: list[str], command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    root = write_classes(tmp_path / "own", ["cat"])
    run = f"hydra.run.dir={tmp_path / 'run'}"
    own = ["dataset=class_folders", f"dataset.root={root}"]
    assert command("train", *tiny, *own, *STARGAN, run) == 1
    assert "found 1 class(es) in 'train': cat; expected two or more" in capfd.readouterr().err
    assert not list((tmp_path / "run").glob("*"))


def test_pictures_of_eight_pixels_are_trained_on_scored_and_made(
    train: Run, command: Command, tmp_path: Path
) -> None:
    """SSIM's window of 11 pixels does not fit into them: it says so, and others score."""
    options = [
        "dataset=digits", f"dataset.root={tmp_path / 'digits'}", *STARGAN, "dataset.image_size=8",
        "dataset.domains=[3,8]", "trainer.max_steps=2", "metrics=[l1,psnr]",
    ]  # fmt: skip
    run_dir = train(*options)
    scores = json.loads((run_dir / "test_metrics.json").read_text())
    assert scores
    assert command("evaluate", f"checkpoint={run_dir}", "trainer=cpu", "split=val") == 0


def test_attributes_are_trained_on_and_scored(train: Run, command: Command, tmp_path: Path) -> None:
    rng, names = np.random.default_rng(0), [f"{i:06d}" for i in range(8)]
    root = tmp_path / "faces"
    (root / "img_align_celeba").mkdir(parents=True)
    for name in names:
        image = cv2.resize(smooth_noise(rng, 32), (178, 218))
        assert cv2.imwrite(str(root / "img_align_celeba" / f"{name}.jpg"), image)
    rows = (f"{n}.jpg {'1 -1' if i < 4 else '-1  1'}" for i, n in enumerate(names))
    table = "\n".join([str(len(names)), "Male Young", *rows])
    (root / "list_attr_celeba.txt").write_text(table)
    parts = "".join(f"{name}.jpg {(0, 0, 1, 2)[i % 4]}\n" for i, name in enumerate(names))
    (root / "list_eval_partition.txt").write_text(parts)
    options = ["dataset=celeba", f"dataset.root={root}", "dataset.attributes=[Young,Male]"]
    run_dir = train(*options, *STARGAN, "trainer.max_steps=2")
    config = read_checkpoint(run_dir / "checkpoints" / "last.ckpt").config
    assert config["dataset"]["domains"] == config["model"]["domains"] == ["Young", "Male"]
    assert json.loads((run_dir / "test_metrics.json").read_text())
    assert command("evaluate", f"checkpoint={run_dir}", "trainer=cpu", "split=val") == 0


def write_attributes(root: Path) -> Path:
    """Twelve pictures: no test picture is bald, and all of val are young."""
    rng, rows, parts = np.random.default_rng(0), [], []
    (root / "img_align_celeba").mkdir(parents=True)
    for i in range(12):
        split, name = i // 4, f"{i:06d}.png"
        assert cv2.imwrite(str(root / "img_align_celeba" / name), smooth_noise(rng, 16))
        values = (i % 2, i % 2 or split == 1, split < 2 and i % 3 == 0)
        rows.append(" ".join([name, *("1" if value else "-1" for value in values)]))
        parts.append(f"{name} {split}")
    (root / "list_attr_celeba.txt").write_text("\n".join(["12", "Male Young Bald", *rows]))
    (root / "list_eval_partition.txt").write_text("\n".join(parts))
    return root


def test_a_route_without_pictures_is_refused_before_anything_is_trained(
    tiny: list[str], classes: Path, trained: Path, command: Command, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    faces = ["dataset=celeba", f"dataset.root={write_attributes(tmp_path / 'faces')}"]
    faces += ["dataset.crop=16"]
    own = ["dataset=class_folders", f"dataset.root={classes}", "dataset.eval_batch_size=2"]
    for options, found in {
        ("dataset.attributes=[Male,Bald]", *faces): "split=test: found no pictures of 'Bald' amon",
        ("dataset.attributes=[Male,Young]", *faces): "split=val: found only pictures of 'Young' a",
        ("trainer.limit_val_batches=2", *own): "split=val: found only pictures of 'cat9' among",
    }.items():
        run = f"hydra.run.dir={tmp_path / 'run'}"
        assert command("train", *tiny, *options, *STARGAN, "metrics=[l1]", run) == 1
        assert found in capfd.readouterr().err
        assert not list((tmp_path / "run").glob("*"))
    few = ["trainer=cpu", "trainer.limit_test_batches=1", f"output={tmp_path / 'out'}"]
    assert command("evaluate", f"checkpoint={trained}", *few) == 1
    assert "split=test: found no pictures of 'dog' among the 8" in capfd.readouterr().err
    # One route of those that have enough is scored.
    assert command("evaluate", f"checkpoint={trained}", *few, "route=cat10") == 0


def test_attributes_are_not_taken_for_classes_of_their_names(
    train: Run, tiny: list[str], command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    root, faces = write_classes(tmp_path / "own", ["Male", "Young"]), tmp_path / "faces"
    own = ["dataset=class_folders", f"dataset.root={root}", "dataset.image_size=16"]
    small = [option for option in tiny if "base_channels" not in option and "metrics" not in option]
    run = ["model=classifier", f"hydra.run.dir={tmp_path / 'judge'}", "trainer.max_steps=1"]
    assert command("train", *small, *own, *run) == 0
    told = ["dataset=celeba", f"dataset.root={write_attributes(faces)}", "dataset.crop=16"]
    told += ["dataset.attributes=[Male,Young]", "dataset.image_size=16"]
    evaluate = [f"checkpoint={tmp_path / 'judge'}", "trainer=cpu", f"output={tmp_path / 'out'}"]
    assert command("evaluate", *evaluate, *told) == 1
    said = "found a data set of attributes; expected one of classes or domains, as the checkpoint"
    assert said in capfd.readouterr().err
    judged = [f"metrics.classifier={tmp_path / 'judge'}", f"hydra.run.dir={tmp_path / 'run'}"]
    assert command("train", *tiny, *told, *STARGAN, *judged) == 1
    assert (
        "found a classifier of classes or domains; expected one of attri" in capfd.readouterr().err
    )
