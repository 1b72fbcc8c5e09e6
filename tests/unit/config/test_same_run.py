"""A checkpoint goes on with the settings that it was trained with, or with those that are typed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from conftest import TINY_UNET, Run
from i2i.config.same_run import names_a_number


def test_a_run_goes_on_with_other_numbers_only_where_they_are_typed(
    train: Run, command: Callable[..., int], tiny: list[str], tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    begun = ["trainer.limit_train_batches=4", "trainer.devices=auto", "trainer.num_nodes=1"]
    run_dir = train("trainer.max_steps=1", *begun)
    last = run_dir / "checkpoints" / "last.ckpt"
    copy = tmp_path / "copy.ckpt"  # outside of a run: nothing brings its options
    copy.write_bytes(last.read_bytes())
    anew = [*tiny, *TINY_UNET, f"resume={copy}", "trainer.max_steps=2"]
    assert command("train", *anew, f"hydra.run.dir={tmp_path}/a") == 1
    told = capsys.readouterr().err
    assert f"resume={copy}: found a run with trainer.limit_train_batches=4 (1 such); exp" in told

    content = torch.load(last, weights_only=True)
    assert content["i2i"]["processes"] == 1
    content["i2i"]["processes"] = 2
    torch.save(content, last)
    assert command("train", f"resume={run_dir}", "trainer.max_steps=2") == 1
    told = capsys.readouterr().err
    assert "found a run of 2 processes, each with a batch of its own; expected 1, as there" in told
    assert command("train", f"resume={run_dir}", "trainer.max_steps=2", "trainer.devices=1") == 0
    assert torch.load(last, weights_only=True)["i2i"]["processes"] == 1


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
