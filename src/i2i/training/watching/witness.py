"""What a training step leaves for whoever watches the run; nothing where nobody asked for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from i2i.data.batches import Batch
from i2i.training.players import Player

OF_EACH = 64  # numbers of each weight tensor from which the size of an update is told


def said(real: Sequence[Tensor], fake: Sequence[Tensor], balance: float | None) -> list[Tensor]:
    """Reduces what a discriminator said at once: compiled code may overwrite its logits later.

    Args:
        real: Logits of real images, one map a scale.
        fake: Those of made ones.
        balance: Of the objective; None takes the middle between the means of both.

    Returns:
        The share of the logits on the right side of the balance, the mean of that of real and that
        of made images; and the mean logit of real images less that of made ones. Scalars.
    """
    reals = torch.cat([r.detach().float().flatten() for r in real])
    fakes = torch.cat([f.detach().float().flatten() for f in fake])
    between = (reals.mean() + fakes.mean()) / 2 if balance is None else balance
    right = ((reals > between).float().mean() + (fakes < between).float().mean()) / 2
    of_scales = zip(real, fake, strict=True)  # scales count alike, as in the objectives
    gap = torch.stack([r.detach().float().mean() - f.detach().float().mean() for r, f in of_scales])
    return [right, gap.mean()]


class Witness:
    """Notes of the steps that are watched; everything stays on the device, and nothing waits.

    Attributes:
        asked: Whether the step at hand is watched; whoever watches says so before it.
        batch: What it was made of; None where no step was watched.
        made: What G made of the batch, or of its first part, without graph.
        numbers: Of each player's last watched turn, as scalars: ``gradient_PLAYER`` is the norm of
            its gradient before it is clipped; ``moves_PLAYER`` the size of its update in relation
            to its weights, over some numbers of each tensor; ``right_PLAYER_i`` and
            ``gap_PLAYER_i`` what is ``said`` of the i-th time that a discriminator was asked.
    """

    def __init__(self) -> None:
        self.asked = False
        self.forget()

    def forget(self) -> None:
        """Lets go of everything."""
        self.batch: Batch | None = None
        self.made: dict[str, Tensor] = {}
        self.numbers: dict[str, Tensor] = {}
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
        heard: list[list[Tensor]] = []
        with gan_loss.heard(lambda r, f: heard.append(said(r, f, gan_loss.balance))):
            yield
        for i, both in enumerate(heard):
            names = (f"right_{player.name}_{i}", f"gap_{player.name}_{i}")
            self.numbers |= zip(names, both, strict=True)

    def before(self, player: Player) -> None:
        """Notes a player's gradient and weights; its gradients are unscaled and not clipped."""
        if self.asked:
            found = [p.grad for p in player.parameters if p.grad is not None]
            norm = get_total_norm(found) if found else player.parameters[0].new_zeros(())
            self.numbers[f"gradient_{player.name}"] = norm
            self._before[player.name] = some_of(player.parameters)

    def after(self, player: Player) -> None:
        """Notes how far the update moved it."""
        if (earlier := self._before.pop(player.name, None)) is not None:
            moved = some_of(player.parameters) - earlier
            share = moved.norm() / earlier.norm().clamp(min=1e-12)
            self.numbers[f"moves_{player.name}"] = share

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
