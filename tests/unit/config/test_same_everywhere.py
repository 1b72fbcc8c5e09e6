"""Unlike options on two processes stop the run on both; as a script, this file starts them."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i.config.same_everywhere import SameEverywhere, comparable, require_same
from i2i.errors import SettingError

FIRST = {"run_dir": "/a/sweep/1", "dataset": {"root": "/a/data", "batch_size": 2},
         "reconstruction": {"vgg": {"weight": 1.0}}}  # fmt: skip
OTHER = FIRST | {"run_dir": "/b/sweep/1", "dataset": {"root": "/b/data", "batch_size": 2}}


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("run_dir", {"run_dir": "/b/sweep/0"}),
        ("dataset.batch_size", {"dataset": {"root": "/b/data", "batch_size": 4}}),
        ("reconstruction.vgg", {"reconstruction": {"vgg": None}}),  # no weights on that machine
        ("y", {"y": 3}),
    ],
)
def test_machines_may_have_other_paths_but_no_other_job_or_options(
    key: str, changed: dict[str, object]
) -> None:
    require_same([comparable(c) for c in (FIRST, OTHER, FIRST)])
    with pytest.raises(SettingError, match=rf"^{key}.*: found .* on process 0 and .* on 2; exp"):
        require_same([comparable(c) for c in (FIRST, OTHER, OTHER | changed)])


def test_a_model_without_a_configuration_passes() -> None:
    SameEverywhere().setup(None, SimpleNamespace(), "fit")


@pytest.mark.slow
def test_two_processes_are_told_alike(tmp_path: Path) -> None:
    """The equal case is every DDP run of the other tests."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}
    processes = [
        subprocess.Popen([sys.executable, __file__, str(tmp_path / "meet"), rank],
                         env=environment, stdout=subprocess.PIPE, text=True)
        for rank in "01"
    ]  # fmt: skip
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert answers[0] == answers[1]
    assert answers[0].startswith("run_dir: found 1 on process 0 and 0 on 1; expected one config")


def main(meeting: str, rank: int) -> None:
    """One of two processes; the second was given the folder of another job."""
    from torch import distributed

    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    model = SimpleNamespace(config={"run_dir": f"/sweep/{1 - rank}"})
    try:
        SameEverywhere().setup(None, model, "fit")
        print("no error")
    except SettingError as error:
        print(error)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
