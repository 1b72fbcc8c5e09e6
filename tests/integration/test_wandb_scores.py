"""An evaluation that adds its scores to the W&B run of its checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import TINY_UNET
from wandb_file import read_run


def test_scores_reach_the_summary_of_the_run_that_trained_the_checkpoint(
    command: Callable[..., int], tiny: list[str], tmp_path: Path
) -> None:
    run, output = tmp_path / "run", tmp_path / "scores"
    options = [o for o in [*tiny, *TINY_UNET] if not o.startswith("logger=")]
    train = ["train", *options, "logger=wandb", "trainer.max_steps=2", f"hydra.run.dir={run}"]
    assert command(*train) == 0
    asked = [f"checkpoint={run}", "split=val", "trainer=cpu", "wandb=true", f"output={output}"]
    assert command("evaluate", *asked) == 0
    scores = json.loads((output / "metrics.json").read_text())["scores"]
    added = read_run(run, -1)
    assert added["summary"]["evaluate/folder/val/l1"] == scores["l1"]
    assert {f"evaluate/folder/val/{name}" for name in scores} <= added["summary"].keys()
    first, second = sorted((run / "wandb").glob("offline-run-*"))
    assert first.name[-8:] == second.name[-8:] == (run / "wandb_id.txt").read_text()


def test_a_run_without_wandb_is_refused_before_anything_is_scored(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    run, output = tmp_path / "run", tmp_path / "scores"
    options = [o for o in [*tiny, *TINY_UNET] if not o.startswith("logger=")]
    train = ["train", *options, "logger=csv", "trainer.max_steps=1", f"hydra.run.dir={run}"]
    assert command(*train) == 0
    assert command("evaluate", f"checkpoint={run}", "wandb=true", f"output={output}") == 1
    assert "wandb=true: found a run without W&B; expected" in capfd.readouterr().err
    assert not (output / "metrics.json").exists()
