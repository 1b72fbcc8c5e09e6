"""The end of a sweep: the runs are put side by side, whatever became of them."""

import math
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback

from i2i.cluster.environment import processes
from i2i.cluster.requeue import let_the_first_speak
from i2i.cluster.stopping import Stopped
from i2i.config.resolvers import direction
from i2i.errors import SettingError, setting_error


@dataclass
class Sweep:
    """A sweep that this process runs.

    Attributes:
        folder: Where its jobs' folders stand.
        by_slurm: Whether SLURM has its jobs.
        jobs: The options of each, in order; without words where the sweeper chooses them on the
            way; empty where nobody knows how many there are.
        begun: Which of them began in this process.
        ended: Which of them ended in this process, also with an error.
    """

    folder: Path
    by_slurm: bool
    jobs: list[str] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)


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
        folder = Path(config.hydra.sweep.dir).absolute()
        SWEEPS.append(Sweep(folder, by_slurm, planned(config)))

    def on_job_start(self, config: Any, **_: Any) -> None:
        if SWEEPS:  # none in the process of a job that was started elsewhere
            SWEEPS[-1].begun.add(int(config.hydra.job.num))

    def on_job_end(self, config: Any, **_: Any) -> None:
        if SWEEPS:
            SWEEPS[-1].ended.add(int(config.hydra.job.num))


def planned(config: Any) -> list[str]:
    """The options of each job of a sweep, as far as they are known before it begins."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser

    sweeper = config.hydra.sweeper
    if not sweeper._target_.endswith("BasicSweeper"):
        return [""] * int(sweeper.get("n_trials") or 0)
    options = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    options += config.hydra.overrides.task
    try:
        overrides = OverridesParser.create().parse_overrides(options)
        (jobs,) = BasicSweeper.split_arguments(overrides, None)
    except Exception:  # glob(*) asks the configuration; the sweep itself tells of what is wrong
        return []
    swept = {o.get_key_element() for o in overrides if o.is_sweep_override()}
    return [" ".join(o for o in job if o.partition("=")[0] in swept) for job in jobs]


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
    """Compares the runs of a sweep once it is over; see ``i2i.comparison.tables``.

    A sweep in which a job failed ends with that job's error and without Hydra's call at its end.
    Jobs of a scheduler may still be running then: they are waited for, unless a signal ends that.

    Raises:
        SettingError: Optuna names no best job, because jobs failed.
    """
    SWEEPS.clear()
    try:
        yield
    except Stopped:
        for sweep in SWEEPS:
            tell_unfinished(sweep)
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
                except Stopped:
                    stop_waiting()
                    raise
            compare_runs(sweep.folder)
        SWEEPS.pop()


def tell_unfinished(sweep: Sweep) -> None:
    """Lists the jobs of a stopped sweep that never ran, or were cut off."""
    begun, ended = set(sweep.begun), set(sweep.ended)
    if sweep.folder.is_dir() and not begun:  # jobs in other processes
        ended |= {int(f.name) for f in sweep.folder.iterdir() if f.name.isdigit()}
    left = [number for number in range(len(sweep.jobs)) if number not in ended]
    if not left or sweep.by_slurm:
        return
    print(f"\n{len(left)} of the sweep's {len(sweep.jobs)} jobs did not run to their end:")
    for number in left:
        note = "was cut off" if number in begun else "never ran"
        print(f"  {number}: {sweep.jobs[number]} ({note})".replace(":  (", ": ("))
    sys.stdout.flush()


def stop_waiting() -> None:
    """Where SLURM has the jobs, which go on, says so, and how to cancel them."""
    folders = [sweep.folder for sweep in SWEEPS if sweep.by_slurm]
    if folders:
        from i2i.commands.slurm_sweep import what_goes_on

        SWEEPS.clear()  # no table now
        for folder in folders:
            print(what_goes_on(folder), flush=True)


def compare_runs(folder: Path) -> None:
    """Writes and prints the comparison; the runs are done, so nothing here may lose them."""
    try:
        from i2i.comparison.tables import compare, files_in

        table = compare(folder)
        print(f"\n{table}\nComparison: {folder}/{files_in(folder)}", flush=True)
    except Exception as error:
        again = f"python src/compare.py {shlex.quote(str(folder))}"
        print(f"\nThe runs were not compared: {error}\nAgain: {again}")
        return
    try:
        send_comparison(folder)
    except Exception as error:  # of many kinds, of wandb's too
        print(f"\nThe comparison is not on W&B: {error}")


def send_comparison(folder: Path) -> None:
    """Sends the comparison of a sweep whose runs are on W&B; whoever stops one waits less."""
    from i2i.comparison.tables import find_runs
    from i2i.loggers.wandb_comparison import home_of, send
    from i2i.loggers.wandb_end import FINISH, UPLOAD

    home = home_of(runs := find_runs(folder))
    if home is not None:
        send(folder, runs, home, UPLOAD if isinstance(sys.exception(), Stopped) else FINISH)
