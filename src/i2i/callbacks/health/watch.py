"""Watches a training, and says once in words what goes wrong and what to turn."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from i2i.callbacks.health.alarms import ALARMS, Streaks
from i2i.callbacks.health.training_signals import idle, of_step
from i2i.callbacks.health.validation_signals import Pass, overfitting, training_pass
from i2i.errors import setting_error
from i2i.messages import say
from i2i.metrics.shown import Shown
from i2i.run_folder import write_json
from i2i.training.logged_steps import is_logged
from i2i.training.rounds import steps_in

RECORD = "health.json"  # in the run's folder
NOT_FINITE = "not_finite"  # what ``model.on_nan`` is told of
OF_VALIDATION = "val_"  # before the names of signals that a validation gives


class Health(Callback):
    """Logs ``train/health/*`` at the logging interval, and raises alarms.

    An alarm is a number beyond its limit in several readings in a row: see ``alarms``. It is said
    once, sent to the loggers that pass alarms on, and written to ``health.json``. In training
    everything is computed from what the step at hand makes anyway. At a validation a few training
    pictures are translated, and D is asked about as many pictures of both splits.

    Process 0 alone looks, at its own share of the pictures, and waits for nobody. Nothing is drawn
    from the run's random numbers, and no state of it changes.
    """

    def __init__(
        self,
        folder: str,  # of the run
        logged_steps: int = 10,  # bad readings in a row that raise an alarm, at logged steps
        validations: int = 3,  # the same at validations
        n_images: int = 16,  # pictures of each split that are looked at in a validation
        silent: Sequence[str] = (),  # names of alarms that are not raised
    ):
        """Checks the options.

        Raises:
            SettingError: A number is out of range, or there is no such alarm.
        """
        counts = {"logged_steps": (logged_steps, 1), "validations": (validations, 1)}
        for name, (value, fewest) in (counts | {"n_images": (n_images, 2)}).items():
            if not value >= fewest:
                raise setting_error(
                    f"callbacks.health.{name}={value}", str(value), f"{fewest} or more",
                    "Leave it out for its default.",
                )  # fmt: skip
        known = [alarm.name for alarm in ALARMS]
        for name in silent:
            if name not in known:
                raise setting_error(
                    f"callbacks.health.silent=[{','.join(silent)}]", f"{name}, which is no alarm",
                    f"any of {', '.join(known)}", "Correct the name.",
                )  # fmt: skip
        self.path, self.n_images, self.silent = Path(folder) / RECORD, n_images, frozenset(silent)
        self.logged_steps, self.validations = logged_steps, validations
        self.streaks, self.step = Streaks(), 0
        self.raised: dict[str, dict[str, Any]] = {}
        self.noted: dict[str, Tensor] = {}  # numbers of the witness that are not read yet
        self.validation: Pass | None = None

    def state_dict(self) -> dict[str, Any]:
        """What was raised, how long the rest has lasted, and notes of a round that is not over."""
        noted = {name: float(value) for name, value in self.noted.items()}
        streaks = {"counts": self.streaks.counts, "worst": self.streaks.worst}
        return {"raised": self.raised, "noted": noted} | streaks

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes it up, under what is newer: testing, too, loads a checkpoint, an earlier one."""
        self.raised = state_dict["raised"] | self.raised
        self.streaks.counts = state_dict["counts"] | self.streaks.counts
        # Checkpoints of earlier versions have none.
        self.streaks.worst = state_dict.get("worst", {}) | self.streaks.worst
        self.noted = {name: torch.tensor(value) for name, value in state_dict["noted"].items()}

    # ---- training ----

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        earlier = {name: value.to(pl_module.device) for name, value in self.noted.items()}
        pl_module.witness.numbers = earlier | pl_module.witness.numbers
        self.write(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.step = trainer.global_step
        pl_module.witness.asked = trainer.is_global_zero and self.is_due(trainer, pl_module)

    def is_due(self, trainer: Trainer, pl_module: LightningModule) -> bool:
        """Whether the round at hand has a step that is logged; each player has a turn in one."""
        rounds, every = pl_module.rounds, trainer.log_every_n_steps
        first = steps_in(rounds, pl_module.batches_seen) + 1
        last = first + steps_in(rounds, len(rounds)) - 1
        return first == 1 or -(-first // every) * every <= last

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        step, witness = trainer.global_step, pl_module.witness
        logged = is_logged(trainer)
        self.noted = witness.numbers
        if step == self.step or not logged or not witness.asked:  # g had no turn on this batch
            return
        balance = getattr(pl_module.gan_loss, "balance", None)
        self.read(trainer, pl_module, of_step(witness, balance) | idle(pl_module.newest))
        witness.forget()
        self.noted = witness.numbers

    def read(self, trainer: Trainer, pl_module: LightningModule, found: dict[str, Tensor]) -> None:
        """Logs readings, which come from the device together, and raises what they ask for."""
        if found:
            numbers = torch.stack([value.detach().float() for value in found.values()]).tolist()
            values = dict(zip(found, numbers, strict=True))
            known = {name: value for name, value in values.items() if not math.isnan(value)}
            pl_module.write({f"train/health/{name}": value for name, value in known.items()})
            for alarm, signal, value in self.streaks.take(values, self.enough):
                text = alarm.text(signal, value, pl_module.config)
                self.alarm(trainer, alarm.name, text, {"signal": signal, "value": value})
        self.look_for_nan(trainer, pl_module)

    def enough(self, signal: str) -> int:
        """How many readings in a row raise an alarm."""
        return self.validations if signal.startswith(OF_VALIDATION) else self.logged_steps

    # ---- validation ----

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        training = trainer.state.fn == "fit" and not trainer.sanity_checking
        self.validation = Pass(self.n_images) if training and trainer.is_global_zero else None

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: dict[str, Shown],
        batch: Any,
        *_: Any,
    ) -> None:
        if self.validation is not None:
            self.validation.add(pl_module, batch, outputs)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        seen, self.validation = self.validation, None
        if seen is None:
            return
        found = seen.signals()
        if trainer.datamodule is not None:
            data = trainer.datamodule.dataset("train")
            at_once = trainer.datamodule.eval_batch_size
            found |= overfitting(training_pass(pl_module, data, self.n_images, at_once), seen)
        self.read(trainer, pl_module, found)

    # ---- what is said ----

    def alarm(self, trainer: Trainer, name: str, text: str, known: Mapping[str, Any]) -> None:
        """Raises an alarm, unless that was done before."""
        if name in self.raised or name in self.silent:
            return
        self.raised[name] = {"step": trainer.global_step, "text": text, **known}
        if name != NOT_FINITE:  # which was said already
            say(f"Alarm at step {trainer.global_step}: {text}")
        self.write(trainer)
        for logger in trainer.loggers:
            send: Callable[[str, str], None] | None = getattr(logger, "alert", None)
            if send is not None:
                send(name, text)

    def look_for_nan(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes over what ``model.on_nan`` has found."""
        if trainer.is_global_zero and pl_module.finite.told:
            knob = "Use a lower learning rate, or clip the gradients (model.clip_g=, model.clip_d=)"
            self.alarm(trainer, NOT_FINITE, f"{pl_module.finite.told}. {knob}.", {})

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self.look_for_nan(trainer, pl_module)

    def write(self, trainer: Trainer) -> None:
        """Writes ``health.json``: what was raised, in the order in which it was."""
        if trainer.is_global_zero:
            write_json(self.path, {"alarms": [{"name": n} | one for n, one in self.raised.items()]})

    def say_again(self) -> None:
        """Lists at the end of a run what was raised in it."""
        if self.raised:
            listed = (f"  step {one['step']}: {one['text']}" for one in self.raised.values())
            say("\n".join([f"\nAlarms of this run ({self.path}):", *listed]))
