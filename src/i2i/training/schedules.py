"""Learning-rate schedules over generator steps."""

import warnings
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Trainer
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from i2i.errors import setting_error
from i2i.training.rounds import Rounds, steps_in


class LinearDecay(LambdaLR):
    """Constant, then linear to zero (Zhu et al. 2017, App. 7.1; the reference pix2pix code)."""

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,  # generator steps of the whole run
        flat_fraction: float = 0.5,  # the share of them before the decay begins
    ):
        flat = flat_fraction * total_steps
        decay = max(total_steps - flat, 1)
        super().__init__(optimizer, lambda step: 1.0 - min(max(step - flat, 0) / decay, 1.0))


class Constant(LambdaLR):
    """The learning rate stays as it is (the Torch code of Isola et al. 2017)."""

    def __init__(self, optimizer: Optimizer, total_steps: int):
        super().__init__(optimizer, lambda _: 1.0)


def renewed(make: Callable[..., Any], optimizer: Optimizer, total_steps: int, step: int) -> Any:
    """A schedule that stands at a step, as if it had come there by itself.

    Args:
        make: Called with the optimizer, at its first rate, and ``total_steps``.
        optimizer: Gets the rate of that step.
        total_steps: Generator steps of the whole run.
        step: How many are behind.
    """
    for group in optimizer.param_groups:
        group.pop("initial_lr", None)
    schedule = make(optimizer, total_steps=total_steps)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*before.*optimizer.step.*")
        for _ in range(step):
            schedule.step()
    return schedule


def total_steps(trainer: Trainer, rounds: Rounds) -> int:
    """Generator steps of the whole run, from max_steps and max_epochs, whichever ends first.

    Args:
        trainer: Of the run.
        rounds: Whose turn it is on each batch.

    Raises:
        SettingError: Neither is set.
    """
    limits = []
    if trainer.max_steps > 0:
        limits.append(trainer.max_steps)
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        trainer.fit_loop.setup_data()
        batches = trainer.max_epochs * int(trainer.num_training_batches)
        limits.append(steps_in(rounds, batches))
    if not limits:
        raise setting_error(
            "trainer.max_steps, trainer.max_epochs", "no end of training", "one of them above 0",
            "Set trainer.max_steps=39000, say.",
        )  # fmt: skip
    return max(min(limits), 1)
