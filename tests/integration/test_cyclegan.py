"""CycleGAN from the command line: sets with and without pairs, both routes, pools, processes."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from bit_for_bit import two_epochs_and_one_and_one
from conftest import Run, smooth_noise
from i2i.comparison.picture import picture, read_pictures
from integration.test_ddp import start

NETWORKS = [
    "model=cyclegan", "generator=resnet9", "generator.base_channels=2", "generator.n_blocks=1",
    "discriminator.base_channels=2", "model.pool_size=3",
]  # fmt: skip
EXPECTED = {"AtoB": (7, 5), "BtoA": (5, 7)}  # made and real images


def write_domains(root: Path, counts: dict[str, int], channels: int = 3) -> Path:
    """PNGs of 64 x 64 in a folder for each name; those of side B are brighter."""
    rng = np.random.default_rng(0)
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for i in range(count):
            image = smooth_noise(rng, 64) // 2 + (127 if folder.endswith("B") else 0)
            if channels == 1 and folder.endswith("A"):
                image = image[:, :, 0]
            assert cv2.imwrite(str(root / folder / f"{folder[-1].lower()}{i}.png"), image)
    return root


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a set of 6 and 4 training images, 3 and 2 to validate, 7 and 5 to test."""
    counts = {"trainA": 6, "trainB": 4, "valA": 3, "valB": 2, "testA": 7, "testB": 5}
    root = write_domains(tmp_path_factory.mktemp("domains"), counts)
    return own_set(root)


def own_set(root: Path) -> list[str]:
    return [
        "dataset=folders", f"dataset.root={root}", "dataset.image_size=64",
        "dataset.splits.val=val", "dataset.val_from_train=0",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def apart(domains: list[str], train_once: Run, inception_file: Path) -> Path:
    """A run of two epochs on the set without pairs, scored with FID and KID."""
    metrics = ["metrics=full", f"metrics.inception_weights={inception_file}"]
    return train_once(
        *NETWORKS, *domains, *metrics, "metrics.kid_subset_size=2", "trainer.max_epochs=2",
        "trainer.max_steps=-1", folder="apart",
    )  # fmt: skip


def test_a_set_without_pairs_is_scored_both_ways(apart: Path) -> None:
    found = json.loads((apart / "test_metrics.json").read_text())
    for route, (made, real) in EXPECTED.items():
        protocol = found["protocol"][route]
        assert (protocol["n_fake"], protocol["n_real"]) == (made, real)
        names = {n.partition("/")[2] for n in found["units"] if n.startswith(route)}
        assert "reconstruction_psnr" in names and "psnr" not in names
    model, copied = found["scores"]["model (best.ckpt)"], found["scores"]["input copied"]
    expected = {"fid", "kid", "inception_score", "reconstruction_ssim", "reconstruction_l1"}
    for route in EXPECTED:
        assert expected <= {n.partition("/")[2] for n in model if n.startswith(route)}
        assert f"{route}/ssim" not in model and f"{route}/fid" in copied
    # The domains change places: the distance between the real sets is the same both ways.
    assert copied["AtoB/fid"] == pytest.approx(copied["BtoA/fid"], rel=1e-3)
    with (apart / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/AtoB/fid"]]
    assert len(rows) == 2
    assert "BtoA/reconstruction_l1" in " ".join(rows[0])


def test_the_best_checkpoint_is_that_of_the_least_fid(apart: Path) -> None:
    with (apart / "metrics.csv").open() as file:
        found = {int(r["step"]): float(r["val/AtoB/fid"]) for r in csv.DictReader(file)
                 if r["val/AtoB/fid"]}  # fmt: skip
    best = torch.load(apart / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["global_step"] == min(found, key=found.get)


def test_grids_have_the_way_back_and_no_truth(apart: Path) -> None:
    pictures = {p.name for p in (apart / "samples" / "test").iterdir()}
    assert {p.partition("_")[2] for p in pictures} == {"input.png", "output.png", "back.png"}
    assert {"test_AtoB.png", "test_BtoA.png"} <= {p.name for p in (apart / "samples").iterdir()}


def test_both_routes_translate(apart: Path, domains: list[str], command: Callable, tmp_path: Path):
    root = Path(domains[1].partition("=")[2])
    for route, folder in (("AtoB", "testA"), ("BtoA", "testB")):
        out = tmp_path / route
        options = [f"checkpoint={apart}", f"input={root / folder}", f"output={out}"]
        assert command("translate", *options, f"route={route}", "accelerator=cpu") == 0
        assert [p.name for p in sorted(out.iterdir())] == [
            p.name for p in sorted((root / folder).iterdir())
        ]
    main = tmp_path / "main"
    options = [f"checkpoint={apart}", f"input={root / 'testA'}", f"output={main}"]
    assert command("translate", *options, "accelerator=cpu") == 0
    for file in main.iterdir():
        assert file.read_bytes() == (tmp_path / "AtoB" / file.name).read_bytes()
    # What is scored is what is written.
    shown = cv2.imread(str(apart / "samples" / "test" / "000_output.png"))
    assert np.array_equal(shown, cv2.imread(str(main / "a0.png")))


@pytest.mark.slow
def test_scores_are_equal_on_one_two_and_three_processes(
    apart: Path, command: Callable, tmp_path: Path
) -> None:
    """7 and 5 images, which neither 2 nor 3 divides."""
    files = {}
    for processes in (1, 2, 3):
        out = tmp_path / f"out{processes}"
        options = [f"checkpoint={apart}", "trainer.accelerator=cpu", f"output={out}"]
        if processes == 1:
            assert command("evaluate", *options, "trainer=cpu") == 0
        else:
            several = ["trainer=ddp", f"trainer.devices={processes}"]
            done = start("evaluate", *options, *several, cwd=tmp_path)
            assert done.returncode == 0, done.stderr[-3000:]
        scores = json.loads((out / "metrics.json").read_text())["scores"]
        rows = [(out / f"per_image_{route}.csv").read_text() for route in EXPECTED]
        files[processes] = (scores, rows)
    assert files[1] == files[2] == files[3]
    assert [len(text.splitlines()) - 1 for text in files[1][1]] == [7, 5]


def test_one_route_is_scored_where_it_is_asked_for(
    apart: Path, command: Callable, tmp_path: Path
) -> None:
    options = [f"checkpoint={apart}", "trainer=cpu", f"output={tmp_path / 'out'}"]
    assert command("evaluate", *options, "route=BtoA") == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    trained = json.loads((apart / "test_metrics.json").read_text())["scores"]["model (best.ckpt)"]
    assert found["n_images"] == 5
    for name, value in found["scores"].items():
        assert value == pytest.approx(trained[f"BtoA/{name}"], rel=1e-9), name


@pytest.mark.slow
def test_two_epochs_are_one_and_one_bit_for_bit(domains: list[str], train: Run) -> None:
    """The pools of three images are full after the first epoch, and swap in the second."""
    options = [*NETWORKS, *domains]
    (pools,) = two_epochs_and_one_and_one(train, *options)["i2i"]["own_states"]
    assert [len(pools[way]) for way in ("there", "back")] == [3, 3]


def test_what_would_be_mistaken_is_refused(
    apart: Path, command: Callable, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    options = [f"checkpoint={apart}", "trainer=cpu", f"output={tmp_path / 'out'}"]
    assert command("evaluate", *options, "dataset.direction=BtoA") == 1
    assert "dataset.direction=BtoA: found the domains the other way round" in capfd.readouterr().err
    for option in ("reconstruction=[ssim]", "+reconstruction.l1.weight=1"):
        assert command("train", "model=cyclegan", option, f"hydra.run.dir={tmp_path / 'no'}") == 1
        assert "CycleGAN, which has no reconstruction" in capfd.readouterr().err
    assert command("train", "model=cyclegan", "dataset.pairing=paired") == 1
    assert "dataset.pairing=paired: found model=CycleGAN" in capfd.readouterr().err
    assert not list((tmp_path / "no").glob("*"))


def test_a_set_without_pairs_is_no_truth_for_pix2pix(
    train: Run, domains: list[str], command: Callable, tmp_path: Path
) -> None:
    run_dir = train("trainer.max_steps=1", folder="pairs")
    out = tmp_path / "out"
    options = [f"checkpoint={run_dir}", "trainer=cpu", f"output={out}", *domains[:3]]
    assert command("evaluate", *options, "metrics=pairwise") == 0
    found = json.loads((out / "metrics.json").read_text())
    assert found["scores"] == {} and found["n_images"] == 7


def test_a_sweep_of_sets_without_pairs_has_its_picture(apart: Path) -> None:
    shown = read_pictures(apart)
    assert list(shown) == ["input", "output"] and len(shown["output"]) == 7
    assert picture({"a": shown, "b": shown}) is not None


def test_a_run_with_damaged_pools_is_refused_as_it_was(
    domains: list[str], train: Run, command: Callable, capfd: pytest.CaptureFixture
) -> None:
    options = [*NETWORKS, *domains, "trainer.max_epochs=-1"]
    run_dir = train(*options, "trainer.max_steps=2", folder="tampered")
    last = run_dir / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    content["i2i"]["own_states"][0]["there"] += float("nan")
    torch.save(content, last)
    before = {p: p.read_bytes() for p in run_dir.rglob("*") if p.is_file()}
    resumed = [f"resume={run_dir}", f"hydra.run.dir={run_dir}", "trainer.max_steps=4"]
    assert command("train", *resumed) == 1
    assert "damaged states of its processes" in capfd.readouterr().err
    assert before == {p: p.read_bytes() for p in run_dir.rglob("*") if p.is_file()}
