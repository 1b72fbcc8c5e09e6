"""A SLURM job that is stopped goes back into the queue, and finds its run again."""

import atexit
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from i2i.cluster.environment import by_torchrun, processes, rank, restarts, slurm_job, slurm_step
from i2i.errors import SettingError
from i2i.run_folder import write_text

RECORD = "slurm_job.txt"  # in the run's folder: the job that writes there
REQUEUED = "slurm_requeued_{}.txt"  # beside it, by job: the step it was requeued at, how often
LIMIT = 3  # times in a row that a job is requeued at one step
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
    job = slurm_job()
    record, step = note_of(run_dir), saved_step(run_dir) if run_dir else 0
    shown = scontrol("show", "job", "-o", os.environ.get("SLURM_JOB_ID", ""))
    state = re.search(r"JobState=(\w+)", shown.stdout)
    if state is None or state[1] != "RUNNING":
        found = state[1] if state else shown.stderr.strip()
        print(f"SLURM job {job} is not requeued: {found}", flush=True)
        return False
    times = times_at(record, step)
    if times == LIMIT:
        print(f"SLURM job {job} is not requeued again: {no_progress(run_dir, step)}", flush=True)
        return False
    record.parent.mkdir(parents=True, exist_ok=True)
    # Both before SLURM ends this process, which it may do at once.
    write_text(record, f"{step} {times + 1}\n")
    print(f"SLURM is asked to requeue job {job}, at step {step}", flush=True)
    done = scontrol("requeue", str(job))
    if done.returncode:
        write_text(record, f"{step} {times}\n")
        print(f"SLURM does not requeue job {job}: {done.stderr.strip()}", flush=True)
    return done.returncode == 0


def run_dir_of(cfg: Any) -> Path | None:
    """A run's folder, which stays the same; None for scoring, which gets another one each time."""
    from hydra.core.hydra_config import HydraConfig

    return Path(HydraConfig.get().runtime.output_dir) if "resume" in cfg else None


def note_of(run_dir: Path | None) -> Path:
    """Where a requeued job finds its note again.

    Scoring is known by its job step, which keeps its number, and by its command line: one step may
    score several times.
    """
    if run_dir is not None:
        return run_dir / REQUEUED.format(slurm_job())
    from hydra.core.hydra_config import HydraConfig

    words = hashlib.sha256("\0".join(sys.argv).encode()).hexdigest()[:12]
    name = REQUEUED.format(f"{slurm_step() or slurm_job()}_{words}")
    return Path(HydraConfig.get().runtime.cwd) / "outputs" / "slurm" / name


def times_at(record: Path, step: int) -> int:
    """How often in a row the job was requeued at a step."""
    if not record.is_file():
        return 0
    before, times = map(int, record.read_text().split())
    return times if before == step else 0


def no_progress(run_dir: Path | None, step: int) -> str:
    """Why a job is not requeued, and what to change."""
    more_time = "(sbatch --time=, --signal=USR1@SECONDS)"
    if run_dir is None:
        return (
            f"it was {LIMIT} times, and scoring begins anew each time. Give it more time "
            f"{more_time}, and start it again."
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

    Where both failed alike, the first is about to print the error, or to write submitit's answer.

    Returns:
        Whether this is another one than the first, started by srun or torchrun.
    """
    if not rank() or not (by_torchrun() or slurm_step()):
        return False
    time.sleep(PATIENCE)
    return True
