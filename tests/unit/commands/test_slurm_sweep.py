"""A job of SLURM that ends without an answer is a failed one for the sweep."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra.core.utils import JobReturn, JobStatus
from submitit.core.utils import DelayedSubmission, UncompletedJobError
from submitit.slurm.slurm import SlurmExecutor, SlurmJob

from i2i.commands.slurm_sweep import QueueWatcher, SweepJob, read_states, watch_queue


@pytest.fixture(autouse=True)
def over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue in which every job was cancelled."""
    gone = {"is_done": lambda *_, **__: True, "get_state": lambda *_, **__: "CANCELLED"}
    monkeypatch.setattr(SlurmJob, "watcher", SimpleNamespace(register_job=lambda _: None, **gone))
    monkeypatch.setattr(SlurmJob, "_results_timeout_s", 0)
    monkeypatch.setattr(SlurmExecutor, "job_class", SlurmJob)


def ended(folder: Path, tasks: tuple[int, ...], **answers: Any) -> SweepJob:
    """A job whose tasks wrote those answers, by number."""
    job = SweepJob(folder, "12", tasks)
    job.paths.folder.mkdir(parents=True, exist_ok=True)
    DelayedSubmission(print).dump(job.paths.submitted_pickle)
    for name, answer in answers.items():
        paths = SlurmJob(folder, "12", (int(name[4:]),)).paths
        paths.result_pickle.write_bytes(pickle.dumps(("success", answer)))
    return job


@pytest.mark.parametrize("tasks", [(0,), (0, 1)], ids=["one-task", "two-tasks"])
def test_a_job_without_an_answer_failed(tmp_path: Path, tasks: tuple[int, ...]) -> None:
    with pytest.raises(UncompletedJobError):
        super(SweepJob, ended(tmp_path, (0,))).results()
    answer = ended(tmp_path, tasks).results()[0]
    assert answer.status == JobStatus.FAILED
    with pytest.raises(UncompletedJobError, match="CANCELLED"):  # a sweeper asks for it
        _ = answer.return_value


def test_an_answer_comes_back(tmp_path: Path) -> None:
    """The first task's, also where another one was lost after that."""
    score = JobReturn(status=JobStatus.COMPLETED, _return_value=0.5)
    assert ended(tmp_path, (0, 1), task0=score).results()[0].return_value == 0.5


def test_sweeps_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    watch_queue()
    assert SlurmExecutor.job_class is SweepJob
    assert isinstance(SweepJob.watcher, QueueWatcher)


def test_lines_of_another_form_are_no_jobs() -> None:
    text = "slurm_load_jobs: retrying\n12_0|RUNNING\n\n  12_1|PENDING \na|b|c\n"
    assert read_states(text) == {"12_0": "RUNNING", "12_1": "PENDING"}
