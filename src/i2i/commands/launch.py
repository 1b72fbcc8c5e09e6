"""Runs a Hydra command from any working directory and turns errors into one readable screen."""

import errno
import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from i2i.cluster.environment import Preempted, rank
from i2i.cluster.job_processes import LOST, check_processes, lost_partner
from i2i.cluster.requeue import (
    end_step_at_exit,
    expect_requeueing,
    let_the_first_speak,
    requeue,
)
from i2i.cluster.stopping import only_stopped, stoppable
from i2i.commands.library_errors import of_a_library
from i2i.config.plain_words import plain_words, require_own_configuration
from i2i.config.resolvers import in_sweep, register
from i2i.config.same_words import in_own_words
from i2i.config.unread import absent_option
from i2i.errors import SettingError, setting_error
from i2i.messages import begin_anew
from i2i.printable import printable
from i2i.resources import root_dir

Task = Callable[[Any], Any]
FULL = {errno.ENOSPC, errno.EROFS, errno.EFBIG, errno.ENAMETOOLONG, getattr(errno, "EDQUOT", None)}


def prepare() -> None:
    """What ``conf/`` needs: its resolvers and its place."""
    register()
    os.environ["I2I_ROOT"] = str(root_dir())  # conf/*.yaml name it in hydra.searchpath
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to Hydra's own printer


class Guarded:
    """A task with what has to stand around it in whichever process it runs.

    Launchers of sweeps pickle it and run it elsewhere; there it makes itself at home before Hydra
    composes the job.
    """

    def __init__(self, task: Task):
        functools.update_wrapper(self, task)
        self.task, self.program = task, os.path.abspath(sys.argv[0])
        prepare()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        prepare()
        # Lightning starts a job's further processes with the program and module of this process,
        # which here are the launcher's.
        sys.argv = [self.program]
        sys.modules["__main__"].__spec__ = None

    def __call__(self, cfg: Any) -> Any:
        from hydra.core.hydra_config import HydraConfig

        from i2i.commands.multirun import countable

        quieten()
        expect_requeueing(cfg)
        if not in_sweep():
            return report_errors(lambda: self.run(cfg))
        if rank() == 0:  # a job that is refused stands in the table of its sweep
            write_options(Path(HydraConfig.get().runtime.output_dir))
        try:
            return countable(self.run(cfg))
        except Exception as error:  # Hydra notes it, starts the next job, and raises it at the end
            print(f"\nThis job failed: {describe(error)}", file=sys.stderr)
            raise setting_at_fault(error) or error from None  # causes are not pickled

    def run(self, cfg: Any) -> Any:
        """The task; a signal of the scheduler in it sends the job back into the queue."""
        from hydra.core.hydra_config import HydraConfig

        from i2i.run_folder import forget_if_empty

        begin_anew()
        try:
            with only_stopped():
                check_processes(cfg)
                return self.task(cfg)
        except Preempted:
            # Scoring saves nothing on its way, and gets another folder each time.
            run_dir = Path(HydraConfig.get().runtime.output_dir) if "resume" in cfg else None
            if cfg.trainer.get("requeue") and not requeue(run_dir):
                raise SystemExit(1) from None
            raise
        except Exception:
            end_step_at_exit()
            raise
        finally:
            named = [option.partition("=")[0] for option in HydraConfig.get().overrides.hydra]
            if "hydra.run.dir" not in named and not in_sweep():
                forget_if_empty(Path(HydraConfig.get().runtime.output_dir))


def write_options(run_dir: Path) -> None:
    """Hydra's record of a job, .hydra/overrides.yaml and .hydra/hydra.yaml."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from i2i.run_folder import write_text

    hydra = HydraConfig.get()
    (run_dir / ".hydra").mkdir(parents=True, exist_ok=True)
    for name, node in (("hydra", hydra), ("overrides", hydra.overrides.task)):
        write_text(run_dir / ".hydra" / f"{name}.yaml", OmegaConf.to_yaml(node))


def launch(
    task: Task, config_name: str, rewrite: Callable[[Sequence[str]], list[str]] = list
) -> None:
    """Composes ``conf/<config_name>.yaml`` with the command line and hands it to a task.

    Errors that a user can mend are printed without a traceback, with exit code 1;
    ``I2I_TRACEBACK=1`` shows it all the same. A signal ends the command with 128 and its number.

    Args:
        task: Takes the composed configuration.
        config_name: Name of the primary configuration.
        rewrite: Puts further options onto the command line, before it is composed.
    """
    import hydra

    from i2i.commands.multirun import comparing

    conf = str(root_dir() / "conf")
    run = hydra.main(version_base="1.3", config_path=conf, config_name=config_name)

    def run_and_compare() -> Any:
        prepare()
        require_own_configuration(sys.argv[1:])
        sys.argv[1:] = rewrite(in_own_words(plain_words(sys.argv[1:]), config_name))
        try:
            with comparing():
                return run(Guarded(task))()
        except Exception as error:
            if type(error).__name__ != "UncompletedJobError":  # submitit's
                raise
            raise SettingError(f"A job of the sweep ended without an answer: {error}") from None

    with stoppable():
        report_errors(run_and_compare, config_name)


def report_errors(call: Callable[[], Any], config_name: str = "config") -> Any:
    """Calls, and ends the program with a readable message where a user can mend the error.

    Of several processes the one that failed speaks: of an error of all of them the first, else the
    one that has it. Those that only lost their partner say that in a line.
    """
    try:
        return call()
    except Exception as error:
        if os.environ.get("I2I_TRACEBACK"):
            raise
        own = not lost_partner(error)
        if own:
            let_the_first_speak()  # which ends this one, where it has the same error
            if not is_mendable(error):
                raise
        who = f"Process {rank()}: " if rank() or not own else ""
        told = absent_option(str(error), config_name) or describe(error)
        print(f"\n{who}{printable(told, lines=True)}", file=sys.stderr, flush=True)
        if own and not rank():
            end_step_at_exit()  # so that the others do not repeat it
        sys.exit(1)


def is_mendable(error: Exception) -> bool:
    """Whether a user can do something about an error: it is shown without a traceback."""
    from hydra.errors import HydraException
    from lightning.fabric.utilities.exceptions import MisconfigurationException
    from omegaconf.errors import OmegaConfBaseException

    mendable = (SettingError, HydraException, OmegaConfBaseException, MisconfigurationException)
    mendable += (PermissionError, FileNotFoundError, NotADirectoryError, FileExistsError)
    return isinstance(error, mendable) or takes_no_more(error)


def takes_no_more(error: BaseException) -> bool:
    """Whether an error is that of a disk which takes nothing more, or of a name it cannot hold."""
    return isinstance(error, OSError) and error.errno in FULL


def setting_at_fault(error: BaseException) -> SettingError | None:
    """The error of a setting among the causes of an error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, SettingError):
        cause = cause.__cause__
    return cause


def describe(error: BaseException) -> str:
    """The text of an error: that of the setting at fault, where one is among its causes."""
    if (setting := setting_at_fault(error)) is not None:
        # A loader process puts a traceback before the text.
        return str(setting).rsplit("SettingError: ", 1)[-1].strip()
    if takes_no_more(error):
        where, what = error.filename or "the disk that is written to", error.strerror
        todo = "Make room, or choose another place (hydra.run.dir=..., output=...)."
        return str(setting_error(str(where), f"no way to write there ({what})", "room", todo))
    if lost_partner(error):
        return LOST
    if isinstance(error, PermissionError):
        return (
            f"{error.filename}: found no permission to read or write there; expected some. "
            "Choose another place (hydra.run.dir=..., output=..., dataset.root=...)."
        )
    return of_a_library(error)


def quieten() -> None:
    """Keeps Lightning's advertisements out, and its messages from being printed twice."""

    def wanted(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return not text.startswith(("💡", "GPU available", "TPU available", "`Trainer("))

    for name in ("lightning.pytorch", "lightning.fabric"):
        logger = logging.getLogger(name)
        logger.propagate = False
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(wanted)
    for text in (
        ".*LeafSpec.*",  # between Lightning and torch
        ".*exists and is not empty",  # a resumed run goes on in its own folder
        ".*sync_dist=True.*",  # scores are gathered before they are logged
        ".*does not have many workers.*",
        ".*your dataloader is not resumable.*",  # the sampler asks the model how far it is
        ".*pre-optimization.*",
        ".*smaller than the logging interval.*",  # steps are counted through all epochs
        ".*`srun` command is available.*",  # one process on a login node is a wish, too
    ):
        warnings.filterwarnings("ignore", message=text)
