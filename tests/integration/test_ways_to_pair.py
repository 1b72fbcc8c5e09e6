"""Whole commands on pairs by a pattern of names and from a table, of two sizes, with mapped ids."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import Run, smooth_noise
from i2i.checkpoints.checkpoint import read_checkpoint

Command = Callable[..., int]
STEPS = ["trainer.max_steps=2", "trainer.limit_val_batches=1"]
CLASSES = (
    "dataset.classes={_target_:i2i.labels.palette.ClassPalette,unlabelled:[0,0,0],"
    "colours:{road:[128,64,128],sidewalk:[244,35,232]}}"
)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As Cityscapes is unpacked: photographs, and labels of half the size by ids, 7, 8 and more."""
    root, rng = tmp_path_factory.mktemp("sets") / "street", np.random.default_rng(0)
    for split, count in (("train", 3), ("val", 2)):
        for n in range(count):
            photo = root / "leftImg8bit" / split / "ulm" / f"ulm_{n}_leftImg8bit.png"
            ids = root / "gtFine" / split / "ulm" / f"ulm_{n}_gtFine_labelIds.png"
            colour = ids.with_name(f"ulm_{n}_gtFine_color.png")
            ids.with_name(f"ulm_{n}_gtFine_polygons.json").parent.mkdir(parents=True, exist_ok=True)
            ids.with_name(f"ulm_{n}_gtFine_polygons.json").write_text("{}")
            photo.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(photo), smooth_noise(rng, 64))
            values = rng.choice([0, 7, 8, 11], (32, 32)).astype(np.uint8)
            assert cv2.imwrite(str(ids), values) and cv2.imwrite(str(colour), values)
    return root


@pytest.fixture(scope="module")
def trained_on_street(train_once: Run, street: Path) -> Path:
    """The pattern is typed as a shell hands it over, without quotes."""
    return train_once(
        f"dataset.root={street}", "dataset.a_folder=leftImg8bit/{split}",
        "dataset.b_folder=gtFine/{split}", "dataset.splits.test=val",
        "dataset.pair_by=(.*)_(leftImg8bit|gtFine_labelIds)", "dataset.sizes=scale",
        "dataset.direction=BtoA", "dataset.label_side=B", "dataset.label_files=ids",
        "dataset.label_as=onehot", "dataset.id_map={7:0,8:1}", CLASSES, *STEPS,
    )  # fmt: skip


def test_a_checkpoint_keeps_how_its_pairs_were_found(trained_on_street: Path) -> None:
    data = read_checkpoint(trained_on_street / "checkpoints" / "last.ckpt").config["dataset"]
    assert data["pair_by"] == "(.*)_(leftImg8bit|gtFine_labelIds)"
    assert data["sizes"] == "scale" and data["id_map"] == {7: 0, 8: 1}


def test_a_run_goes_on_with_its_pairs(
    trained_on_street: Path, command: Command, capfd: pytest.CaptureFixture
) -> None:
    assert command("train", f"resume={trained_on_street}", "trainer.max_steps=3") == 0
    told = capfd.readouterr().out
    for split, n_json, n_colour, n_all in (("train", 3, 3, 6), ("val", 2, 2, 4)):
        n_times = 1 if split == "train" else 2  # val is also the test split
        line = f"gtFine/{split}': {n_json} other files passed over: {n_json} .json"
        assert told.count(line) == n_times, told
        assert told.count(f"gtFine/{split}': {n_colour} of {n_all} image(s)") == n_times
    assert command("train", f"resume={trained_on_street}", "dataset.sizes=equal") == 1
    assert "dataset.sizes=scale" in capfd.readouterr().err


def test_it_is_scored_and_translates_files_of_ids(
    trained_on_street: Path, command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    scored = [f"checkpoint={trained_on_street}", "split=val", "trainer=cpu"]
    assert command("evaluate", *scored, f"output={tmp_path / 'scores'}") == 0
    assert capfd.readouterr().out.count("2 other files passed over: 2 .json") == 1
    asked = [f"checkpoint={trained_on_street}", "accelerator=cpu"]
    ids = tmp_path / "ids.png"
    assert cv2.imwrite(str(ids), np.full((64, 64), 7, np.uint8))
    out = tmp_path / "out"
    assert command("translate", *asked, f"input={ids}", f"output={out}") == 0
    mapped = cv2.imread(str(out / "ids.png"))
    assert cv2.imwrite(str(ids), np.full((64, 64), 8, np.uint8))
    assert command("translate", *asked, f"input={ids}", f"output={out}", "overwrite=true") == 0
    assert (cv2.imread(str(out / "ids.png")) != mapped).any()  # 7 and 8 are two classes


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pairs of unlike names, which a table in another folder names, without splits."""
    folder, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(1)
    (folder / "pictures").mkdir()
    rows = ["input;target"]
    for n in range(10):
        b = smooth_noise(rng, 64)
        assert cv2.imwrite(str(folder / "pictures" / f"in {n}.png"), 255 - b)
        assert cv2.imwrite(str(folder / "pictures" / f"ziel-{9 - n}.png"), b)
        rows.append(f"in {n}.png;ziel-{9 - n}.png")
    (folder / "my pairs.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    return folder / "my pairs.csv"


@pytest.mark.parametrize("system", [[], ["model=cyclegan", "generator=resnet6"]])
def test_a_table_is_trained_on_gone_on_with_and_scored_from_elsewhere(
    system: list[str], table: Path, train: Run, command: Command, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").write_bytes(table.read_bytes())
    run = train(
        f"dataset.root={table.parent / 'pictures'}", "dataset.pairs=here.csv",
        "dataset.val_from_train=0.2", "dataset.test_from_train=2", *STEPS, *system,
    )  # fmt: skip
    kept = read_checkpoint(run / "checkpoints" / "last.ckpt")
    assert kept.config["dataset"]["pairs"] == str(tmp_path / "here.csv")
    assert "6 images" in kept.training_images
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert command("train", f"resume={run}", "trainer.max_steps=3", cwd=elsewhere) == 0
    scored = [f"checkpoint={run}", "trainer=cpu", f"output={tmp_path / 'scores'}"]
    assert command("evaluate", *scored, cwd=elsewhere) == 0
    names = (tmp_path / "scores").glob("per_image*.csv")
    assert all("in " in file.read_text() for file in names)


def test_files_that_are_not_read_are_counted_by_translate_too(
    trained_on_street: Path, command: Command, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    folder = tmp_path / "in"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.full((64, 64), 7, np.uint8))
    for name in ("x.svg", "y.txt", "._a.png", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    options = [f"checkpoint={trained_on_street}", "accelerator=cpu", f"input={folder}"]
    assert command("translate", *options, f"output={tmp_path / 'out'}") == 0
    told = capfd.readouterr().out
    assert told.count("2 other files passed over: 1 .svg, 1 .txt") == 1
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.png"]


def test_a_table_is_enough(table: Path, tiny: list[str], command: Command, tmp_path: Path) -> None:
    """Without dataset.root, where paths are below the table; typed over that of a checkpoint."""
    beside = table.parent / "pictures" / "own.csv"
    beside.write_bytes(table.read_bytes())
    options = [o for o in tiny if not o.startswith("dataset.root=")]
    options += ["generator.n_downs=6", f"dataset.pairs={beside}", *STEPS]
    assert command("train", *options, f"hydra.run.dir={tmp_path / 'run'}") == 0
    one = table.parent / "pictures" / "one.csv"
    one.write_text("input,target,split\nin 3.png,ziel-6.png,test\n")
    scored = [f"checkpoint={tmp_path / 'run'}", f"dataset.pairs={one}", "trainer=cpu"]
    assert command("evaluate", *scored, f"output={tmp_path / 'scores'}") == 0
    rows = (tmp_path / "scores" / "per_image.csv").read_text().splitlines()
    assert len(rows) == 2 and "in 3" in rows[1]
