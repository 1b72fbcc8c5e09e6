"""The further processes of a job: started for it alone, and ended with it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


# Of gloo, of NCCL, and of the store in which processes meet.
GONE = re.compile(
    "closed by peer|reset by peer|Socket closed|Broken pipe|Connection refused|"
    "remote process exited|got 0 bytes",
    re.IGNORECASE,
)
LOST = "another process of this run ended; what it said stands above, if it could say anything"


def lost_partner(error: BaseException | None) -> bool:
    """Whether an error, or a cause of it, is that of an exchange with a process that is gone.

    What that one died of is not known here. These errors have no class of their own.
    """
    while error is not None:
        if isinstance(error, RuntimeError) and GONE.search(str(error)):
            return True
        error = error.__cause__
    return False


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
        processes = getattr(trainer.strategy.launcher, "procs", [])
        if not succeeded:
            end_processes(processes)
        for process in processes:
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


GRACE = 60  # seconds that a job has to notice that one of its processes is gone
ASKED = {1, 2, 15}  # SIGHUP, SIGINT and SIGTERM: somebody ends the run
WATCHED: list[threading.Event] = []  # of the job at hand: set from its end on


def end_processes(processes: list[subprocess.Popen]) -> None:
    """Ends those that still run, and speaks for those that a signal ended: they could not.

    Args:
        processes: Is empty afterwards, so that what was ended here is not taken for a fault.
    """
    while True:
        try:
            process = processes.pop()
        except IndexError:  # none is left; another thread may have taken the last one just now
            return
        with suppress(subprocess.TimeoutExpired):  # its connections end a moment before itself
            process.wait(timeout=0.2)
        code = process.poll()
        if code is None:
            process.kill()
            process.wait()
        elif code < 0 and -code not in ASKED:
            error = setting_error(
                "a process of this run", f"its end by signal {-code}", "one that works to the end",
                "Signal 9 is what a system sends where memory runs out: lower dataset.cache_gb, "
                "dataset.num_workers, dataset.batch_size or trainer.devices.",
            )  # fmt: skip
            print(f"\n{error}", file=sys.stderr, flush=True)


@contextmanager
def watched_processes() -> Iterator[None]:
    """Ends a job of which a process failed, and not the sweep that it stands in.

    Lightning kills the main process at once. Here its next exchange with the lost process fails,
    and the sweep goes on with the next job; only a job that hangs (NCCL) is ended with its sweep.
    Where the main process fails, it ends the others before they can repeat its error.
    """
    from lightning.pytorch.strategies.launchers import subprocess_script

    over, theirs = threading.Event(), subprocess_script._launch_process_observer
    started: list[list[subprocess.Popen]] = []

    def watch(processes: list[subprocess.Popen]) -> None:
        while not over.wait(1):
            if any(process.poll() for process in processes):
                end_processes(processes)
                if not over.wait(GRACE):
                    print(f"\nProcess 0: {LOST}", file=sys.stderr, flush=True)
                    os._exit(1)  # the main thread waits, and hears nothing
                return

    def start(processes: list[subprocess.Popen]) -> None:
        started.append(processes)
        threading.Thread(target=watch, args=(processes,), daemon=True).start()

    subprocess_script._launch_process_observer = start
    WATCHED[:] = [over]
    try:
        yield
    except BaseException:
        for processes in started:
            end_processes(processes)
        raise
    finally:
        over.set()
        subprocess_script._launch_process_observer = theirs
