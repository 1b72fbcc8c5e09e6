"""Weights & Biases without a login prompt, and with one run a job."""

import netrc
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import WandbLogger

from i2i.messages import say


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
    """A W&B logger that never asks anything.

    ``WANDB_MODE`` in the environment goes before ``offline``. The run's id stands in
    ``wandb_id.txt`` in the run folder, so that a resumed run goes on in the same W&B run.

    Args:
        folder: The run folder; W&B's files go to its ``wandb`` folder.
        project: W&B project.
        name: Name of the run.
        group: Group of the run.
        tags: Tags of the run.
        offline: Whether nothing is sent.

    Returns:
        The logger.
    """
    import wandb

    mode = os.environ.get("WANDB_MODE")
    if mode is not None:
        offline = mode in ("offline", "dryrun")
    elif offline is None:
        offline = not has_key()
    id_file = Path(folder) / "wandb_id.txt"
    if not id_file.exists() and rank_zero_only.rank == 0:  # only its run is W&B's
        id_file.parent.mkdir(parents=True, exist_ok=True)
        id_file.write_text(secrets.token_hex(4))
    run_id = id_file.read_text().strip() if id_file.exists() else None
    extra: dict[str, Any] = {"group": group, "tags": tags, "reinit": "finish_previous"}
    if not offline:
        extra["resume"] = "allow"
    if offline:
        say(
            "W&B: this run stays offline (no key, or so asked); to upload it later: "
            f"wandb login && wandb sync {Path(folder) / 'wandb'}/offline-run-*"
        )
    return WandbLogger(
        name=name, save_dir=folder, id=run_id, project=project,
        offline=offline and mode is None, settings=wandb.Settings(silent=True), **extra,
    )  # fmt: skip
