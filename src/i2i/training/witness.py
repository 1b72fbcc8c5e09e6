"""What a training step leaves for whoever watches the run; nothing where nobody asked for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from i2i.data.batches import Batch
from i2i.training.players import Player

OF_EACH = 64  # numbers of each weight tensor from which the size of an update is told


class Said(NamedTuple):
    """What one discriminator said in one call, over its patches and scales; scalars.

    Attributes:
        right: Share of the logits on the right side of the objective's ``balance``: the mean of
            that of real and that of made images. Where there is no balance, the middle between the
            two means stands for it.
        gap: Mean logit of real images less that of made ones.
    """

    right: Tensor
    gap: Tensor


def said(real: Sequence[Tensor], fake: Sequence[Tensor], balance: float | None) -> Said:
    """Reduces the logits of a call at once: compiled code may overwrite them at its next one."""
    reals = torch.cat([r.detach().float().flatten() for r in real])
    fakes = torch.cat([f.detach().float().flatten() for f in fake])
    between = (reals.mean() + fakes.mean()) / 2 if balance is None else balance
    right = ((reals > between).float().mean() + (fakes < between).float().mean()) / 2
    of_scales = zip(real, fake, strict=True)  # scales count alike, as in the objectives
    gap = torch.stack([r.detach().float().mean() - f.detach().float().mean() for r, f in of_scales])
    return Said(right, gap.mean())


class Witness:
    """Notes of the steps that are watched; everything stays on the device, and nothing waits.

    Attributes:
        asked: Whether the step at hand is watched; whoever watches says so before it.
        batch: What it was made of; None where no step was watched.
        made: What G made of the batch, or of its first part, without graph.
        said: What the discriminators said in the last watched turn of each player.
        gradients: Norm of each player's gradient in its last watched turn, before it is clipped.
        moves: Size of its update in relation to its weights, over some numbers of each tensor.
    """

    def __init__(self) -> None:
        self.asked = False
        self.forget()

    def forget(self) -> None:
        """Lets go of everything."""
        self.batch: Batch | None = None
        self.made: dict[str, Tensor] = {}
        self.said: dict[str, list[Said]] = {}
        self.gradients: dict[str, Tensor] = {}
        self.moves: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}

    @contextmanager
    def hearing(self, player: Player, gan_loss: Any) -> Iterator[None]:
        """Notes what the discriminators say while the terms of a player are computed.

        Args:
            player: Whose turn it is.
            gan_loss: The objective (see ``i2i.losses.gan``), or None where there is no game.
        """
        if not self.asked or gan_loss is None or not gan_loss.adversarial:
            yield
            return
        notes = self.said[player.name] = []
        with gan_loss.heard(lambda r, f: notes.append(said(r, f, gan_loss.balance))):
            yield

    def before(self, player: Player) -> None:
        """Notes a player's gradient and weights; its gradients are unscaled and not clipped."""
        if self.asked:
            found = [p.grad for p in player.parameters if p.grad is not None]
            self.gradients[player.name] = get_total_norm(found) if found else torch.zeros(())
            self._before[player.name] = some_of(player.parameters)

    def after(self, player: Player) -> None:
        """Notes how far the update moved it."""
        if (earlier := self._before.pop(player.name, None)) is not None:
            moved = some_of(player.parameters) - earlier
            self.moves[player.name] = moved.norm() / earlier.norm().clamp(min=1e-12)

    def keep(self, batch: Batch, made: dict[int, dict[str, Tensor]]) -> None:
        """Notes what a step was about.

        Args:
            batch: The whole of it.
            made: By the first sample of each part.
        """
        if self.asked:
            self.batch = batch
            self.made = {name: image.detach() for name, image in made.get(0, {}).items()}


def some_of(parameters: Sequence[Tensor]) -> Tensor:
    """Up to ``OF_EACH`` numbers of each, of its first row, as one float32 vector: a copy."""
    rows = (p.detach()[0] if p.ndim else p.detach() for p in parameters)
    return torch.cat([row.reshape(-1)[:OF_EACH].float() for row in rows])
