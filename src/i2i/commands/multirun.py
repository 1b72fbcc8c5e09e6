"""The end of a sweep: the runs are put side by side, whatever became of them."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hydra.experimental.callback import Callback

from i2i.cluster.environment import processes
from i2i.cluster.requeue import let_the_first_speak
from i2i.config.resolvers import direction
from i2i.errors import SettingError, setting_error


class Sweep(NamedTuple):
    """A sweep that this process runs.

    Attributes:
        folder: Where its jobs' folders stand.
        by_slurm: Whether SLURM has its jobs.
    """

    folder: Path
    by_slurm: bool


SWEEPS: list[Sweep] = []  # begun here and not yet compared


class CompareRuns(Callback):
    """Notes every sweep, however it was asked for; see ``comparing``."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        try:
            require_one_process()
            if config.hydra.sweeper._target_.endswith("OptunaSweeper"):
                suit_optuna(config)
        except SettingError as error:  # Hydra makes a warning of an exception
            sys.exit(1 if let_the_first_speak() else f"\n{error}")
        by_slurm = config.hydra.launcher._target_.endswith("SlurmLauncher")
        if by_slurm:
            from i2i.commands.slurm_sweep import watch_queue

            watch_queue()
        SWEEPS.append(Sweep(Path(config.hydra.sweep.dir).absolute(), by_slurm))


def require_one_process() -> None:
    """Refuses a sweep in several processes that srun or torchrun started.

    Each of them would run the sweep, and they would have to meet in every job of it. A job that
    failed in one of them only would leave the others waiting in it, or training it with a process
    that is in the next one.

    Raises:
        SettingError: There are several.
    """
    if (number := processes()) > 1:
        raise setting_error(
            "-m (hydra.mode=MULTIRUN)", f"a sweep in {number} processes of one srun or torchrun",
            "one process that starts the jobs", "Start the sweep without srun and torchrun: "
            "hydra/launcher=submitit_slurm gives SLURM one job each, data parallel with "
            "hydra.launcher.tasks_per_node=. Or call sbatch or srun once per job, without -m.",
        )  # fmt: skip


def suit_optuna(config: Any) -> None:
    """Makes Optuna's sweeper go where ``sweep_metric`` is better, and on where a job failed.

    Its own settings minimize, and end the sweep with the first failure. Settings that were typed
    stay.
    """
    from omegaconf import open_dict, read_write

    typed = {option.partition("=")[0].lstrip("+") for option in config.hydra.overrides.hydra}
    with read_write(config), open_dict(config):
        if "hydra.sweeper.direction" not in typed:
            config.hydra.sweeper.direction = direction(config.sweep_metric, _root_=config)
        if "hydra.sweeper.max_failure_rate" not in typed:
            config.hydra.sweeper.max_failure_rate = 1.0


def countable(score: Any) -> Any:
    """A job's score for the sweeper; NaN, at which Optuna's ends, becomes that of a failed job."""
    if isinstance(score, float) and math.isnan(score):
        print("\nThis job's score is NaN: it counts as failed", file=sys.stderr)
        return None
    return score


@contextmanager
def comparing() -> Iterator[None]:
    """Compares the runs of a sweep once it is over; see ``i2i.comparison``.

    A sweep in which a job failed ends with that job's error and without Hydra's call at its end.
    Jobs of a scheduler may still be running then: they are waited for, unless with Ctrl-C.

    Raises:
        SettingError: Optuna names no best job, because jobs failed.
    """
    SWEEPS.clear()
    try:
        yield
    except KeyboardInterrupt:
        stop_waiting()
        raise
    except (ValueError, RuntimeError) as error:
        if (told := end_of_optuna(error)) is None:
            raise
        raise told from None
    finally:
        compare_all()


def end_of_optuna(error: Exception) -> SettingError | None:
    """What an error of Optuna's sweeper means; None where it is no such error."""
    if "No trials are completed" in str(error):  # a study has no best one
        return setting_error(
            "hydra/sweeper=optuna", "no job that ended with a score (sweep_metric)",
            "one at least", "Each job's error stands above, where it ended.",
        )  # fmt: skip
    if "`Study.stop` is supposed to be" in str(error):  # the sweeper expects it of scores only
        return setting_error(
            "hydra/sweeper/sampler=grid", "a failed job at the end of the grid, which keeps the "
            "sweeper from writing optimization_results.yaml", "a score",
            "The jobs were all run: the table above has them.",
        )  # fmt: skip
    return None


def compare_all() -> None:
    """Compares each sweep's runs."""
    while SWEEPS:
        sweep = SWEEPS[-1]
        if sweep.folder.is_dir():
            if sweep.by_slurm:
                from i2i.commands.slurm_sweep import wait_for_jobs

                try:
                    wait_for_jobs(sweep.folder)
                except KeyboardInterrupt:
                    stop_waiting()
            compare_runs(sweep.folder)
        SWEEPS.pop()


def stop_waiting() -> None:
    """Ends the program where SLURM has the jobs, which go on; says so, and how to cancel them."""
    folders = [sweep.folder for sweep in SWEEPS if sweep.by_slurm]
    if folders:
        from i2i.commands.slurm_sweep import what_goes_on

        SWEEPS.clear()  # no table now
        for folder in folders:
            print(what_goes_on(folder), flush=True)
        raise SystemExit(130)  # as a shell reports Ctrl-C


def compare_runs(folder: Path) -> None:
    """Writes and prints the comparison; the runs are done, so nothing here may lose them."""
    try:
        from i2i.comparison.tables import compare

        print(f"\n{compare(folder)}\nComparison: {folder}/comparison.md, .csv and .png", flush=True)
    except Exception as error:
        print(f"\nThe runs were not compared: {error}\nAgain: python -m i2i.comparison {folder}")
