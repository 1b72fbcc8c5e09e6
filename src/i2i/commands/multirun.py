"""Hydra's call at the end of a sweep: the runs are put side by side."""

from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback


class CompareRuns(Callback):
    """Compares the runs of every sweep, however it was asked for; see ``i2i.comparison``.

    A sweep in which a job failed ends with that job's error and without a call at its end, so
    after such a job each further one brings the comparison up to date.
    """

    def __init__(self) -> None:
        self.failed = False

    def on_multirun_end(self, config: Any, **_: Any) -> None:
        folder = Path(config.hydra.sweep.dir).absolute()
        try:
            from i2i.comparison import compare

            print(f"\n{compare(folder)}\nComparison: {folder}/comparison.md, .csv and .png")
        except Exception as error:  # the runs are done: nothing here may lose them
            print(
                f"\nThe runs were not compared: {error}\nAgain: python -m i2i.comparison {folder}"
            )

    def on_job_end(self, config: Any, job_return: JobReturn, **_: Any) -> None:
        from hydra.types import RunMode

        self.failed |= job_return.status == JobStatus.FAILED
        if self.failed and config.hydra.mode == RunMode.MULTIRUN:
            self.on_multirun_end(config)
