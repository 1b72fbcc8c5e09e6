"""Who started this process, and the one name that all processes of a run give their folder."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta

import pytest
from torch.distributed import TCPStore

from i2i.cluster import environment as cluster
from i2i.errors import SettingError

NAME: ContextVar[str] = ContextVar("name")  # of a thread that stands for a process
STEP = {
    "SLURM_JOB_ID": "12", "SLURM_STEP_ID": "0", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "3",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)", "SLURM_STEP_NUM_NODES": "2",
}  # fmt: skip
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_USE_AGENT_STORE": "True", "RANK": "5",
    "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8",
}  # fmt: skip


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    address = ("MASTER_ADDR", "MASTER_PORT")
    for name in (*STEP, *TORCHRUN, *address, "SLURM_ARRAY_JOB_ID", "SLURM_RESTART_COUNT"):
        monkeypatch.delenv(name, raising=False)


def put(monkeypatch: pytest.MonkeyPatch, *environments: dict[str, str]) -> None:
    for environment in environments:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)


def test_a_shell_starts_one_process() -> None:
    assert cluster.launched() is None and cluster.slurm_step() is None and cluster.rank() == 0
    assert len(cluster.started()) == len("2026-01-01/12-00-00")


def test_srun_names_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, STEP)
    assert (cluster.launched(), cluster.rank()) == ((2, 2), 3)
    assert cluster.started() == "slurm/12.0"
    put(monkeypatch, {"SLURM_ARRAY_JOB_ID": "10", "SLURM_ARRAY_TASK_ID": "4"})
    assert (cluster.slurm_job(), cluster.started()) == ("10_4", "slurm/10_4.0")


def test_tasks_of_a_step_name_a_command_alike_and_another_one_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One step may score several times, and each time its tasks share a folder."""
    put(monkeypatch, STEP)
    names = set()
    for rank, split in [("0", "val"), ("3", "val"), ("0", "test"), ("1", "test")]:
        put(monkeypatch, {"SLURM_PROCID": rank})
        monkeypatch.setattr(sys, "argv", ["evaluate.py", f"split={split}"])
        names.add(cluster.moment())
    assert len(names) == 2 and all(re.fullmatch(r"slurm/12\.0-\w{8}", name) for name in names)
    put(monkeypatch, {"SLURM_STEP_TASKS_PER_NODE": "1", "SLURM_STEP_NUM_NODES": "1"})
    assert len(cluster.moment()) == len("2026-01-01/12-00-00")  # one task has one clock


@pytest.mark.parametrize("name", ["bash", "interactive"])
def test_a_persons_shell_in_a_job_is_no_step(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    put(monkeypatch, STEP | {"SLURM_JOB_NAME": name})
    assert cluster.slurm_step() is None and cluster.launched() is None


def test_unequal_machines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, STEP | {"SLURM_STEP_TASKS_PER_NODE": "2,1"})
    with pytest.raises(SettingError, match=r"srun --ntasks: found 2,1 tasks.*the same number"):
        cluster.launched()


def test_torchrun_within_slurm_counts_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, STEP, TORCHRUN)
    assert (cluster.launched(), cluster.rank()) == ((4, 2), 5)


def test_the_first_process_of_torchrun_tells_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight processes with eight clocks; the first is the last to come."""
    store = TCPStore("127.0.0.1", 0, is_master=True, timeout=timedelta(seconds=20))
    put(monkeypatch, TORCHRUN | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)})
    ranks = dict(zip("abcdefgh", range(8), strict=True))
    monkeypatch.setattr(cluster, "rank", lambda: ranks[NAME.get()])
    with ThreadPoolExecutor(8) as pool:

        def told(name: str) -> str:
            NAME.set(name)
            return cluster.told_by_the_first(f"clock of {name}")

        others = [pool.submit(told, name) for name in "bcdefgh"]
        assert {told("a"), *(o.result() for o in others)} == {"clock of a"}


def test_torchrun_without_a_store_is_told_to_name_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(monkeypatch, TORCHRUN | {"TORCHELASTIC_USE_AGENT_STORE": "False"})
    with pytest.raises(SettingError, match=r"hydra\.run\.dir: found torchrun without a store"):
        cluster.started()
