"""A SLURM job that is stopped goes back into the queue, and finds its run again."""

import atexit
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from i2i.cluster import processes, rank, restarts, slurm_job, slurm_step
from i2i.run_folder import write_text

RECORD = "slurm_job.txt"  # in the run's folder: the job that writes there
REQUEUED = "slurm_requeued_{}.txt"  # beside it, by job: the step that it was requeued at


def expect_requeueing(cfg: Any) -> None:
    """Takes the scheduler's signals from here on; training itself takes them later."""
    if "requeue" in (cfg.get("trainer") or {}) and slurm_job():
        from i2i.callbacks.preemption import listen

        listen()


def requeue(folder: Path) -> bool:
    """Asks SLURM to start this job again, unless it was cancelled or makes no progress.

    ``scontrol requeue`` would bring even a cancelled job back to life. A job that is stopped twice
    at the same step would be stopped there for ever.

    Args:
        folder: The run's; of a command that saves nothing on its way, any that it finds again.

    Returns:
        Whether SLURM will.
    """
    if rank() != 0:
        return True
    job = slurm_job()
    record, step = folder / REQUEUED.format(job), saved_step(folder)
    shown = scontrol("show", "job", "-o", os.environ.get("SLURM_JOB_ID", ""))
    state = re.search(r"JobState=(\w+)", shown.stdout)
    if state is None or state[1] != "RUNNING":
        found = state[1] if state else shown.stderr.strip()
        print(f"SLURM job {job} is not requeued: {found}", flush=True)
        return False
    if record.is_file() and record.read_text().strip() == str(step):
        print(
            f"SLURM job {job} is not requeued again: it was requeued at step {step} before, and "
            f"has saved no later one since. Give it more time between two stops (sbatch --time=, "
            f"--signal=USR1@SECONDS), save more often (callbacks.often.every_n_train_steps=), and "
            f"go on with resume={folder}",
            flush=True,
        )
        return False
    # Both before SLURM ends this process, which it may do at once.
    write_text(record, f"{step}\n")
    print(f"SLURM is asked to requeue job {job}, at step {step}", flush=True)
    done = scontrol("requeue", str(job))
    if done.returncode:
        record.unlink()
        print(f"SLURM does not requeue job {job}: {done.stderr.strip()}", flush=True)
    return done.returncode == 0


def folder_of(cfg: Any) -> Path:
    """Where a requeued job finds a note again: a run's folder, which stays the same.

    Scoring gets a folder of its own each time, and saves nothing on its way: the one above stays.
    """
    from hydra.core.hydra_config import HydraConfig

    folder = Path(HydraConfig.get().runtime.output_dir)
    return folder if "resume" in cfg else folder.parent


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
    step = slurm_step()
    if step and processes() > 1:
        atexit.register(subprocess.run, ["scancel", step], check=False)
