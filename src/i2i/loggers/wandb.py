"""Weights & Biases without a login prompt, and with one run a job."""

import http.client
import netrc
import os
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import DummyExperiment

from i2i.errors import first_line, setting_error
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text
from i2i.messages import say
from i2i.run_folder import write_text

PATIENCE = 10  # seconds that W&B's server has for its first answer

ID = re.compile(r"[\w-]{1,64}", re.ASCII)  # of a run, as W&B makes them


def has_key() -> bool:
    """Whether a W&B key is configured, in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    path = os.environ.get("NETRC", str(Path.home() / ".netrc"))
    try:
        return netrc.netrc(path).authenticators(host or "") is not None
    except (OSError, netrc.NetrcParseError):
        return False


def in_reach() -> bool:
    """Whether W&B's server answers at all, by way of a proxy where one is configured."""
    url = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
    try:
        urllib.request.urlopen(url, timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        return True  # an answer, if not to this question
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return True


class RunWandbLogger(WandbLogger):
    """W&B's logger, with which no run ends because of W&B.

    Where W&B does not let a run begin, the run is kept offline. Where its process goes away in the
    middle, the run goes on without it; metrics.csv has all numbers anyway.
    """

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        import wandb

        if self._experiment is None:
            try:
                self._experiment = super().experiment
            except (wandb.errors.Error, wandb.errors.UsageError, OSError, TimeoutError) as error:
                say(f"W&B does not take this run ({first_line(error, 120)}): it stays offline")
                wandb.teardown()  # what the attempt left would keep the run's id
                self._offline = True
                self._wandb_init = {k: v for k, v in self._wandb_init.items() if k != "resume"}
                self._experiment = super().experiment
        return self._experiment

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.attempt(super().log_metrics, metrics, step)

    def log_hyperparams(self, params: Any) -> None:
        self.attempt(super().log_hyperparams, params)

    def log_image(self, key: str, images: list[Any], step: int | None = None, **more: Any) -> None:
        self.attempt(super().log_image, key, images, step, **more)

    def alert(self, title: str, text: str) -> None:
        """Sends an alarm, which W&B passes on by mail or Slack; a run that is offline keeps it."""
        self.attempt(lambda: self.experiment.alert(title=title, text=text, level="WARN"))

    def attempt(self, call: Callable[..., None], *values: Any, **more: Any) -> None:
        """Calls, unless W&B has gone away before; says so when it does."""
        if isinstance(self._experiment, DummyExperiment):
            return
        try:
            call(*values, **more)
        except Exception as error:  # of many kinds, of wandb's and of its process's pipes
            say(f"W&B went away ({first_line(error, 120)}): the run goes on without it")
            self._experiment = DummyExperiment()


def make_wandb_logger(
    folder: str,
    project: str,
    name: str | None = None,  # of the run; None lets W&B invent one
    group: str | None = None,  # the jobs of one sweep share it
    tags: list[str] | None = None,
    offline: bool | None = None,  # None: offline where no key is configured
    **options: Any,  # of WandbLogger or wandb.init: entity, notes, job_type, log_model, ...
) -> WandbLogger:
    """A W&B logger that never asks anything; a resumed run goes on in the same W&B run.

    ``WANDB_MODE`` in the environment goes before ``offline``.

    Args:
        folder: The run folder; W&B's files go to its ``wandb`` folder.
        project: W&B project.
        name: Name of the run.
        group: Group of the run.
        tags: Tags of the run.
        offline: Whether nothing is sent.
        options: Passed on as they are.

    Raises:
        SettingError: Nothing takes one of the options.
    """
    import wandb

    require_known(options)
    mode = os.environ.get("WANDB_MODE")
    if mode is not None:
        offline = mode in ("offline", "dryrun")
    elif offline is None:
        offline = not has_key()
    if not offline and mode in (None, "online") and not in_reach():
        say("W&B does not answer: this run stays offline")
        offline, mode = True, None
    if offline:
        say(
            "W&B: this run stays offline (no key, no answer, or so asked); to upload it later: "
            f"wandb login && wandb sync {Path(folder) / 'wandb'}/offline-run-*"
        )
    logger = RunWandbLogger(
        name=name, save_dir=folder, id=id_of_run(Path(folder)), project=project, group=group,
        tags=tags, reinit="finish_previous", offline=offline and mode is None,
        settings=wandb.Settings(silent=True), **({} if offline else {"resume": "allow"}), **options,
    )  # fmt: skip
    logger._wandb_init.pop("anonymous", None)  # wandb warns of it, whatever it is
    return logger


def require_known(options: Mapping[str, Any]) -> None:
    """Refuses what neither Lightning's logger nor ``wandb.init`` takes, or this project sets.

    Raises:
        SettingError: There is such an option.
    """
    import wandb

    takes = {*signature(WandbLogger).parameters, *signature(wandb.init).parameters}
    takes -= {
        "kwargs",
        "experiment",
        "save_dir",
        "dir",
        "id",
        "version",
        "reinit",
        "settings",
        "resume",
    }
    for key in options.keys() - takes:
        near = get_close_matches(key, sorted(takes), 1)
        raise setting_error(
            f"logger.wandb.{key}", "an option that W&B's logger does not take",
            "one of WandbLogger or wandb.init", f"Did you mean logger.wandb.{near[0]}?" if near
            else f"Leave {key} out.",
        )  # fmt: skip


def id_of_run(folder: Path) -> str | None:
    """The id in the run folder's ``wandb_id.txt``, made by process 0 where it is missing."""
    file = folder / "wandb_id.txt"
    found = None
    if os.path.lexists(file):
        try:
            found = ID.fullmatch(read_text(file, most=1000).strip())
        except Unreadable as error:
            say(f"{file} cannot be read ({error}): W&B gets a new run")
    if found is None and rank_zero_only.rank == 0:  # only its run is W&B's
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, secrets.token_hex(4))
        return id_of_run(folder)
    return found and found[0]
