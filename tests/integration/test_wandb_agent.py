"""The sweep.yaml of docs/wandb.md, run as W&B's agent runs it."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from conftest import TINY_UNET, run_command
from wandb_file import read_run

DOCS = Path(__file__).parents[2] / "docs" / "wandb.md"


def command_of(sweep: dict, chosen: dict) -> list[str]:
    """The words of a run, with what an agent puts in place of its macros."""
    options = [f"{key}={value}" for key, value in chosen.items()]
    words: list[str] = []
    for word in sweep["command"]:
        if word == "${args_no_hyphens}":
            words += options
        else:
            words.append(sweep["program"] if word == "${program}" else word)
    return words


def test_a_run_of_an_agent(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = re.search(r"```yaml\n(program.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    sweep = yaml.safe_load(block[1])
    chosen = {"model.lambda_l1": 31.6, "generator": "unet"}
    assert chosen.keys() == sweep["parameters"].keys()
    python, program, data, *options = command_of(sweep, chosen)
    assert (python, program, data) == ("python", "src/train.py", "dataset=maps")
    monkeypatch.setenv("WANDB_SWEEP_ID", "s1")
    monkeypatch.setenv("WANDB_RUN_ID", "agents1")
    monkeypatch.setenv("WANDB_MODE", "offline")
    small = [o for o in [*tiny, *TINY_UNET] if not o.startswith(("logger=", "generator="))]
    run = tmp_path / "run"
    options += [*small, "trainer.max_steps=2", f"hydra.run.dir={run}"]
    assert run_command("train", *options, cwd=tmp_path) == 0, sys.argv
    found = read_run(run)
    assert (run / "wandb_id.txt").read_text() == "agents1"
    assert found["config"]["model"]["lambda_l1"] == 31.6
    assert found["config"]["options"]["model/lambda_l1"] == 31.6
    assert sweep["metric"]["name"] in {key for row in found["history"] for key in row}
