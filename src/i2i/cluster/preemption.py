"""Saves and ends a run when the scheduler asks for the machine."""

import os
import signal
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.cluster.environment import Preempted
from i2i.cluster.shared_answer import SharedAnswer
from i2i.cluster.stopping import STOP
from i2i.messages import say

# What SLURM sends before the time is over (--signal=USR1@120), what submitit sends, and what a
# preempting partition and torchrun send. Windows has the last one only.
NAMES = ("SIGUSR1", "SIGUSR2", "SIGTERM")
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


QUESTION = "_broadcast_sigterm_tensor"  # of Lightning 2.6; others may not have it

ending = False  # from the decision to stop on, further signals change nothing


def leave(*_: Any) -> None:
    """A signal where nothing is under way that has to be saved: ends the program in order."""
    ignore_signals()
    raise Preempted(0)


def listen(handler: Any = leave) -> None:
    """Gives the signals to a handler; in the process that asked, not in loaders forked later."""
    global ending
    me, ending = os.getpid(), False
    STOP.watched -= set(SIGNALS)  # saving and requeueing take their time

    def handle(number: int, frame: Any) -> None:
        if os.getpid() == me and not ending:
            handler(number, frame)

    for number in SIGNALS:
        signal.signal(number, handle)


def ignore_signals() -> None:
    """From here on the end is not disturbed, also where Lightning puts earlier handlers back."""
    global ending
    ending = True
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def ask_nothing() -> None:
    """Stands in for Lightning's question before each step whether SIGTERM came."""


class Preemption(Callback):
    """Ends training after a signal, at the end of a step, with that step in ``last.ckpt``.

    The processes of a job receive a signal at different moments. Each sends its own state to all at
    the end of a step and reads the answer at the end of the next, when it is long there: so all
    stop at the same step, and none waits for it. The last step of an epoch, before its validation,
    is no place to go on from; the one after it is, or the beginning of the next epoch. The last
    step of all is made to its end, with its validation; the job ends after it.

    Lightning asks the same before each step, and waits for the answer: on a GPU the step before has
    to be over by then. Its handler of SIGTERM is not in place here, so it is not asked.

    Outside of training steps a signal ends the program at once: what is not saved then is made
    again.
    """

    def __init__(self, file: str):  # the checkpoint that the run goes on from
        self.file = file
        self.signalled = self.training = self.agreed = False
        self.stop: SharedAnswer | None = None  # with the other processes

    def receive(self, *_: Any) -> None:
        """The signal handler."""
        if not self.training:
            leave()
        self.signalled = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.training = True
        listen(self.receive)  # in the place of Lightning's, whose SIGTERM calls collectives
        if trainer.world_size > 1:
            self.stop = SharedAnswer()
        if hasattr(loop := trainer.fit_loop.epoch_loop, QUESTION):
            setattr(loop, QUESTION, ask_nothing)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.agreed = self.agreed or self.asked()
        finished = 0 < trainer.max_steps <= trainer.global_step
        # Not is_last_batch, which a run that goes on within an epoch does not know.
        within = pl_module.batches_seen % int(trainer.num_training_batches)
        if self.agreed and within and not finished:
            ignore_signals()
            trainer.save_checkpoint(self.file)
            say(f"Signal: stopped after step {trainer.global_step}, which is saved in {self.file}")
            raise Preempted(0)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Where an epoch is one batch there is no step within: its end has saved last.ckpt."""
        if self.agreed:
            say(f"Signal: stopped after step {trainer.global_step}, which is saved in {self.file}")
            leave()

    def asked(self) -> bool:
        """Whether any process had its signal one step ago; alone, whether this one has it."""
        return self.stop.ask(self.signalled) if self.stop else self.signalled

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        stop = self.stop.ask_now(self.signalled) if self.stop else self.signalled
        self.training = False
        listen()
        if stop or self.agreed:
            say(f"Signal: training is done and saved in {self.file}; the test is left")
            leave()

    def on_test_start(self, *_: Any) -> None:
        listen()
