"""The further processes of a job: started for it alone, and ended with it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def finish_processes(trainer: Any, succeeded: bool) -> None:
    """Waits until every process of a job has ended, or ends them where the job failed.

    A process whose partner goes away while it still reads from it ends with an error, and Lightning
    then kills the main process, in a sweep in the middle of the next job.
    """
    if succeeded and trainer.world_size > 1:
        trainer.strategy.barrier("end of the job")
    for process in getattr(trainer.strategy.launcher, "procs", []):
        if not succeeded:
            process.kill()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


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
        yield
    finally:
        import torch.distributed as dist

        if dist.is_available() and dist.is_initialized() and "LOCAL_RANK" not in environment:
            dist.destroy_process_group()
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)
