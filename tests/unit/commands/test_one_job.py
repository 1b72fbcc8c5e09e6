"""The command line that the further processes of a job are started with."""

import os
import sys
from collections.abc import Callable
from functools import partial

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from conftest import CONF, ROOT
from i2i.commands.one_job import processes_of_one_job


def names_that_are_written(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Gets the environment variables that are set or taken away from now on."""
    found: set[str] = set()

    def noted(change: Callable[..., None], name: bytes, *value: bytes) -> None:
        found.add(os.fsdecode(name))
        change(name, *value)

    for change in ("putenv", "unsetenv"):
        monkeypatch.setattr(os, change, partial(noted, getattr(os, change)))
    return found


@pytest.mark.parametrize("name", ["first_run", "table1_losses", "table3_patch"])
def test_a_further_process_runs_one_job_whatever_the_experiment_asks_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An experiment with hydra.mode: MULTIRUN would start its whole sweep in each process."""
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    program = ["train.py", "-m", "the whole sweep"]
    monkeypatch.setattr(sys, "argv", program)
    monkeypatch.setenv("I2I_OF_THE_JOB", "before")
    options = ["run_dir=x", f"experiments={name}", "trainer.max_steps=7"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", options, return_hydra_config=True)
        cfg.hydra.runtime.output_dir = "/sweep/3"
        HydraConfig.instance().set_config(cfg)
        with processes_of_one_job():
            os.environ["MASTER_PORT"], os.environ["I2I_OF_THE_JOB"] = "1", "after"
            del os.environ["I2I_ROOT"]
            typed = sys.argv
            assert HydraConfig.get().run.dir == "/sweep/3"
            touched = names_that_are_written(monkeypatch)
        child = compose("config", typed[1:], return_hydra_config=True)
    assert typed[0] == "train.py" and typed[1:-1] == options
    assert child.hydra.mode == RunMode.RUN
    assert child.trainer.max_steps == 7
    assert sys.argv is program and "MASTER_PORT" not in os.environ
    assert os.environ["I2I_OF_THE_JOB"] == "before" and os.environ["I2I_ROOT"] == str(ROOT)
    # What other threads read stands there all the time.
    assert touched == {"MASTER_PORT", "I2I_OF_THE_JOB", "I2I_ROOT"}
