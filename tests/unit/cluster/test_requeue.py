"""Which job is requeued, and which folder it finds again."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from i2i.checkpoints.resume import checkpoint_to_resume
from i2i.cluster import requeue as module
from i2i.cluster.job_processes import check_processes
from i2i.cluster.requeue import earlier_stretch, end_step, note_job, requeue
from i2i.errors import SettingError

STEP = {"SLURM_JOB_ID": "12", "SLURM_STEP_ID": "0", "SLURM_JOB_NAME": "x", "SLURM_PROCID": "0",
        "SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_STEP_NUM_NODES": "1"}  # fmt: skip


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_RESTART_COUNT", "SLURM_ARRAY_JOB_ID", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "")  # so that what is set here is taken back
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("state", "asked"), [("RUNNING", True), ("CANCELLED", False), ("COMPLETING", False)]
)
def test_only_a_running_job_is_requeued(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str, asked: bool
) -> None:
    """A cancelled one, too, would come back to life."""
    calls: list[tuple[str, ...]] = []

    def scontrol(*words: str) -> subprocess.CompletedProcess:
        calls.append(words)
        return subprocess.CompletedProcess(words, 0, f"JobId=12 JobState={state} Requeue=1", "")

    monkeypatch.setattr(module, "scontrol", scontrol)
    assert requeue(tmp_path) is asked
    assert (("requeue", "12") in calls) is asked
    calls.clear()
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert requeue(tmp_path) and not calls  # the first process speaks for all


def save(run_dir: Path, step: int) -> None:
    (run_dir / "checkpoints").mkdir(exist_ok=True)
    torch.save({"global_step": step}, run_dir / "checkpoints" / "last.ckpt")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that SLURM was asked to start again, and starts again."""
    jobs: list[str] = []

    def scontrol(*words: str) -> subprocess.CompletedProcess:
        if words[0] == "requeue":
            jobs.append(words[1])
            monkeypatch.setenv("SLURM_RESTART_COUNT", str(module.restarts() + 1))
        return subprocess.CompletedProcess(words, 0, "JobId=12 JobState=RUNNING", "")

    monkeypatch.setattr(module, "scontrol", scontrol)
    return jobs


def stretches(run_dir: Path, number: int) -> list[bool]:
    """Whether a job is requeued at the end of each of its stretches, in which nothing is saved."""
    answers = []
    for _ in range(number):
        note_job(run_dir)
        answers.append(requeue(run_dir))
    return answers


@pytest.mark.parametrize("first", [0, 8], ids=["nothing-saved", "step-8"])
def test_a_job_is_requeued_three_times_in_a_row_at_one_step(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture, first: int
) -> None:
    if first:
        save(tmp_path, first)
    assert stretches(tmp_path, 5) == [True] * 3 + [False] * 2
    assert asked == ["12"] * 3
    printed = capsys.readouterr().out
    assert printed.count(f"not requeued again: it was 3 times at step {first}, and") == 2
    assert f"resume={tmp_path}" in printed
    note_job(tmp_path)
    save(tmp_path, first + 1)  # progress begins a new count
    assert stretches(tmp_path, 4) == [True] * 3 + [False]


def test_another_job_in_the_same_folder_has_a_count_of_its_own(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stretches(tmp_path, 4)[-1] is False
    monkeypatch.setenv("SLURM_JOB_ID", "13")  # whose earlier steps used up its restarts
    assert stretches(tmp_path, 4) == [True] * 3 + [False] and asked == ["12"] * 3 + ["13"] * 3


def test_a_job_stopped_before_it_noted_anything_is_bounded_too(
    tmp_path: Path, asked: list[str]
) -> None:
    assert [requeue(tmp_path) for _ in range(4)] == [True] * 3 + [False]
    assert not list(tmp_path.iterdir())  # the folder may be that of another run


def test_what_slurm_refused_was_no_requeueing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scontrol(*words: str) -> subprocess.CompletedProcess:
        code = int(words[0] == "requeue")
        return subprocess.CompletedProcess(words, code, "JobState=RUNNING", "disabled")

    monkeypatch.setattr(module, "scontrol", scontrol)
    assert stretches(tmp_path, 4) == [False] * 4


def test_scoring_is_requeued_three_times_in_all(
    asked: list[str], capsys: pytest.CaptureFixture
) -> None:
    assert [requeue(None) for _ in range(4)] == [True] * 3 + [False]
    told = capsys.readouterr().out.strip().splitlines()[-1]
    assert "it was started again 3 times, and scoring begins anew each time" in told
    assert "callbacks" not in told and "resume" not in told  # evaluate has no such option


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_process_that_failed_gives_the_first_one_time_before_it_ends_the_step(
    monkeypatch: pytest.MonkeyPatch, rank: str
) -> None:
    monkeypatch.setenv("SLURM_PROCID", rank)
    done: list = []
    monkeypatch.setattr(module.time, "sleep", done.append)
    monkeypatch.setattr(module.subprocess, "run", lambda words, check: done.append(words))
    end_step("12.0")
    assert done == [module.PATIENCE] * int(rank) + [["scancel", "12.0"]]


def test_a_job_finds_its_own_folder_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    last = tmp_path / "checkpoints" / "last.ckpt"
    last.parent.mkdir()
    last.touch()
    note_job(tmp_path)
    assert not earlier_stretch(tmp_path)  # its first stretch
    assert checkpoint_to_resume(None, tmp_path) is None
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert checkpoint_to_resume("elsewhere", tmp_path) == last
    monkeypatch.setenv("SLURM_JOB_ID", "13")
    assert checkpoint_to_resume(None, tmp_path) is None


def test_a_job_stopped_before_its_first_checkpoint_begins_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note_job(tmp_path)
    (tmp_path / "metrics.csv").touch()
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert checkpoint_to_resume(None, tmp_path) is None
    assert not (tmp_path / "metrics.csv").exists()


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        ({"devices": 1, "num_nodes": 1}, r"trainer\.devices=1: found 2 processes a machine"),
        ({"devices": 2, "num_nodes": 2}, r"trainer\.num_nodes=2: found 1 machines"),
        ({"devices": "4", "num_nodes": 1}, r"trainer\.devices=4: found 2 processes a machine"),
        ({"devices": [0, 1, 2], "num_nodes": 1}, r"trainer\.devices=\[0, 1, 2\]: found 2 proc"),
    ],
)
def test_the_trainer_has_to_fit_the_tasks(trainer: dict[str, Any], message: str) -> None:
    for fitting in (2, "2", [0, 1], "0,1", "auto", "-1"):
        check_processes({"trainer": {"devices": fitting, "num_nodes": 1}})
    with pytest.raises(SettingError, match=message):
        check_processes({"trainer": trainer})


@pytest.mark.parametrize("content", [b"", b"1 2", b"1 2 3 4", b"1 2 x", b"\xff", b"1 " * 5000])
def test_a_damaged_note_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / module.RECORD).write_bytes(content)
    assert module.noted(tmp_path) == ["", "", ""]
    (tmp_path / module.RECORD).write_text("17 100 2\n")
    assert module.noted(tmp_path) == ["17", "100", "2"]
