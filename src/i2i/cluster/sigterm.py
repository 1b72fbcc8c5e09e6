"""A signal that ends one process of a run ends all of them, at the same step."""

import signal

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.cluster.preemption import QUESTION, Preemption
from i2i.cluster.shared_answer import SharedAnswer
from i2i.cluster.stopping import STOP, Stopped


def leave_signals_to_us(trainer: Trainer) -> None:
    """Keeps Lightning's handler of SIGTERM out.

    It calls collectives from wherever the process is, which other processes do not answer, and ends
    with exit code 0.
    """
    trainer._signal_connector.register_signal_handlers = lambda: None


class Sigterm(Callback):
    """Stands in for Lightning's question before each step whether SIGTERM came.

    Lightning makes a tensor on the GPU for it, sends it from process 0 and reads it: that waits for
    the whole step before, and hears of process 0 only. Here the processes ask each other without
    waiting, and end one step later; nothing is saved.

    One process needs no question, ``Preemption`` has its own, and a Lightning that asks nothing is
    left as it is. Outside of training steps a signal ends its process at once, and the main process
    the others.
    """

    def __init__(self) -> None:
        self.stop: SharedAnswer | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loop = trainer.fit_loop.epoch_loop
        listened = any(isinstance(callback, Preemption) for callback in trainer.callbacks)
        if trainer.world_size == 1 or listened or not hasattr(loop, QUESTION):
            return
        shared = self.stop = SharedAnswer()

        def question() -> None:
            if shared.ask(STOP.received is not None):
                end()

        setattr(loop, QUESTION, question)
        STOP.defer(True)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A validation may take long."""
        if self.stop is not None:
            STOP.defer(False)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.stop is not None:
            STOP.defer(True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.stop is None:
            return
        stop = self.stop.ask_now(STOP.received is not None)
        self.stop = None
        if stop:
            end()
        STOP.defer(False)

    def on_exception(self, *_: object) -> None:
        self.stop, STOP.deferred = None, False


def end() -> None:
    """Ends this process, as its own signal asks or the one of another process."""
    STOP.deferred = False
    raise Stopped(STOP.received or signal.SIGTERM)
