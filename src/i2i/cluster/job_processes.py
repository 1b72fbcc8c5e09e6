"""The further processes of a job: started for it alone, and ended with it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from i2i.cluster.environment import launched, suit_lightning
from i2i.errors import setting_error


def check_processes(cfg: Any) -> None:
    """Checks the trainer's devices against the processes that srun or torchrun started.

    Raises:
        SettingError: They differ: some process would wait for ever, or all would write one run.
    """
    found = launched()
    trainer = cfg.get("trainer")
    if found is None or trainer is None:
        return
    suit_lightning()
    from i2i.training.trainer import number_of

    for key, number in (("devices", found[0]), ("num_nodes", found[1])):
        # All that are there ("auto", "-1") is checked by Lightning, which counts them.
        if trainer[key] not in ("auto", "-1") and number_of(trainer[key]) != number:
            kind = "processes a machine" if key == "devices" else "machines"
            raise setting_error(
                f"trainer.{key}={trainer[key]}", f"{number} {kind}, started from outside",
                "the same number", "Use trainer=auto, ddp or slurm, which take the number that is "
                "there, or start as many as you ask for.",
            )  # fmt: skip


def finish_processes(trainer: Any, succeeded: bool) -> None:
    """Waits until every process of a job has ended, or ends them where the job failed.

    A process whose partner goes away while it still reads from it ends with an error, and Lightning
    then kills the main process, in a sweep in the middle of the next job. To be called before
    loggers are closed: W&B may take minutes, in which a failed job is no longer one that hangs.
    """
    try:
        if succeeded and trainer.world_size > 1:
            trainer.strategy.barrier("end of the job")
    except BaseException:
        succeeded = False
        raise
    finally:
        for over in WATCHED:
            over.set()
        for process in getattr(trainer.strategy.launcher, "procs", []):
            if not succeeded:
                process.kill()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


GRACE = 60  # seconds that a job has to notice that one of its processes is gone
WATCHED: list[threading.Event] = []  # of the job at hand: set from its end on


@contextmanager
def watched_processes() -> Iterator[None]:
    """Ends a job of which a process failed, and not the sweep that it stands in.

    Lightning kills the main process at once. Here its next exchange with the lost process fails,
    and the sweep goes on with the next job; only a job that hangs (NCCL) is killed with its sweep.
    """
    from lightning.pytorch.strategies.launchers import subprocess_script

    over, theirs = threading.Event(), subprocess_script._launch_process_observer

    def watch(processes: list[subprocess.Popen]) -> None:
        while not over.wait(1):
            if any(process.poll() for process in processes):
                for process in processes:
                    process.kill()
                if not over.wait(GRACE):
                    os.kill(os.getpid(), signal.SIGKILL)
                return

    def start(processes: list[subprocess.Popen]) -> None:
        threading.Thread(target=watch, args=(processes,), daemon=True).start()

    subprocess_script._launch_process_observer = start
    WATCHED[:] = [over]
    try:
        yield
    finally:
        over.set()
        subprocess_script._launch_process_observer = theirs


@contextmanager
def processes_of_one_job() -> Iterator[None]:
    """Lets Lightning start this job's further processes, and only this job's.

    Lightning starts them with the command line of the whole program, and leaves its environment
    variables behind. In a sweep the first would start the sweep again, as would an experiment that
    is a sweep by itself (hydra.mode: MULTIRUN); the second would keep the next job waiting for
    processes that nobody starts.
    """
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import open_dict, read_write

    argv, environment = sys.argv, dict(os.environ)
    hydra_cfg = HydraConfig.get()
    sys.argv = [argv[0], *hydra_cfg.overrides.task, "hydra.mode=RUN"]
    with read_write(hydra_cfg), open_dict(hydra_cfg):
        hydra_cfg.run.dir = hydra_cfg.runtime.output_dir
    try:
        with watched_processes():
            yield
    finally:
        import torch.distributed as dist

        # Processes that others started keep their group for the next job of the sweep.
        ours = "LOCAL_RANK" not in environment and launched() is None
        if dist.is_available() and dist.is_initialized() and ours:
            dist.destroy_process_group()
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)
