"""The end of a sweep: the runs are put side by side, whatever became of them."""

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hydra.experimental.callback import Callback

from i2i.cluster.environment import processes, rank
from i2i.cluster.requeue import end_step_at_exit, let_the_first_speak
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
COMPARED = ".compared"  # in a sweep's folder: the first of several processes made the table
AT_WORK = ".at_work"  # beside it: touched every few seconds while it uploads or compares
BEAT, GRACE = 10, 60  # seconds between two touches; that the others wait without one


class CompareRuns(Callback):
    """Notes every sweep, however it was asked for; see ``comparing``."""

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        try:
            if config.hydra.sweeper._target_.endswith("OptunaSweeper"):
                require_same_trials(config)
                suit_optuna(config)
            several = processes() > 1
        except SettingError as error:  # Hydra makes a warning of an exception
            sys.exit(1 if let_the_first_speak() else f"\n{error}")
        by_slurm = config.hydra.launcher._target_.endswith("SlurmLauncher")
        if by_slurm:
            from i2i.cluster.slurm_queue import watch_queue

            watch_queue()
        SWEEPS.append(Sweep(Path(config.hydra.sweep.dir).absolute(), by_slurm))
        if several and rank() == 0:
            (SWEEPS[-1].folder / COMPARED).unlink(missing_ok=True)


def require_same_trials(config: Any) -> None:
    """Refuses what makes several processes of one job try different values.

    Each has a sampler of its own: the same seed makes them draw the same.

    Raises:
        SettingError: The sampler has no seed, or the processes share a study.
    """
    number, sweeper = processes(), config.hydra.sweeper
    if number == 1:
        return
    if sweeper.get("storage") is not None:
        raise setting_error(
            f"hydra.sweeper.storage={sweeper.storage}",
            f"{number} processes, each of which would take trials of its own from it", "none",
            "Leave it out, or start the sweep as one process.",
        )  # fmt: skip
    if "seed" not in sweeper.sampler:
        raise setting_error(
            "hydra/sweeper/sampler", f"{sweeper.sampler._target_} for {number} processes, each "
            "of which would draw values of its own", "a sampler with a seed",
            "Add hydra/sweeper/sampler=tpe hydra.sweeper.sampler.seed=0",
        )  # fmt: skip
    if sweeper.sampler.seed is None:
        raise setting_error(
            "hydra.sweeper.sampler.seed", f"none for {number} processes, each of which would draw "
            "values of its own", "a number, so that they draw the same",
            "Add hydra.sweeper.sampler.seed=0",
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
            config.hydra.sweeper.direction = direction(config.sweep_metric)
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
        compare_all(failed=True)
        raise
    except (ValueError, RuntimeError) as error:
        compare_all(failed=True)
        if (told := end_of_optuna(error)) is None:
            raise
        raise told from None
    except BaseException as error:
        compare_all(failed=not isinstance(error, SystemExit))  # SLURM's signal ends all alike
        raise
    compare_all(failed=False)


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


def compare_all(failed: bool) -> None:
    """Compares each sweep's runs in the first process; the others stay until it has.

    Args:
        failed: Whether this process ends with an error.
    """
    while SWEEPS:
        sweep = SWEEPS[-1]
        if rank() != 0:
            if failed:
                await_table(sweep.folder)
        elif sweep.folder.is_dir():
            if sweep.by_slurm:
                from i2i.cluster.slurm_queue import wait_for_jobs

                try:
                    with at_work():
                        wait_for_jobs(sweep.folder)
                except KeyboardInterrupt:
                    stop_waiting()
            with at_work():
                compare_runs(sweep.folder)
            if processes() > 1:
                (sweep.folder / COMPARED).touch()
        SWEEPS.pop()


def await_table(folder: Path) -> None:
    """Keeps a process alive that failed: srun and torchrun end the others with it.

    Where no table comes, and the first process is not ``at_work`` by itself, it hangs in an
    exchange with this one.
    """
    seen, end = last_touch(folder), time.monotonic() + GRACE
    while not (folder / COMPARED).exists():
        if (now := last_touch(folder)) != seen:
            seen, end = now, time.monotonic() + GRACE
        if time.monotonic() > end:
            return end_step_at_exit()
        time.sleep(0.2)


def last_touch(folder: Path) -> int | None:
    """When the first process was at work, by the clock of the file system."""
    try:
        return (folder / AT_WORK).stat().st_mtime_ns
    except FileNotFoundError:
        return None


@contextmanager
def at_work() -> Iterator[None]:
    """Tells ``await_table`` that the first process does what takes long and no exchange.

    Only there: in training it would go on beating while it hangs.
    """
    if rank() != 0 or not SWEEPS or processes() == 1:
        yield
        return
    over, file = threading.Event(), SWEEPS[-1].folder / AT_WORK

    def beat() -> None:
        while True:
            file.touch()
            if over.wait(BEAT):
                return file.unlink(missing_ok=True)

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def stop_waiting() -> None:
    """Ends the program where SLURM has the jobs, which go on; says so, and how to cancel them."""
    folders = [sweep.folder for sweep in SWEEPS if sweep.by_slurm]
    if folders:
        from i2i.cluster.slurm_queue import what_goes_on

        for folder in folders if rank() == 0 else ():
            print(what_goes_on(folder), flush=True)
        raise SystemExit(130)  # as a shell reports Ctrl-C


def compare_runs(folder: Path) -> None:
    """Writes and prints the comparison; the runs are done, so nothing here may lose them."""
    try:
        from i2i.comparison.tables import compare

        print(f"\n{compare(folder)}\nComparison: {folder}/comparison.md, .csv and .png", flush=True)
    except Exception as error:
        print(f"\nThe runs were not compared: {error}\nAgain: python -m i2i.comparison {folder}")
