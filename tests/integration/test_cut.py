"""CUT and FastCUT as commands: trained, resumed, on two processes, scored, translating."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch

from bit_for_bit import assert_same
from conftest import Run
from integration.test_cyclegan import own_set, write_domains
from integration.test_ddp import trail

NETWORKS = [
    "generator.base_channels=2", "generator.n_blocks=1", "discriminator.base_channels=2",
    "model.n_patches=16", "model.head_width=8",
]  # fmt: skip
# conftest's run_training makes the default generator shallower, where none is named.
SYSTEMS = {name: [f"model={name}", "generator=resnet9_blur"] for name in ("cut", "fastcut")}


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """5 and 4 training images, in batches of 2; 3 and 2 to test."""
    counts = {"trainA": 5, "trainB": 4, "valA": 2, "valB": 2, "testA": 3, "testB": 2}
    root = write_domains(tmp_path_factory.mktemp("domains"), counts)
    return [*own_set(root), "dataset.batch_size=2"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_trained_scored_and_translating(
    system: str, domains: list[str], train: Run, command: Callable, tmp_path: Path
) -> None:
    kinds = "model.diffaugment=[color,translation,cutout]"
    options = [*SYSTEMS[system], *NETWORKS, *domains, "trainer.max_steps=3", kinds]
    run_dir = train(*options, folder=system)
    scores = json.loads((run_dir / "test_metrics.json").read_text())
    assert "n_fake" not in scores["protocol"]
    out = tmp_path / "scored"
    assert command("evaluate", f"checkpoint={run_dir}", "trainer=cpu", f"output={out}") == 0
    root = Path(domains[1].partition("=")[2])
    made = tmp_path / "made"
    options = [f"checkpoint={run_dir}", f"input={root / 'testA'}", f"output={made}"]
    assert command("translate", *options, "accelerator=cpu") == 0
    assert [p.name for p in sorted(made.iterdir())] == ["a0.png", "a1.png", "a2.png"]
    shown = cv2.imread(str(run_dir / "samples" / "test" / "000_output.png"))
    assert (shown == cv2.imread(str(made / "a0.png"))).all()


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_two_epochs_are_one_and_one_bit_for_bit(
    system: str, domains: list[str], train: Run
) -> None:
    options = [*SYSTEMS[system], *NETWORKS, *domains, "trainer.max_steps=-1", "scheduler=constant"]
    options += ["model.diffaugment=[translation]"]
    straight = train(*options, "trainer.max_epochs=2", folder="straight")
    halves = train(*options, "trainer.max_epochs=1", folder="halves")
    again = train(*options, "trainer.max_epochs=2", f"resume={halves}", folder="halves")
    a, b = (
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        for run in (straight, again)
    )
    assert a["global_step"] == 4
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_same(a[part], b[part], part)


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_two_processes_stay_equal(
    system: str, domains: list[str], tiny: list[str], tmp_path: Path
) -> None:
    """Though each draws places, flips and augmentations of its own."""
    options = [*SYSTEMS[system], *NETWORKS, *domains, "dataset.batch_size=1"]
    options += ["model.diffaugment=[color,translation,cutout]", "trainer.max_steps=3"]
    run_dir = trail(tiny, tmp_path, 2, *options)
    files = sorted((run_dir / "trail").glob("*_rank0.pt"))
    assert len(files) == 3
    last = None
    for file in files:
        one = torch.load(file, weights_only=True)
        two = torch.load(str(file).replace("rank0", "rank1"), weights_only=True)
        assert [n for n in one if not torch.equal(one[n], two[n])] == []
        for part in ("generator", "discriminator", "heads"):
            names = [n for n in one if n.startswith(part)]
            assert last is None or any(not torch.equal(one[n], last[n]) for n in names), part
        last = one


def test_what_would_be_mistaken_is_refused(
    command: Callable, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    for options, words in (
        (["generator=spade"], "generator: found SPADEGenerator, which names no layers"),
        (["model.taps=[down9]"], "model.taps=['down9']: found that choice; expected one or more"),
        (["model.diffaugment=[blur]"], "model.diffaugment=['blur']: found that choice; expected"),
        (["discriminator.conditional=true"], "discriminator.conditional=true: found"),
        (["gan_loss=none"], "gan_loss=none: found no adversarial objective"),
        (["dataset.pairing=paired"], "dataset.pairing=paired: found model=CUT"),
    ):
        run_dir = tmp_path / "no"
        assert command("train", "model=cut", *options, f"hydra.run.dir={run_dir}") == 1
        assert words in capfd.readouterr().err
        assert not list(run_dir.glob("*"))
