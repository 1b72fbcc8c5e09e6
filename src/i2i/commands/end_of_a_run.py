"""The end of a training, whichever way it comes: its loggers, its processes, and the way back."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.cluster.environment import Preempted
from i2i.cluster.job_processes import finish_processes
from i2i.cluster.stopping import Stopped


@contextmanager
def closing(trainer: Any, loggers: list[Any], run_dir: Path) -> Iterator[None]:
    """Ends this job's loggers and processes, whichever way it ends itself."""
    from i2i.messages import say

    status = "failed"
    try:
        yield
        status = "success"
    finally:
        last = run_dir / "checkpoints" / "last.ckpt"
        if status == "failed" and last.is_file():
            say(f"Stopped. To go on: python src/train.py {shlex.quote(f'resume={run_dir}')}")
        try:
            finish_processes(trainer, status == "success")
        except BaseException:
            status = "failed"
            raise
        finally:
            close(loggers, status)


def close(loggers: list[Any], status: str) -> None:
    """Ends this job's W&B run, so that the next job of a sweep gets its own.

    Requeueing comes after it, and before the time is over: there it gets ``UPLOAD`` seconds.
    """
    from i2i.loggers.wandb_end import FINISH, UPLOAD, finish

    for logger in loggers:
        logger.finalize(status)
    stopped = isinstance(sys.exception(), Preempted | Stopped)
    finish(status == "success", UPLOAD if stopped else FINISH)
