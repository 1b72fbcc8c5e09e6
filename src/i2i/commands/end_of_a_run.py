"""The end of a training, whichever way it comes: its loggers, its processes, and the way back."""

import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.cluster.environment import Preempted
from i2i.cluster.job_processes import finish_processes
from i2i.cluster.stopping import Stopped
from i2i.errors import first_line


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


UPLOAD = 30  # seconds that W&B has where the scheduler takes the machine away
FINISH = 300  # seconds that it has otherwise; a server that has gone away would never answer


def close(loggers: list[Any], status: str) -> None:
    """Ends this job's W&B run, so that the next job of a sweep gets its own.

    Requeueing comes after it, and before the time is over: there it gets ``UPLOAD`` seconds.
    """
    from i2i.messages import say

    for logger in loggers:
        logger.finalize(status)
    if "wandb" not in sys.modules:
        return

    def finish() -> None:
        try:
            sys.modules["wandb"].finish(exit_code=0 if status == "success" else 1)
        except Exception as error:  # of many kinds; the run itself is done
            say(f"W&B did not end its run: {first_line(error, 120)}")

    upload = threading.Thread(target=finish, daemon=True)
    upload.start()
    upload.join(UPLOAD if isinstance(sys.exception(), Preempted | Stopped) else FINISH)
    if upload.is_alive():
        say("W&B has not got everything yet: wandb sync RUN_DIR/wandb/run-* sends the rest")
