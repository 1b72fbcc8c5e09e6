"""Weights & Biases without a login prompt, and with one run a job."""

import netrc
import os
import re
import secrets
from pathlib import Path
from urllib.parse import urlparse

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import WandbLogger

from i2i.files.atomic import write_text
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text
from i2i.messages import say

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


def make_wandb_logger(
    folder: str,
    project: str,
    name: str | None = None,  # of the run; None lets W&B invent one
    group: str | None = None,  # the jobs of one sweep share it
    tags: list[str] | None = None,
    offline: bool | None = None,  # None: offline where no key is configured
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
    """
    import wandb

    mode = os.environ.get("WANDB_MODE")
    if mode is not None:
        offline = mode in ("offline", "dryrun")
    elif offline is None:
        offline = not has_key()
    if offline:
        say(
            "W&B: this run stays offline (no key, or so asked); to upload it later: "
            f"wandb login && wandb sync {Path(folder) / 'wandb'}/offline-run-*"
        )
    return WandbLogger(
        name=name, save_dir=folder, id=id_of_run(Path(folder)), project=project, group=group,
        tags=tags, reinit="finish_previous", offline=offline and mode is None,
        settings=wandb.Settings(silent=True), **({} if offline else {"resume": "allow"}),
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
