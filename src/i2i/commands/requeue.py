"""A SLURM job that is stopped goes back into the queue, and finds its run again."""

import atexit
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from i2i.cluster import launched, rank, restarts, slurm_job, slurm_step
from i2i.run_folder import write_text

RECORD = "slurm_job.txt"  # in the run's folder: the job that writes there


def expect_requeueing(cfg: Any) -> None:
    """Takes the scheduler's signals from here on; training itself takes them later."""
    if "requeue" in (cfg.get("trainer") or {}) and slurm_job():
        from i2i.callbacks.preemption import listen

        listen()


def requeue() -> bool:
    """Asks SLURM to start this job again, unless it was cancelled or is over.

    ``scontrol requeue`` would bring even a cancelled job back to life.

    Returns:
        Whether SLURM will.
    """
    if rank() != 0:
        return True
    job = slurm_job()
    shown = scontrol("show", "job", "-o", os.environ.get("SLURM_JOB_ID", ""))
    state = re.search(r"JobState=(\w+)", shown.stdout)
    if state is None or state[1] != "RUNNING":
        found = state[1] if state else shown.stderr.strip()
        print(f"SLURM job {job} is not requeued: {found}", flush=True)
        return False
    done = scontrol("requeue", str(job))
    if done.returncode:
        print(f"SLURM does not requeue job {job}: {done.stderr.strip()}", flush=True)
    else:
        print(f"SLURM job {job} is requeued", flush=True)
    return done.returncode == 0


def scontrol(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs scontrol; where it does not exist, its error says so."""
    try:
        return subprocess.run(["scontrol", *words], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(["scontrol", *words], 1, "", str(error))


def note_job(run_dir: Path) -> None:
    """Writes down whose folder this is, for ``earlier_stretch``."""
    if slurm_job() and rank() == 0:
        write_text(run_dir / RECORD, f"{slurm_job()}\n")


def earlier_stretch(run_dir: Path) -> bool:
    """Whether this job has worked in that folder before it was requeued."""
    record = run_dir / RECORD
    return restarts() > 0 and record.is_file() and record.read_text().strip() == slurm_job()


def end_step_at_exit() -> None:
    """Ends the other tasks with this one, which failed: they would wait for it.

    torchrun does so by itself.
    """
    step, processes = slurm_step(), launched()
    if step and processes and processes[0] * processes[1] > 1:
        atexit.register(subprocess.run, ["scancel", step], check=False)
