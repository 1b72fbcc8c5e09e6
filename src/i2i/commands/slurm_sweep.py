"""Waiting for the jobs that a sweep gave to SLURM."""

import contextlib
import shlex
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from submitit.core.utils import UncompletedJobError
from submitit.slurm.slurm import SlurmExecutor, SlurmInfoWatcher, SlurmJob

GONE = "GONE"  # not in the queue any more
FINAL = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT", GONE,
}  # fmt: skip


class QueueWatcher(SlurmInfoWatcher):
    """Asks squeue, which every cluster has; submitit's own asks the accounting, which may be off.

    Without an answer a job that was killed would be waited for for ever.
    """

    def _make_command(self) -> list[str] | None:
        if not self._registered - self._finished:
            return None
        return ["squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T"]

    def read_info(self, string: bytes | str) -> dict[str, dict[str, str]]:
        """State by job; a job that is not listed is gone."""
        states = read_states(string if isinstance(string, str) else string.decode())
        found = {job: states.get(job, GONE) for job in self._registered}
        # submitit takes states that it does not know, such as CONFIGURING, for final ones.
        return {
            job: {"State": state if state in FINAL or state == "PENDING" else "RUNNING"}
            for job, state in found.items()
        }


def read_states(text: str) -> dict[str, str]:
    """State by job, from what squeue prints; lines of another form (notices) are no jobs."""
    found = (line.strip().split("|") for line in text.splitlines())
    return {parts[0]: parts[1] for parts in found if len(parts) == 2}


class SweepJob(SlurmJob[Any]):
    """A job that ended without an answer (cancelled, killed, out of memory) is one that failed.

    submitit raises an error there, at which the launcher stops waiting for the other jobs and
    Optuna's sweeper ends; a failed job is its answer to any other error.
    """

    def results(self) -> list[Any]:
        try:
            return super().results()
        except UncompletedJobError as error:
            return [JobReturn(status=JobStatus.FAILED, _return_value=error)]


def watch_queue() -> None:
    """Makes submitit ask squeue in this process, and outlive its jobs."""
    SlurmJob.watcher = QueueWatcher(delay_s=60)
    SlurmExecutor.job_class = SweepJob


def wait_for_jobs(folder: Path) -> None:
    """Waits until all jobs of a sweep are over, where an error ended the launcher before.

    Args:
        folder: The sweep's.
    """
    for name in jobs_of(folder):
        with contextlib.suppress(UncompletedJobError):
            SlurmJob(str(folder / ".submitit" / name), name).wait()


def jobs_of(folder: Path) -> list[str]:
    """The jobs that a sweep gave to SLURM, by SLURM's names, e.g. 12_0."""
    return [f.parent.name for f in sorted(folder.glob(".submitit/*/*_submitted.pkl"))]


def what_goes_on(folder: Path) -> str:
    """What somebody has to know who stops waiting: how to end the jobs, and to make the table."""
    jobs = jobs_of(folder)
    return (
        f"\nStopped waiting. SLURM goes on with those of the sweep's {len(jobs)} jobs that are not "
        f"over (squeue --me).\nTo cancel them: scancel {' '.join(jobs)}\n"
        f"The table, when they are over: python src/compare.py {shlex.quote(str(folder))}"
    )
