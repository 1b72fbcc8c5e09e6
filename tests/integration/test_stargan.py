"""StarGAN from the command line: routes to each domain, resuming, processes, refusals."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bit_for_bit import assert_equal_ranks, two_epochs_and_one_and_one
from conftest import Run
from domain_folders import write_domains
from integration.test_ddp import start, trail

DOMAINS = {"dim": 0, "grey": 60, "light": 120}  # levels that are added to the same places
NETWORKS = [
    "model=stargan", "generator=stargan", "generator.base_channels=2", "generator.n_blocks=1",
    "discriminator.base_channels=2", "model.n_critic=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a set of 5 places to train, 2 to validate and 3 to test, each in three domains."""
    root = tmp_path_factory.mktemp("places")
    data = write_domains(root, DOMAINS, {"train": 5, "val": 2, "test": 3})
    return ["dataset=folder", "dataset.image_size=64", *data]


def root_of(places: list[str]) -> Path:
    return Path(next(place.partition("=")[2] for place in places if "root=" in place))


@pytest.fixture(scope="module")
def run_dir(places: list[str], train_once: Run) -> Path:
    return train_once(*NETWORKS, *places, "trainer.max_steps=2", folder="stargan")


def test_each_domain_is_scored_against_the_truth(run_dir: Path) -> None:
    found = json.loads((run_dir / "test_metrics.json").read_text())
    model = found["scores"]["model (best.ckpt)"]
    for name in DOMAINS:
        assert found["protocol"][name]["n_images"] == 6  # 3 places, each from two other domains
        assert {f"{name}/ssim", f"{name}/l1", f"{name}/reconstruction_l1"} <= model.keys()
    # What is copied misses the target by the difference of the levels.
    copied = found["scores"]["input copied"]
    assert copied["dim/l1"] == pytest.approx((60 + 120) / 2, abs=0.01)
    assert copied["grey/l1"] == pytest.approx(60, abs=0.01)
    pictures = {p.name.partition("_")[2] for p in (run_dir / "samples" / "test").iterdir()}
    assert pictures == {"input.png", "output.png", "back.png", "target.png"}


def test_pictures_are_translated_to_a_domain_by_name(
    run_dir: Path, places: list[str], command: Callable, tmp_path: Path
) -> None:
    source = root_of(places) / "test" / "dim"
    base = [f"checkpoint={run_dir}", f"input={source}", "accelerator=cpu"]
    for option, out in (("domain=light", "a"), ("route=light", "b"), ("domain=grey", "c")):
        assert command("translate", *base, option, f"output={tmp_path / out}") == 0
    light, same, grey = ((tmp_path / out / "0.png").read_bytes() for out in "abc")
    assert light == same != grey


def test_what_does_not_fit_is_refused(
    run_dir: Path, places: list[str], command: Callable, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    new = f"hydra.run.dir={tmp_path / 'no'}"
    translate = [f"checkpoint={run_dir}", f"input={run_dir}/samples", f"output={tmp_path / 'o'}"]
    evaluate = [f"checkpoint={run_dir}", "trainer=cpu", f"output={tmp_path / 'e'}"]
    for words, line in {
        "route=dark: found no such route of StarGAN": ["translate", *translate, "domain=dark"],
        "that was trained without attributes": ["translate", *translate, "attributes={dim:1}"],
        "found no names with values": ["translate", *translate, "attributes={}"],
        "found 1 domain(s) in 1 names": [
            "train", *NETWORKS, *places, "dataset.domains=[dim]", new
        ],
        "dark": ["train", *NETWORKS, *places, "dataset.domains=[dim,dark]", new],
        "which tells no domains": [
            "train", *NETWORKS, *places, "discriminator=patch70", "discriminator.conditional=false",
            "discriminator.norm=layer", new,
        ],
        "dataset.domains: found the domains grey, dim, light": [
            "evaluate", *evaluate, *places[:4], "dataset.domains=[grey,dim,light]"
        ],
        "Add dataset.direction=BtoA dataset.domains=[light,grey,dim], or choose": [
            "evaluate", *evaluate, "dataset.direction=BtoA"
        ],
        "dataset.pairing=unpaired: found model=StarGAN": [
            "train", *NETWORKS, *places, "dataset.pairing=unpaired", new
        ],
    }.items():  # fmt: skip
        assert command(*line) == 1, line
        assert words in capfd.readouterr().err
    assert not (tmp_path / "no").exists() or not list((tmp_path / "no").iterdir())


@pytest.mark.slow
def test_two_epochs_are_one_and_one_bit_for_bit(places: list[str], train: Run) -> None:
    """Three batches of five make no whole number of rounds of two."""
    options = [*NETWORKS, *places]
    options += ["dataset.batch_size=5", "trainer.log_every_n_steps=1"]
    assert two_epochs_and_one_and_one(train, *options)["i2i"]["batches_seen"] == 6


@pytest.mark.slow
def test_two_processes_have_equal_weights_after_each_batch(
    tiny: list[str], places: list[str], tmp_path: Path
) -> None:
    run_dir = trail(tiny, tmp_path, 2, *NETWORKS, *places, "trainer.max_steps=2")
    assert_equal_ranks(run_dir)


@pytest.mark.slow
def test_scores_are_equal_on_one_and_two_processes(
    run_dir: Path, command: Callable, tmp_path: Path
) -> None:
    """Nine pictures, which two do not divide; each route has six of them."""
    options = [f"checkpoint={run_dir}", "trainer.accelerator=cpu"]
    one, two = tmp_path / "1", tmp_path / "2"
    assert command("evaluate", *options, "trainer=cpu", f"output={one}") == 0
    several = ["trainer=ddp", "trainer.devices=2"]
    done = start("evaluate", *options, *several, f"output={two}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    a, b = (json.loads((out / "metrics.json").read_text())["scores"] for out in (one, two))
    assert a == b
    rows = [(out / f"per_image_{name}.csv").read_text() for name in DOMAINS for out in (one, two)]
    assert rows[::2] == rows[1::2]
