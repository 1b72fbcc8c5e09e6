"""Callbacks that integration tests put into a run: they record it, or kill it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import torch
from lightning.pytorch import Callback

from i2i.cluster.environment import restarts
from i2i.cluster.preemption import Preemption


class KillAt(Callback):
    """kill -9 after a batch, in the middle of an epoch."""

    def __init__(self, batches: int):
        self.batches = batches

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        if pl_module.batches_seen == self.batches:
            os.kill(os.getpid(), signal.SIGKILL)


class WeightTrail(Callback):
    """Saves every process's weights after each batch."""

    def __init__(self, folder: str):
        self.folder = Path(folder)

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {n: p.detach().clone() for n, p in pl_module.named_parameters()}
        torch.save(
            state, self.folder / f"{pl_module.batches_seen:03d}_rank{trainer.global_rank}.pt"
        )


class SignalAt(Callback):
    """Has SLURM signal its own job after a batch of the job's first stretch.

    The first process waits for its signal there; the others go on and have theirs when it comes.
    """

    def __init__(self, batches: int, name: str = "USR1"):
        self.batches, self.name = batches, name

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        if restarts() or pl_module.batches_seen != self.batches or not trainer.is_global_zero:
            return
        (preemption,) = (c for c in trainer.callbacks if isinstance(c, Preemption))
        job = os.environ["SLURM_JOB_ID"]
        # In a session of its own: SLURM signals every process of the job's group.
        command = ["scancel", f"--signal={self.name}", job]
        subprocess.run(command, check=True, start_new_session=True)
        while not preemption.signalled:
            time.sleep(0.02)


class SignalBeforeTraining(Callback):
    """Has SLURM signal its own job before the first step, in each stretch."""

    def setup(self, *_, **__) -> None:
        command = ["scancel", "--signal=USR1", os.environ["SLURM_JOB_ID"]]
        subprocess.run(command, check=True, start_new_session=True)
        time.sleep(60)  # the signal ends it


class Questions(Callback):
    """Counts what Lightning sends before each step, and how far each process came.

    Attributes:
        signalled: The batch after which the second process has SIGTERM; 0: never.
    """

    def __init__(self, folder: str, signalled: int = 0):
        self.folder, self.signalled, self.asked = Path(folder), signalled, 0

    def on_train_start(self, *_) -> None:
        send = torch.distributed.broadcast

        def counted(tensor: torch.Tensor, *rest, **options):
            self.asked += tensor.shape == (1,)
            return send(tensor, *rest, **options)

        torch.distributed.broadcast = counted

    def on_train_batch_end(self, trainer, pl_module, *_) -> None:
        content = {"asked": self.asked, "batches": pl_module.batches_seen}
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{trainer.global_rank}.json").write_text(json.dumps(content))
        if trainer.global_rank == 1 and pl_module.batches_seen == self.signalled:
            os.kill(os.getpid(), signal.SIGTERM)


class FailByLabel(Callback):
    """The run called two fails; the one called three has SLURM cancel its job, and waits."""

    def __init__(self, label: str):
        self.label = label

    def on_train_batch_end(self, trainer, *_) -> None:
        if self.label == "two":
            raise RuntimeError("two fails")
        if self.label == "three":
            job = os.environ["SLURM_JOB_ID"]
            subprocess.run(["scancel", job], check=True, start_new_session=True)
            time.sleep(1)


class LoseProcess(Callback):
    """kill -9 of the second process of the run called GAN."""

    def __init__(self, label: str):
        self.label = label

    def on_train_batch_start(self, trainer, *_) -> None:
        if self.label == "GAN" and trainer.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class OnOneProcess(Callback):
    """At the second batch: SIGTERM of the first process, or a loss of the second that is NaN."""

    def __init__(self, kind: str):  # signal or loss
        self.kind = kind

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if batch_idx != 1:
            return
        if self.kind == "signal" and trainer.global_rank == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.kind == "loss" and trainer.global_rank == 1:
            pl_module.lambda_l1 = float("nan")
