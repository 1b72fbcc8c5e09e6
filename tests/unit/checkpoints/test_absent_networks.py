"""Checkpoints that hold the weights of some networks only, and say so."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import Run
from i2i.checkpoints.saved_model import load_model
from i2i.errors import SettingError


@pytest.fixture(scope="module")
def begun(train_once: Run) -> Path:
    return train_once("trainer.max_steps=1", "baselines=false")


@pytest.fixture
def file(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(begun / "checkpoints" / "last.ckpt", tmp_path / "some.ckpt"))


def rewritten(file: Path, absent: Any, *gone: str) -> dict[str, Any]:
    """Says what is absent in a checkpoint, and takes the weights of some networks out."""
    content = torch.load(file, weights_only=True)
    content["i2i"]["absent"] = absent
    weights = content["state_dict"].items()
    content["state_dict"] = {n: v for n, v in weights if not n.startswith(gone)}
    torch.save(content, file)
    return content["state_dict"]


def test_what_is_there_is_loaded_and_the_rest_stays_new(file: Path) -> None:
    kept = rewritten(file, ["discriminator"], "discriminator.")
    model, checkpoint = load_model(str(file), {})
    assert checkpoint.absent == ["discriminator"] and model.routes == ("AtoB",)
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in kept.items())
    assert len(state) > len(kept)


@pytest.mark.parametrize(
    ("absent", "gone", "told"),
    [
        (["generator"], "generator.", "found no network that translates"),
        (["discriminator"], "none", "found weights of another architecture"),
        (["generator"], "discriminator.", "found weights of another architecture"),
        ([], "discriminator.", "found weights of another architecture"),
        ("discriminator", "discriminator.", r"other values than a run writes \(absent\)"),
        ([1], "discriminator.", r"other values than a run writes \(absent\)"),
        ([""], "discriminator.", r"other values than a run writes \(absent\)"),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    file: Path, absent: Any, gone: str, told: str
) -> None:
    rewritten(file, absent, gone)
    with pytest.raises(SettingError, match=told):
        load_model(str(file), {})
