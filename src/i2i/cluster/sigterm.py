"""SIGTERM of one process ends all of a run at the same step."""

import signal
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from i2i.cluster.preemption import QUESTION, Preemption
from i2i.cluster.shared_answer import SharedAnswer


class Sigterm(Callback):
    """Stands in for Lightning's question before each step whether SIGTERM came.

    Lightning makes a tensor on the GPU for it, sends it from process 0 and reads it: that waits for
    the whole step before, and hears of process 0 only. Here the processes ask each other without
    waiting, and end one step later, as Lightning ends them; nothing is saved.

    One process needs no question, ``Preemption`` has its own, and a Lightning that asks nothing is
    left as it is.
    """

    def __init__(self) -> None:
        self.signalled = False
        self.stop: SharedAnswer | None = None
        self.theirs: Any = None  # Lightning's handler, which calls collectives

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loop = trainer.fit_loop.epoch_loop
        listened = any(isinstance(callback, Preemption) for callback in trainer.callbacks)
        if trainer.world_size == 1 or listened or not hasattr(loop, QUESTION):
            return
        shared = self.stop = SharedAnswer()

        def question() -> None:
            if shared.ask(self.signalled):
                raise SIGTERMException

        def receive(number: int, frame: Any) -> None:
            launcher = trainer.strategy.launcher
            if not self.signalled and launcher is not None:
                launcher.kill(number)  # sends it to the processes that this one started
            self.signalled = True

        setattr(loop, QUESTION, question)
        self.signalled, self.theirs = False, signal.signal(signal.SIGTERM, receive)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.stop is None:
            return
        stop = self.stop.ask_now(self.signalled)
        signal.signal(signal.SIGTERM, self.theirs)
        self.stop = None
        if stop:
            raise SIGTERMException
