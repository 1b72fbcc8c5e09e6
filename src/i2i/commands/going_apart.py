"""A sweep inside one srun or torchrun ends where a job failed in some of its processes only."""

import sys
from datetime import timedelta
from typing import Any

from i2i.cluster.environment import failure_store, processes, rank
from i2i.cluster.requeue import end_step_at_exit

PATIENCE = timedelta(seconds=60)  # between the first process's failure and the last one's
STORES: list[Any] = []  # kept: the first task's is the server of the others


def end_unless_all_failed(job: int) -> None:
    """To be called by a process in which a job of the sweep that it runs has failed.

    The process would begin the next job while the others wait for it in this one, and they would
    train one model from two configurations. Only where the job failed in all of them may they go
    on: a process whose job succeeded has met all others at its end.

    Args:
        job: Its number.

    Raises:
        SystemExit: It did not fail everywhere, which ends the sweep.
    """
    if processes() == 1 or all_failed(job):
        return
    print(
        f"\nThe sweep ends here: job {job} failed in process {rank()} and not in all {processes()} "
        "of them, which can no longer run one job together. Where no table follows: python -m "
        "i2i.comparison SWEEP_DIR",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    end_step_at_exit()
    raise SystemExit(1)


def all_failed(job: int) -> bool:
    """Whether the same job failed in every process, each of which says so here within PATIENCE."""
    keys = [f"failed/{job}/{process}" for process in range(processes())]
    try:
        if not STORES:
            STORES.append(failure_store(PATIENCE))
        STORES[0].set(keys[rank()], "")
        STORES[0].wait(keys, PATIENCE)
    except RuntimeError:  # the time is over, or there is nobody to talk to
        return False
    return True
