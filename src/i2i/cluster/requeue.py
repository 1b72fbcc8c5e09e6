"""A SLURM job that is stopped goes back into the queue, and finds its run again."""

import atexit
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from i2i.cluster.environment import processes, rank, restarts, slurm_job, slurm_step
from i2i.errors import SettingError
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text
from i2i.run_folder import write_text

RECORD = "slurm_job.txt"  # in the run's folder: the job that writes there, and how far it was
LIMIT = 3  # times in a row that a job is requeued without progress
PATIENCE = 5  # seconds that the first process has for its error


def expect_requeueing(cfg: Any) -> None:
    """Takes the scheduler's signals from here on; training itself takes them later."""
    if "requeue" in (cfg.get("trainer") or {}) and slurm_job():
        from i2i.cluster.preemption import listen

        listen()


def requeue(run_dir: Path | None) -> bool:
    """Asks SLURM to start this job again, unless it was cancelled or makes no progress.

    ``scontrol requeue`` would bring even a cancelled job back to life. One short stretch, in which
    the job came no further than compiling, is no harm; after ``LIMIT`` there would be no end.

    Args:
        run_dir: The run's folder; None for a command that saves nothing on its way.

    Returns:
        Whether SLURM will.
    """
    if rank() != 0:
        return True
    job, step = slurm_job(), saved_step(run_dir) if run_dir else 0
    shown = scontrol("show", "job", "-o", os.environ.get("SLURM_JOB_ID", ""))
    state = re.search(r"JobState=(\w+)", shown.stdout)
    if state is None or state[1] != "RUNNING":
        found = state[1] if state else shown.stderr.strip()
        print(f"SLURM job {job} is not requeued: {found}", flush=True)
        return False
    if restarts() - (standing_since(run_dir, step) if run_dir else 0) >= LIMIT:
        print(f"SLURM job {job} is not requeued again: {no_progress(run_dir, step)}", flush=True)
        return False
    print(f"SLURM is asked to requeue job {job}, at step {step}", flush=True)
    done = scontrol("requeue", str(job))
    if done.returncode:
        print(f"SLURM does not requeue job {job}: {done.stderr.strip()}", flush=True)
    return done.returncode == 0


def note_job(run_dir: Path) -> None:
    """Writes down which job has this folder, at which step, and since which of its restarts."""
    if slurm_job() and rank() == 0 and noted(run_dir)[0] != slurm_job():
        write_text(run_dir / RECORD, f"{slurm_job()} {saved_step(run_dir)} {restarts()}\n")


def standing_since(run_dir: Path, step: int) -> int:
    """The restart of this job since which its run stands at a step, which is noted.

    Where the job was stopped before it noted anything all of its restarts count.
    """
    job, before, restart = noted(run_dir)
    if job != slurm_job():
        return 0
    since = int(restart) if before == str(step) else restarts()
    write_text(run_dir / RECORD, f"{job} {step} {since}\n")
    return since


def earlier_stretch(run_dir: Path) -> bool:
    """Whether this job has worked in that folder before it was requeued."""
    return restarts() > 0 and noted(run_dir)[0] == slurm_job()


def noted(run_dir: Path) -> list[str]:
    """Job, step and restart, as ``note_job`` wrote them; empty where it did not."""
    try:
        words = read_text(run_dir / RECORD, most=1000).split()
    except Unreadable:
        return ["", "", ""]
    return words if len(words) == 3 and words[2].isdecimal() else ["", "", ""]


def no_progress(run_dir: Path | None, step: int) -> str:
    """Why a job is not requeued, and what to change."""
    more_time = "(sbatch --time=, --signal=USR1@SECONDS)"
    if run_dir is None:
        return (
            f"it was started again {restarts()} times, and scoring begins anew each time. Give it "
            f"more time {more_time}, and start it again."
        )
    return (
        f"it was {LIMIT} times at step {step}, and has saved no later one since. Give it more time "
        f"between two stops {more_time}, save more often (callbacks.often.every_n_train_steps=), "
        f"and go on with resume={run_dir}"
    )


def saved_step(run_dir: Path) -> int:
    """The step in a run's ``last.ckpt``; 0 where there is none that can be read."""
    import torch

    last = run_dir / "checkpoints" / "last.ckpt"
    try:  # mapped: the weights are not read
        content = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
        return int(content["global_step"])
    except Exception:  # torch.load raises many types
        return 0


def scontrol(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs scontrol; where it does not exist, its error says so."""
    try:
        return subprocess.run(["scontrol", *words], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(["scontrol", *words], 1, "", str(error))


def end_step_at_exit() -> None:
    """Ends the other tasks with this one, which failed: they would wait for it.

    torchrun does so by itself.
    """
    step = slurm_step()
    try:
        several = processes() > 1
    except SettingError:  # unequal numbers of tasks
        several = True
    if step and several:
        atexit.register(end_step, step)


def end_step(step: str) -> None:
    """Ends a job step, of which this process is one."""
    let_the_first_speak()
    subprocess.run(["scancel", step], check=False)


def let_the_first_speak() -> bool:
    """Waits with the end of a process that failed: it may end the first one with it.

    Where both failed alike, the first is about to print the error and to end this one, or to write
    submitit's answer.

    Returns:
        Whether this is another one than the first; its error is then its own.
    """
    if not rank():
        return False
    time.sleep(PATIENCE)
    return True
