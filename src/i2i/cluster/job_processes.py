"""The further processes of a job: started for it alone, and ended with it."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from i2i.cluster.devices import number_of
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
