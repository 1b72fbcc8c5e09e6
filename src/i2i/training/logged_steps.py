"""Which steps are logged."""

from lightning.pytorch import Trainer


def is_logged(trainer: Trainer) -> bool:
    """Whether the losses of the step just taken go to the loggers; those of the first do."""
    step = trainer.global_step
    return step <= 1 or step % trainer.log_every_n_steps == 0
