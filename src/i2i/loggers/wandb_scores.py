"""Scores that a W&B run gets after its end: those of an evaluation of its checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.errors import setting_error
from i2i.loggers.wandb import make_wandb_logger
from i2i.loggers.wandb_end import finish
from i2i.loggers.wandb_id import id_of_run
from i2i.messages import say


def require_run(checkpoint: Path, config: Mapping[str, Any]) -> None:
    """Makes sure that a checkpoint's run was kept by W&B, before anything is scored for it.

    Args:
        checkpoint: In the folder ``checkpoints`` of its run.
        config: That of the run.

    Raises:
        SettingError: It was not, or its folder is not the checkpoint's any more.
    """
    logged = bool((config.get("logger") or {}).get("wandb"))
    if not logged or not (checkpoint.parents[1] / "wandb_id.txt").is_file():
        found = f"no wandb_id.txt in {checkpoint.parents[1]}" if logged else "a run without W&B"
        raise setting_error(
            "wandb=true", found, "a checkpoint in the folder of a run with logger=wandb",
            "Leave wandb out; metrics.json has the scores.",
        )  # fmt: skip


def add_scores(
    checkpoint: Path, config: Mapping[str, Any], scores: Mapping[str, float], where: str
) -> None:
    """Puts scores into the summary of the run that trained a checkpoint.

    Args:
        checkpoint: As in ``require_run``.
        config: Likewise.
        scores: Value by name.
        where: What was scored, such as maps/val; the names begin with it.
    """
    folder = checkpoint.parents[1]
    options = {
        k: v for k, v in config["logger"]["wandb"].items() if k not in ("_target_", "folder")
    }
    logger = make_wandb_logger(str(folder), **options)
    names = {f"evaluate/{where}/{name}": value for name, value in scores.items()}
    done = logger.attempt(lambda: logger.experiment.summary.update(names))
    logger.keep_summary()
    if not finish() or not done:
        say("W&B: the scores were not added (metrics.json has them)")
        return
    how = " (offline: wandb sync adds them to that run)" if logger.mode == "offline" else ""
    say(f"W&B: evaluate/{where} is in the summary of run {id_of_run(folder)}{how}")
