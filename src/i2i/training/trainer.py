"""Builds the Lightning trainer for the machine at hand."""

from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Trainer

from i2i.cluster.devices import (
    check_mps_precision,
    count_devices,
    number_of,
    resolve_accelerator,
)
from i2i.cluster.sigterm import leave_signals_to_us
from i2i.cluster.strategy import PlayersDDP
from i2i.messages import say
from i2i.training.checkpoint_io import WholeCheckpoints
from i2i.training.precision import validate_precision


def synchronises(accelerator: str, several: bool) -> bool:
    """What ``sync_batchnorm=auto`` means: yes for several GPUs; several CPU processes are told.

    Args:
        accelerator: cpu, gpu or cuda.
        several: Whether there is more than one process.
    """
    on_gpus = accelerator in ("gpu", "cuda")
    if several and not on_gpus:
        say(
            "SyncBatchNorm exists for GPUs only: batch norm takes the statistics of each "
            "process's own images here; the running ones are process 0's."
        )
    return several and on_gpus


def build_trainer(
    accelerator: str = "auto",
    devices: Any = "auto",
    strategy: str = "auto",
    sync_batchnorm: bool | str = "auto",
    num_nodes: int = 1,
    plugins: Sequence[Any] = (),
    **options: Any,
) -> Trainer:
    """A Trainer whose strategy fits two optimizers by hand, and which saves whole checkpoints.

    Args:
        accelerator: auto, cpu, gpu or mps (Apple's GPU).
        devices: auto, a number, or a list of device indices.
        strategy: auto (ddp where there are several devices) or ddp; any other Lightning strategy is
            passed on as it is.
        sync_batchnorm: auto turns it on under ddp on GPUs.
        num_nodes: Machines.
        plugins: Of Lightning, besides those that are set here.
        options: Everything else that ``lightning.Trainer`` takes.

    Returns:
        The trainer.

    Raises:
        SettingError: No such precision is offered, or there is no such accelerator.
    """
    validate_precision(options.get("precision"))
    accelerator = resolve_accelerator(accelerator, strategy, devices)
    check_mps_precision(accelerator, options.get("precision"))
    devices = count_devices(devices, accelerator, strategy)
    several = number_of(devices) * num_nodes > 1
    # Buffers are sent by the model itself, at known points: during evaluation the processes
    # have unequal numbers of batches, and a broadcast a forward would hang.
    ddp = strategy == "ddp" or (strategy == "auto" and several)
    if sync_batchnorm == "auto":
        sync_batchnorm = synchronises(accelerator, several)
    trainer = Trainer(
        accelerator=accelerator, devices=devices, num_nodes=num_nodes,
        strategy=PlayersDDP() if ddp else strategy,
        sync_batchnorm=sync_batchnorm, use_distributed_sampler=False,
        plugins=[*plugins, WholeCheckpoints(options.get("default_root_dir"))], **options,
    )  # fmt: skip
    leave_signals_to_us(trainer)
    return trainer
