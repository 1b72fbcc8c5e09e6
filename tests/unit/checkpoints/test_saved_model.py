"""Weights that are no numbers are told before anything is made with them."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from conftest import TINY_UNET, Run
from i2i.checkpoints.checkpoint import Checkpoint
from i2i.checkpoints.saved_model import not_finite


def spoil(run_dir: Path, *names: str, part: str = "generator.", value: float = math.nan) -> None:
    """Gives one weight of a part in some of a run's checkpoints another value."""
    for name in names:
        file = run_dir / "checkpoints" / f"{name}.ckpt"
        content = torch.load(file, weights_only=True)
        weight = next(n for n in content["state_dict"] if n.startswith(part))
        content["state_dict"][weight].view(-1)[0] = value
        torch.save(content, file)


@pytest.fixture(scope="module")
def begun(train_once: Run) -> Path:
    return train_once("trainer.max_steps=2")


@pytest.fixture
def run_dir(begun: Path, tmp_path: Path) -> Path:
    """A copy of one run of two steps."""
    return Path(shutil.copytree(begun, tmp_path / "run"))


def commands(run_dir: Path, pairs: Path, tiny: list[str]) -> dict[str, list[str]]:
    """How each option that names a checkpoint is typed."""
    there = f"{run_dir}/checkpoints/last.ckpt"
    new = [*tiny, *TINY_UNET, "trainer.max_steps=1", f"hydra.run.dir={run_dir.parent}/new"]
    return {
        "resume": ["train", f"resume={run_dir}", "trainer.max_steps=4"],
        "init_from": ["train", f"init_from={there}", *new],
        "evaluate": ["evaluate", f"checkpoint={there}", f"output={run_dir.parent}/scores"],
        "translate": ["translate", f"checkpoint={there}", f"input={pairs}/test",
                      f"output={run_dir.parent}/out", "side_by_side=true"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("resume", math.nan), ("init_from", -math.inf), ("evaluate", math.nan),
        ("translate", math.inf),
    ],
)  # fmt: skip
def test_another_checkpoint_is_offered_where_one_is_good(
    how: str, value: float, run_dir: Path, command: Callable[..., int], pairs_root: Path,
    tiny: list[str], capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    spoil(run_dir, "last", value=value)
    words = commands(run_dir, pairs_root, tiny)[how]
    key, there = words[1].partition("=")[0], run_dir / "checkpoints"
    assert command(*words) == 1
    told = capsys.readouterr().err
    assert f"{key}={there}/last.ckpt: found weights that are NaN or infinite (1, such as ge" in told
    assert f"Beside it {key}={there}/best.ckpt is good (step 2)." in told
    spoil(run_dir, "best")
    assert command(*words) == 1
    told = capsys.readouterr().err
    assert "Beside it" not in told and "Use an earlier checkpoint, or train anew." in told
    assert not [*(run_dir.parent / "new").rglob("*")]


def test_a_run_that_goes_on_with_nan_is_resumed_with_it(
    run_dir: Path, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    spoil(run_dir, "last")
    asked = [f"resume={run_dir}", "trainer.max_steps=4", "model.on_nan=continue"]
    assert command("train", *asked) == 0
    assert "goes on, as model.on_nan=continue asks" in capsys.readouterr().out


def test_weights_that_are_not_taken_may_be_what_they_are(
    run_dir: Path, command: Callable[..., int], tiny: list[str], pairs_root: Path
) -> None:
    spoil(run_dir, "last", part="discriminator.")
    words = commands(run_dir, pairs_root, tiny)["init_from"]
    assert command(*words) == 1
    assert command(*words, "init_players=generator") == 0


def test_what_is_no_weight_may_be_infinite(tmp_path: Path) -> None:
    weights = {"mask": torch.tensor([-math.inf]), "w": torch.ones(1), "v": torch.tensor([math.nan])}
    checkpoint = Checkpoint(tmp_path, {}, weights, 1)
    assert not_finite(checkpoint, ["w"]) == []
    assert not_finite(checkpoint, ["v", "w", "gone"]) == ["v"]
