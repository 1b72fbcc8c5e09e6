"""The command line and the environment that a job gives to its further processes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from i2i.cluster.environment import launched
from i2i.cluster.job_processes import watched_processes


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
        # Nothing but what differs: other threads read what stands there, at any moment.
        for key in os.environ.keys() - environment.keys():
            del os.environ[key]
        os.environ.update(dict(environment.items() - os.environ.items()))
