"""The trainer of a SLURM job."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.environments import SLURMEnvironment

from i2i.cluster.devices import number_of, resolve_accelerator
from i2i.cluster.environment import by_torchrun, require_task
from i2i.cluster.preemption import Preemption
from i2i.errors import setting_error
from i2i.training.trainer import build_trainer


def build_slurm_trainer(
    *,
    requeue: bool = True,
    accelerator: str = "auto",
    devices: Any = 1,
    callbacks: Sequence[Callback] = (),
    default_root_dir: str | None = None,
    **options: Any,
) -> Trainer:
    """A Trainer that saves at the step where the scheduler wants the machine back.

    Lightning's own requeueing is off: it saves beside the run's checkpoints, from within the signal
    handler, at whatever point the step is.

    Args:
        requeue: Whether the job goes back into the queue after that; read by the command.
        accelerator: auto, cpu or gpu.
        devices: Processes a machine: the job's tasks on it.
        callbacks: Those of the run; one is added.
        default_root_dir: The run's folder.
        options: Everything else that ``build_trainer`` takes.

    Raises:
        SettingError: This is no job of SLURM, or the tasks do not see the GPUs of their machine.
    """
    require_task()
    accelerator, number = resolve_accelerator(accelerator), number_of(devices)
    if accelerator != "cpu" and torch.cuda.device_count() < number:
        raise setting_error(
            f"trainer.devices={devices}", f"{torch.cuda.device_count()} visible GPU(s) in a task",
            "all of the machine's GPUs visible to each of its tasks",
            f"Use srun --ntasks-per-node={number} --gres=gpu:{number}, without --gpus-per-task.",
        )  # fmt: skip
    if not by_torchrun():
        options["plugins"] = [SLURMEnvironment(auto_requeue=False)]
    return build_trainer(
        accelerator=accelerator, devices=devices, default_root_dir=default_root_dir,
        callbacks=[*callbacks, Preemption(f"{default_root_dir}/checkpoints/last.ckpt")], **options,
    )  # fmt: skip
