"""What a run goes on with, what is refused, and what was typed takes effect and is recorded."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from bit_for_bit import assert_same
from conftest import Run, write_pairs
from i2i.checkpoints.same_run import names_a_number


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, by the hash of its content."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def last(run_dir: Path) -> dict:
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.fixture(scope="module")
def begun(train_once: Run) -> Path:
    return train_once("trainer.max_steps=4", "optimizer.discriminator.lr=4e-4")


@pytest.fixture
def run_dir(begun: Path, tmp_path: Path) -> Path:
    """A copy of one run of four steps."""
    import shutil

    return Path(shutil.copytree(begun, tmp_path / "run"))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("dataset=maps", "init_from="), ("dataset.direction=BtoA", "init_from="),
        ("dataset.splits.train=val", "init_from="), ("task=inpainting", "task"),
        ("optimizer.generator._target_=torch.optim.SGD", "SGD"),
        ("+optimizer.generator.amsgrad=true", "amsgrad"), ("seed=-1", "2^32"),
        ("seed=null", "seed=0"), ("test_checkpoint=first", "best or last"),
        ("validate_first=true", "new run"),
        ("generator.base_channels=8", "weights of another architecture"), ("+foo=1", "no part"),
        ("init_from=/x", "Leave init_from out"), ("trainer.max_steps=many", "number"),
        ("optimizer.lr=1", "optimizer.generator.lr"),
        ("dataset.root=/no/such", "/no/such"),
        ("run_dir=/elsewhere", "hydra.run.dir"), ("logger=wandb", "logger.wandb.foo"),
    ],
)  # fmt: skip
def test_a_refused_command_leaves_the_run_as_it_was(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture, option: str,
    told: str,
) -> None:  # fmt: skip
    before = contents(run_dir)
    more = ["+logger.wandb.foo=1"] if option == "logger=wandb" else []
    assert command("train", f"resume={run_dir}", "trainer.max_steps=8", option, *more) == 1
    assert told in capsys.readouterr().err
    assert contents(run_dir) == before


def test_what_is_typed_takes_effect_is_said_and_recorded(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    """Rate, schedule and weight decay too, which the checkpoint's state has as well."""
    typed = [
        "optimizer.generator.lr=1e-3", "+optimizer.discriminator.weight_decay=0.5",
        "scheduler.flat_fraction=0", "model.lambda_l1=50", "trainer.max_steps=8",
    ]  # fmt: skip
    state = last(run_dir)["optimizer_states"][0]["state"][0]["exp_avg"]
    assert command("train", f"resume={run_dir}", *typed) == 0
    told = capsys.readouterr().out
    assert "model.lambda_l1 100.0 -> 50" in told
    assert "optimizer.generator.lr 0.0002 -> 0.001" in told
    assert "Learning rate of G: 0 at step 4 until now, 0.0005 from here on; the schedule en" in told
    content = last(run_dir)
    g, d = (optimizer["param_groups"][0] for optimizer in content["optimizer_states"])
    assert (g["initial_lr"], d["initial_lr"], d["weight_decay"]) == (1e-3, 4e-4, 0.5)
    assert content["optimizer_states"][0]["state"][0]["step"] == 8
    assert not torch.equal(content["optimizer_states"][0]["state"][0]["exp_avg"], state)
    assert [s["last_epoch"] for s in content["lr_schedulers"]] == [8, 8]
    config = OmegaConf.load(run_dir / "config.yaml")
    assert config.optimizer.generator.lr == content["i2i"]["config"]["optimizer"]["generator"]["lr"]
    assert (config.model.lambda_l1, config.scheduler.flat_fraction) == (50, 0)
    # A linear decay over 8 steps from the first one on: after step 6 a quarter is left.
    rows = (run_dir / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("train/lr_g")
    rates = {int(row.split(",")[0]): float(row.split(",")[column]) for row in rows[1:]}
    assert rates[6] == pytest.approx(1e-3 / 4)


def test_nothing_typed_changes_no_bit(
    run_dir: Path, begun: Path, command: Callable[..., int], tmp_path: Path
) -> None:
    assert command("train", f"resume={run_dir}", f"hydra.run.dir={tmp_path}/a") == 0
    assert_same(last(begun)["optimizer_states"], last(run_dir)["optimizer_states"], "optimizers")


def test_a_finished_run_says_so_and_which_option_goes_on(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    assert command("train", f"resume={run_dir}") == 0
    told = capsys.readouterr().out
    assert "This run is finished: step 4 of 4. To train on: trainer.max_steps=8" in told


def test_a_run_that_is_finished_by_its_epochs_is_known_too(
    train: Run, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    run_dir = train("trainer.max_epochs=2", "trainer.limit_train_batches=2")
    before = contents(run_dir)
    assert command("train", f"resume={run_dir}", "model.lambda_l1=50") == 1
    assert "Add trainer.max_epochs=4" in capsys.readouterr().err
    assert contents(run_dir) == before
    assert command("train", f"resume={run_dir}") == 0
    told = capsys.readouterr().out
    assert "This run is finished: 2 epochs, 4 steps. To train on: trainer.max_epochs=4" in told


def test_options_that_no_step_would_read_are_refused(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    before = contents(run_dir)
    assert command("train", f"resume={run_dir}", "model.lambda_l1=50") == 1
    told = capsys.readouterr().err
    assert "model.lambda_l1=50: found a run that is finished (step 4)" in told
    assert contents(run_dir) == before


@pytest.mark.parametrize("moment", ["exp_avg", "exp_avg_sq"])
def test_moments_of_another_shape_are_refused(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture, moment: str
) -> None:
    """A fused step would read past the end of them."""
    content = last(run_dir)
    content["optimizer_states"][0]["state"][0][moment] = torch.zeros(1)
    torch.save(content, run_dir / "checkpoints" / "last.ckpt")
    assert command("train", f"resume={run_dir}", "trainer.max_steps=6") == 1
    assert "whose optimizers do not fit its weights" in capsys.readouterr().err


def test_other_pictures_in_the_same_place_are_refused(
    run_dir: Path, command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    other = write_pairs(tmp_path / "other", {"train": 8, "val": 4, "test": 5}, seed=1)
    before = contents(run_dir)
    assert (
        command("train", f"resume={run_dir}", "trainer.max_steps=8", f"dataset.root={other}") == 1
    )
    assert "training images" in capsys.readouterr().err
    assert contents(run_dir) == before


def test_another_number_of_processes_is_refused_unless_typed(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    content = last(run_dir)
    assert content["i2i"]["processes"] == 1
    content["i2i"]["processes"] = 2
    torch.save(content, run_dir / "checkpoints" / "last.ckpt")
    assert command("train", f"resume={run_dir}", "trainer.max_steps=5") == 1
    told = capsys.readouterr().err
    assert "found a run of 2 processes, each with a batch of its own; expected 1, as there" in told
    assert command("train", f"resume={run_dir}", "trainer.max_steps=5", "trainer.devices=1") == 0
    assert last(run_dir)["i2i"]["processes"] == 1


@pytest.mark.parametrize(
    ("devices", "nodes", "keys", "named"),
    [
        (2, 1, {"trainer.devices"}, True),
        ("auto", 1, {"trainer.devices"}, False),
        (-1, 1, {"trainer.devices"}, False),
        (2, 1, set(), False),
        ("auto", 1, {"trainer.num_nodes"}, False),
        ("auto", 2, {"trainer.num_nodes"}, True),
    ],
)
def test_all_devices_and_the_same_machines_name_no_number(
    devices: int | str, nodes: int, keys: set[str], named: bool
) -> None:
    saved = {"trainer": {"devices": "auto", "num_nodes": 1}}
    asked = {"trainer": {"devices": devices, "num_nodes": nodes}}
    assert names_a_number(saved, asked, keys) is named
