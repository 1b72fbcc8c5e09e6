"""Stops a run whose losses are no numbers any more, before its last good checkpoint is lost."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from i2i.cluster.gathering import gathered
from i2i.errors import setting_error
from i2i.messages import say

ON_NAN = ("stop", "continue")


class FiniteTerms:
    """Remembers at which step a term first was NaN or infinite, without waiting for the device.

    Every update is noted there with a few small operations. What was noted is read where numbers
    are read anyway: in steps that are logged, before validation, and before a checkpoint is saved.
    There the weights are looked at too: they may overflow while the losses before were finite.
    One process on a CPU waits for nobody: there each update is read before it is made. Gradients
    are not looked at: in float16 those that overflow are skipped, and the run goes on well.

    Attributes:
        told: What was found, in words, once it was; None before.
    """

    def __init__(self, on_nan: str):
        """Begins with nothing noted.

        Raises:
            SettingError: ``on_nan`` is neither stop nor continue.
        """
        if on_nan not in ON_NAN:
            raise setting_error(
                f"model.on_nan={on_nan}", repr(on_nan), f"one of {', '.join(ON_NAN)}",
                "Use stop; continue goes on with losses that are no numbers.",
            )  # fmt: skip
        self.on_nan = on_nan
        self.told: str | None = None
        self.filled = False  # whether pictures of this pass had NaN
        # By the names of an update's terms: the step of each one's first bad value, 0 before; (N,)
        # on their device.
        self.seen: dict[tuple[str, ...], Tensor] = {}

    def note(self, player: str, terms: Mapping[str, Tensor], step: int) -> None:
        """Takes in the terms of one update; waits for nothing.

        Args:
            player: g or d.
            terms: Its terms, without graph.
            step: The generator step that the update belongs to, from 1.
        """
        if not terms:
            return
        values = torch.stack([value.detach().float() for value in terms.values()])
        names = tuple(f"train/{player}/{name}" for name in terms)
        if names not in self.seen:
            self.seen[names] = torch.zeros_like(values)
        first, nothing = self.seen[names], values - values  # 0, or NaN for NaN and for infinities
        first.masked_fill_((nothing != nothing) & (first == 0), step)

    def marks(self) -> Tensor:
        """(N,) for all terms so far: 0, or the step of the first bad value; on their device."""
        return torch.cat(list(self.seen.values()))

    def stops(self, terms: Mapping[str, Tensor]) -> bool:
        """Whether the terms of an update end the run, read from their device at once."""
        if self.on_nan != "stop" or not terms:
            return False
        return not math.isfinite(sum(float(value) for value in terms.values()))

    def require(
        self, trainer: Any, players: Mapping[str, Mapping[str, nn.Parameter]], place: str = ""
    ) -> None:
        """Ends the run, or says once that it goes on, where terms or weights are not finite.

        Waits for the device, and for the other processes, which all come here together.

        Args:
            trainer: Whose run it is.
            players: The weights of each by their names, by its title.
            place: Where in a network it began, if anybody knows.

        Raises:
            SettingError: On all processes, with the first term of any, and its step.
        """
        if self.told or not self.seen:
            return
        found = [one for one in gathered(self.first(max(trainer.global_step, 1), players)) if one]
        if not found:
            return
        step, _, what, tensors = min(found)
        place = place or tensors
        self.told = f"{what}: not finite since step {step}{place}"
        if self.on_nan == "continue":
            say(f"{self.told}; goes on, as model.on_nan=continue asks")
            return
        run_dir = Path(trainer.default_root_dir)
        saved = (run_dir / "checkpoints" / "last.ckpt").is_file()
        way = f"last.ckpt is from before that: resume={run_dir}" if saved else "Nothing was saved"
        raise setting_error(
            what, f"NaN or infinity, first at step {step}{place}", "finite numbers",
            f"{way}. Use a lower learning rate (optimizer.generator.lr=), clip the gradients "
            "(model.clip_g=, model.clip_d=), or go on all the same with model.on_nan=continue.",
        )  # fmt: skip

    def shown(self, y_hat: Tensor) -> Tensor:
        """Pictures that can be shown, where a run goes on: their NaN, which none has, is filled in.

        Args:
            y_hat: What was made, any shape; its NaN becomes 0, which ``spoils`` the pass.
        """
        if self.on_nan == "continue" and y_hat.isnan().any():
            self.filled = True
            return y_hat.nan_to_num(0.0)
        return y_hat

    def spoils(self, split: str) -> bool:
        """Whether a process filled any in, in a pass that is over; a line says so."""
        filled, self.filled = self.filled, False
        if self.on_nan != "continue" or not any(gathered(filled)):
            return False
        say(f"{split}: NaN in the pictures, and so for its scores; grey stands for it in samples")
        return True

    def first(
        self, now: int, players: Mapping[str, Mapping[str, nn.Parameter]]
    ) -> tuple[int, int, str, str] | None:
        """Step, place among the terms, and name of what first was not finite here; and where."""
        every = [get_total_norm([p.detach() for p in own.values()]) for own in players.values()]
        numbers = torch.cat([self.marks(), torch.stack(every).float()]).cpu().tolist()
        names = [name for terms in self.seen for name in terms]
        found = [
            (int(step), place, name, "")  # weights have followed since, those of others too
            for place, (name, step) in enumerate(zip(names, numbers, strict=False))
            if step
        ]
        for (title, own), norm in zip(players.items(), numbers[len(names) :], strict=True):
            if not math.isfinite(norm):
                found.append((now, len(names), f"the weights of {title}", among(own)))
        return min(found, default=None)


def among(weights: Mapping[str, nn.Parameter]) -> str:
    """Words for the tensors among weights that are not finite.

    What goes wrong in a backward pass goes on toward the input: it began at the last one of them.
    """
    bad = [name for name, weight in weights.items() if not bool(weight.detach().isfinite().all())]
    if not bad:
        return ""  # their squares overflow
    rest = f" and {len(bad) - 1} before it" if bad[1:] else ""
    return f", in {bad[-1]}{rest} of {len(weights)} weight tensors"
