"""DiscoGAN from the command line: trained, gone on with, scored, translated, refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from conftest import Run
from integration.test_cyclegan import own_set, write_domains

NETWORKS = [
    "model=discogan", "generator.base_channels=2", "discriminator.base_channels=2",
    "generator.n_downs=4", "trainer.max_steps=-1", "dataset.batch_size=2", "model.first_batches=4",
]  # fmt: skip


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a set of 4 training images a side: two batches, with a round of three."""
    counts = {"trainA": 4, "trainB": 4, "valA": 2, "valB": 2, "testA": 3, "testB": 2}
    return own_set(write_domains(tmp_path_factory.mktemp("domains"), counts))


def rows(run_dir: Path) -> list[dict[str, str]]:
    """metrics.csv without what depends on the clock."""
    with (run_dir / "metrics.csv").open() as file:
        return [
            {k: v for k, v in row.items() if k != "train/images_per_second" and "test/" not in k}
            for row in csv.DictReader(file)
        ]


def test_two_epochs_and_one_are_three_bit_for_bit(
    domains: list[str], train: Run, command: Callable, tmp_path: Path
) -> None:
    """The first stretch ends after D and G, within a round; the second after the next D and G."""
    straight = train(*NETWORKS, *domains, "trainer.max_epochs=3", folder="straight")
    halves = train(*NETWORKS, *domains, "trainer.max_epochs=1", folder="halves")
    train(*NETWORKS, *domains, "trainer.max_epochs=2", f"resume={halves}", folder="halves")
    train(*NETWORKS, *domains, "trainer.max_epochs=3", f"resume={halves}", folder="halves")
    a, b = (
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        for run in (straight, halves)
    )
    assert a["global_step"] == 4 and a["i2i"]["batches_seen"] == 6
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_same(a[part], b[part], part)
    one, two = rows(straight), rows(halves)
    assert one == two and [row["step"] for row in one if row["train/g/cycle_there"]] == list("1234")
    assert all(row["train/d/real_there"] for row in one if row["train/g/cycle_there"])

    out = tmp_path / "scores"
    assert command("evaluate", f"checkpoint={halves}", "trainer=cpu", f"output={out}") == 0
    found = json.loads((out / "metrics.json").read_text())["scores"]
    assert {"AtoB/reconstruction_l1", "BtoA/reconstruction_l1"} <= found.keys()
    made, source = tmp_path / "made", Path(domains[1].partition("=")[2]) / "testB"
    options = [f"checkpoint={halves}", f"input={source}", f"output={made}", "accelerator=cpu"]
    assert command("translate", *options, "route=BtoA") == 0
    assert sorted(p.name for p in made.iterdir()) == ["b0.png", "b1.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["model.g_updates=0"], "model.g_updates=0: found that number of batches"),
        (["model.rate=2"], "model.rate=2: found that share of the cycle in G's loss"),
        (["gan_loss=none"], "gan_loss=none: found no adversarial objective"),
        (["dataset.pairing=paired"], "dataset.pairing=paired: found model=DiscoGAN"),
        (["dataset.image_size=48"], "dataset.image_size=48: found 48 x 48 pixels; expected at"),
    ],
)
def test_what_it_cannot_train_on_is_refused(
    domains: list[str], command: Callable, tmp_path: Path, capfd: pytest.CaptureFixture,
    options: list[str], words: str,
) -> None:  # fmt: skip
    run = [f"hydra.run.dir={tmp_path / 'no'}", "trainer=cpu"]
    assert command("train", *NETWORKS, *domains, *run, *options) == 1
    assert words in capfd.readouterr().err
