"""Options of W&B's logger: which there are, and what W&B's library is told beside them."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from i2i.errors import setting_error
from i2i.loggers.wandb_end import FLUSH, FLUSH_SETTING

BEGIN = 30  # seconds that a run has to be made on the server, which answers within one; W&B's: 90


def settings() -> Any:
    """What W&B's library is told: to be silent, and how long to wait."""
    import wandb

    own = {"silent": True, FLUSH_SETTING: FLUSH}
    if "WANDB_INIT_TIMEOUT" not in os.environ:
        own["init_timeout"] = BEGIN
    return wandb.Settings(**{k: v for k, v in own.items() if k in wandb.Settings.model_fields})


def require_choice(log_model: Any, log_comparison: Any) -> None:
    """Refuses a ``log_model`` or a ``log_comparison`` that is none.

    Raises:
        SettingError: It is not.
    """
    if log_model not in (None, False, True, "all", "best"):
        raise setting_error(
            f"logger.wandb.log_model={log_model}", repr(log_model), "one of false, best, true, all",
            "best sends the checkpoint that was tested, with its scores.",
        )  # fmt: skip
    if log_comparison not in (False, True):
        raise setting_error(
            f"logger.wandb.log_comparison={log_comparison}", repr(log_comparison), "true or false",
            "false keeps the comparison of a sweep from W&B.",
        )  # fmt: skip


def require_known(options: Mapping[str, Any]) -> None:
    """Refuses what neither Lightning's logger nor ``wandb.init`` takes, or this project sets.

    Raises:
        SettingError: There is such an option.
    """
    import wandb

    takes = {*signature(WandbLogger).parameters, *signature(wandb.init).parameters}
    takes -= {
        "kwargs", "experiment", "mode", "save_dir", "dir", "id", "version", "reinit", "settings",
        "resume",
    }  # fmt: skip
    for key in options.keys() - takes:
        near = get_close_matches(key, sorted(takes), 1)
        raise setting_error(
            f"logger.wandb.{key}", "an option that W&B's logger does not take",
            "one of WandbLogger or wandb.init", f"Did you mean logger.wandb.{near[0]}?" if near
            else f"Leave {key} out.",
        )  # fmt: skip
