"""The end of a sweep: the runs are put side by side, whatever became of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback

from i2i.cluster import rank
from i2i.commands.resolvers import direction

SWEEPS: list[tuple[Path, bool]] = []  # begun here and not yet compared; whether SLURM has its jobs


class CompareRuns(Callback):
    """Notes every sweep, however it was asked for; see ``comparing``."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        if config.hydra.sweeper._target_.endswith("OptunaSweeper"):
            suit_optuna(config)
        by_slurm = config.hydra.launcher._target_.endswith("SlurmLauncher")
        if by_slurm:
            from i2i.commands.slurm_queue import watch_queue

            watch_queue()
        SWEEPS.append((Path(config.hydra.sweep.dir).absolute(), by_slurm))


def suit_optuna(config: Any) -> None:
    """Makes Optuna's sweeper go where ``sweep_metric`` is better, and on where a job failed.

    Its own settings minimize, and end the sweep with the first failure. Settings that were typed
    stay.
    """
    from omegaconf import open_dict, read_write

    typed = {option.partition("=")[0].lstrip("+") for option in config.hydra.overrides.hydra}
    suited = {"direction": direction(config.sweep_metric), "max_failure_rate": 1.0}
    with read_write(config), open_dict(config):
        for key, value in suited.items():
            if f"hydra.sweeper.{key}" not in typed:
                config.hydra.sweeper[key] = value


@contextmanager
def comparing() -> Iterator[None]:
    """Compares the runs of a sweep once it is over; see ``i2i.comparison``.

    A sweep in which a job failed ends with that job's error and without Hydra's call at its end.
    Jobs of a scheduler may still be running then: they are waited for.
    """
    SWEEPS.clear()
    try:
        yield
    finally:
        while SWEEPS:
            folder, by_slurm = SWEEPS.pop()
            if rank() != 0 or not folder.is_dir():
                continue
            if by_slurm:
                from i2i.commands.slurm_queue import wait_for_jobs

                wait_for_jobs(folder)
            compare_runs(folder)


def compare_runs(folder: Path) -> None:
    """Writes and prints the comparison; the runs are done, so nothing here may lose them."""
    try:
        from i2i.comparison import compare

        print(f"\n{compare(folder)}\nComparison: {folder}/comparison.md, .csv and .png")
    except Exception as error:
        print(f"\nThe runs were not compared: {error}\nAgain: python -m i2i.comparison {folder}")
