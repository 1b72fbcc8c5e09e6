"""Runs a Hydra command from any working directory and turns errors into one readable screen."""

import functools
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

from i2i.commands.resolvers import register
from i2i.errors import SettingError
from i2i.resources import root_dir

Task = Callable[[Any], Any]


def launch(task: Task, config_name: str) -> None:
    """Composes ``conf/<config_name>.yaml`` with the command line and hands it to a task.

    Errors that a user can mend are printed without a traceback, with exit code 1;
    ``I2I_TRACEBACK=1`` shows it all the same.

    Args:
        task: Takes the composed configuration.
        config_name: Name of the primary configuration.
    """
    import hydra

    register()
    root = root_dir()
    os.environ["I2I_ROOT"] = str(root)  # conf/*.yaml name it in hydra.searchpath
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to Hydra's own printer

    @functools.wraps(task)
    def guarded(cfg: Any) -> Any:
        quieten()
        if not in_sweep():
            return report_errors(lambda: task(cfg))
        try:
            return task(cfg)
        except Exception as error:  # Hydra notes it, starts the next job, and raises it at the end
            print(f"\nThis job failed: {describe(error)}", file=sys.stderr)
            raise

    run = hydra.main(version_base="1.3", config_path=str(root / "conf"), config_name=config_name)
    report_errors(run(guarded))


def in_sweep() -> bool:
    """Whether this job is one of several."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return HydraConfig.get().mode == RunMode.MULTIRUN


def report_errors(call: Callable[[], Any]) -> Any:
    """Calls, and ends the program with a readable message where a user can mend the error."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        return call()
    except (SettingError, HydraException, OmegaConfBaseException, OSError) as error:
        mendable = (SettingError, HydraException, OmegaConfBaseException, PermissionError)
        mendable += (FileNotFoundError, NotADirectoryError, FileExistsError)
        if os.environ.get("I2I_TRACEBACK") or not isinstance(error, mendable):
            raise
        if int(os.environ.get("LOCAL_RANK", "0")) == 0:
            print(f"\n{describe(error)}", file=sys.stderr)
        sys.exit(1)


def describe(error: BaseException) -> str:
    """The text of an error: that of the setting at fault, where one is among its causes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SettingError):
            # A loader process puts a traceback before the text.
            return str(cause).rsplit("SettingError: ", 1)[-1].strip()
        cause = cause.__cause__
    if isinstance(error, PermissionError):
        return (
            f"{error.filename}: found no permission to read or write there; expected some. "
            "Choose another place (hydra.run.dir=..., output=..., dataset.root=...)."
        )
    text = on_one_line(str(error).strip())
    if unknown := re.search(
        r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", text
    ):
        node = re.search(r"full_key: (?:model\.)?(\S+)", text)
        key = f"{node[1]}.{unknown[2]}" if node else unknown[2]
        return (
            f"{key}: found an option that {unknown[1]} does not have; expected one of its own. An "
            f"experiment, another preset or a + set it: ~{key} on the command line drops it."
        )
    return f"{text}\n{str(error.__cause__).strip()}" if error.__cause__ else text


def on_one_line(text: str) -> str:
    """Puts Hydra's list of choices, one a line, on one line, and leaves its search path out."""
    text = text.split("\nConfig search path:")[0].rstrip()
    return re.sub(
        r":\n((?:\t\S.*(?:\n|$))+)", lambda found: ": " + ", ".join(found[1].split()), text
    )


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
    ):
        warnings.filterwarnings("ignore", message=text)
