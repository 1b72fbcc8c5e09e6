"""Whether the numbers of a configuration mean something, before anything is made of them."""

import math
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from i2i.config.differences import flat, select, without_copies
from i2i.errors import first_line, setting_error

# What training reads. Elsewhere an infinite threshold may be meant.
PARTS = ("trainer", "model", "optimizer", "scheduler", "generator", "discriminator", "gan_loss",
         "reconstruction", "dataset", "augmentation")  # fmt: skip
READ = (*PARTS, "seed", "callbacks")


class Range(NamedTuple):
    """The numbers that options may have; null is for the option's owner to judge.

    Attributes:
        options: Patterns of dotted keys.
        fits: Says of a number whether it is one of them.
        words: Which they are.
    """

    options: tuple[str, ...]
    fits: Callable[[int | float], bool]
    words: str


def whole(value: float) -> bool:
    """Whether it is a whole number, however it was written (1e4)."""
    return float(value).is_integer()


def share(value: float) -> bool:
    """Whether it is a number of batches, or, with a point, a share of them."""
    return value >= 1 if isinstance(value, int) else 0 < value <= 1


RANGES = (
    Range(("seed",), lambda v: whole(v) and 0 <= v < 2**32, "a whole number from 0 to 2^32 - 1"),
    Range(("generator.n_*", "generator.latent", "discriminator.n_*", "model.encoder.n_*",
           "model.encoder.latent"),
          lambda v: whole(v) and 0 <= v <= 1024, "a whole number up to 1024"),
    Range(("generator.*channels", "discriminator.*channels", "model.encoder.*channels"),
          lambda v: whole(v) and v <= 2**14, "a whole number up to 16384"),
    Range(("trainer.max_steps", "trainer.max_epochs"), lambda v: whole(v) and (v >= 1 or v == -1),
          "a whole number above 0, or -1 for no limit"),
    Range(("trainer.limit_train_batches",), share,
          "a number of batches, or a share of them above 0 and up to 1.0"),
    Range(("trainer.limit_*_batches", "trainer.overfit_batches"), lambda v: v == 0 or share(v),
          "a number of batches, or a share of them up to 1.0; 0 leaves them out"),
    Range(("trainer.val_check_interval",), share,
          "a number of batches, or a share of an epoch above 0 and up to 1.0"),
    Range(("trainer.check_val_every_n_epoch", "trainer.log_every_n_steps", "trainer.num_nodes",
           "model.n_critic", "model.accumulate", "dataset.batch_size", "dataset.eval_batch_size"),
          lambda v: whole(v) and v >= 1, "a whole number, 1 or more"),
    Range(("trainer.num_sanity_val_steps"),
          lambda v: whole(v) and (v >= 1 or v == -1), "a whole number above 0, or -1 for all"),
    Range(("callbacks.*.every_n_*",), lambda v: whole(v) and v >= 0, "a whole number, 0 or more"),
    Range(("trainer.min_steps", "trainer.min_epochs", "dataset.num_workers"),
          lambda v: whole(v) and v >= 0, "a whole number, 0 or more"),
    Range(("model.ema_decay",), lambda v: 0 <= v < 1, "0 or more, and below 1"),
    Range(("model.clip_g", "model.clip_d"), lambda v: v > 0, "a number above 0, or null"),
    Range(("scheduler.flat_fraction",), lambda v: 0 <= v <= 1, "a share from 0 to 1"),
    Range(("optimizer.*.lr", "optimizer.*.weight_decay", "model.lambda_*", "*.weight", "*.r1",
           "model.*_weight", "reconstruction.*.layers.*", "reconstruction.*.margin",
           "reconstruction.*.epsilon"), lambda v: v >= 0, "a number, 0 or more"),
)  # fmt: skip
ZERO_IS_NONE = ("trainer.num_sanity_val_steps",)


def require_numbers(config: Mapping[str, Any]) -> None:
    """Refuses numbers that are none, or that lie where an option means nothing.

    Args:
        config: A resolved configuration, or parts of one.

    Raises:
        SettingError: An option's value is NaN, infinite, out of its range, or no number at all.
    """
    require_devices(select(config, "trainer.devices"))
    parts = {part: config[part] for part in READ if config.get(part) is not None}
    for key, value in flat(without_copies(parts)).items():
        found = value if isinstance(value, list | tuple) else [value]
        infinite = any(isinstance(v, float) and not math.isfinite(v) for v in found)
        if infinite and key.partition(".")[0] in PARTS:
            raise setting_error(
                f"{key}={value}", "no finite number", "one", f"Leave {key} out for its default."
            )
        its = next((r for r in RANGES if any(fnmatchcase(key, o) for o in r.options)), None)
        if its is None or value is None:
            continue
        zero = key in ZERO_IS_NONE and value == 0
        if not zero and not (is_number(value) and its.fits(value)):
            raise setting_error(
                f"{key}={value}", repr(value), its.words, f"Leave {key} out for its default."
            )


def require_devices(devices: Any) -> None:
    """Refuses ``trainer.devices`` that name none.

    Raises:
        SettingError: They are no number above 0, no -1, no indices and not auto.
    """
    if devices is None:
        return
    if isinstance(devices, list):
        fits = devices and all(type(index) is int and index >= 0 for index in devices)
    elif isinstance(devices, str):  # "0,2" are indices, as a shell hands them over
        fits = re.fullmatch(r"auto|-1|[1-9]\d*|(\d+,)+\d*", devices)
    else:
        fits = type(devices) is int and (devices >= 1 or devices == -1)
    if not fits:
        raise setting_error(
            f"trainer.devices={devices}", repr(devices), "a whole number above 0, -1 for all, "
            "auto, or a list of their indices", "Leave trainer.devices out for its default.",
        )  # fmt: skip


def is_number(value: Any) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def require_optimizers(config: Mapping[str, Any]) -> None:
    """Refuses what the optimizers and the schedule say no to themselves, betas for one.

    Args:
        config: With ``optimizer`` and ``scheduler``, resolved.

    Raises:
        SettingError: One cannot be made with its options.
    """
    import torch
    from hydra.utils import instantiate

    for player, node in (config.get("optimizer") or {}).items():
        weight = torch.nn.Parameter(torch.zeros(1))
        setting = f"optimizer.{player}"
        try:
            optimizer = instantiate(node)([weight])
            if config.get("scheduler"):
                setting = "scheduler"
                instantiate(config["scheduler"])(optimizer, total_steps=1)
        except Exception as error:  # of many kinds: each class has its own
            raise setting_error(
                setting, f"values that it does not take ({first_line(error)})",
                "those of its documentation", f"Correct {setting}.* on the command line.",
            ) from error  # fmt: skip
