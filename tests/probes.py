"""Callbacks that integration tests put into a run: they record it, or kill it."""

import os
import signal
from pathlib import Path

import torch
from lightning.pytorch import Callback


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
