"""Waiting for the jobs that a sweep gave to SLURM."""

import contextlib
from pathlib import Path

from submitit.core.utils import UncompletedJobError
from submitit.slurm.slurm import SlurmInfoWatcher, SlurmJob

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
        text = string if isinstance(string, str) else string.decode()
        states = dict(line.strip().split("|") for line in text.splitlines() if line.strip())
        found = {job: states.get(job, GONE) for job in self._registered}
        # submitit takes states that it does not know, such as CONFIGURING, for final ones.
        return {
            job: {"State": state if state in FINAL or state == "PENDING" else "RUNNING"}
            for job, state in found.items()
        }


def watch_queue() -> None:
    """Makes submitit ask squeue in this process."""
    SlurmJob.watcher = QueueWatcher(delay_s=60)


def wait_for_jobs(folder: Path) -> None:
    """Waits until all jobs of a sweep are over.

    submitit's launcher stops waiting at the first job that ended without an answer (cancelled,
    killed, out of memory); SLURM goes on with the others.

    Args:
        folder: The sweep's.
    """
    for record in sorted(folder.glob(".submitit/*/*_submitted.pkl")):
        with contextlib.suppress(UncompletedJobError):
            SlurmJob(str(record.parent), record.parent.name).wait()
