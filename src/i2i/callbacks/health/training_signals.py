"""Signs of failure in a training step: numbers from what ``training.watching.witness`` left."""

from collections.abc import Mapping

import torch
from torch import Tensor

from i2i.callbacks.health.picture_signals import at_ends, checkerboard, middle, spread_beside
from i2i.data.batches import images
from i2i.training.players import GENERATOR
from i2i.training.watching.witness import Witness

MOST = 8  # pictures of a batch that are looked at
LEAST = 16  # pixels of a side in which lines can be told from their neighbours


def of_step(witness: Witness, balance: float | None) -> dict[str, Tensor]:
    """The signs of a watched step, by name; scalars on its device.

    Args:
        witness: What it left.
        balance: Of the objective; see ``GANLoss``.
    """
    own = {n: v for n, v in witness.numbers.items() if n.startswith(("gradient_", "moves_"))}
    return own | of_game(witness, balance) | of_batch(witness)


def idle(newest: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """How many terms of each player but ``g`` are exactly 0, as a hinge is beyond its margin."""
    of_others = {name: terms for name, terms in newest.items() if name != GENERATOR and terms}
    return {f"idle_{n}": (torch.stack([*t.values()]) == 0).sum() for n, t in of_others.items()}


def of_game(witness: Witness, balance: float | None) -> dict[str, Tensor]:
    """How far D is above G: of several discriminators that which is above most."""
    kind = "gap_" if balance is None else "right_"
    said = [value for name, value in witness.numbers.items() if name.startswith(kind)]
    if not said:
        return {}
    if balance is not None:
        return {"d_right": torch.stack(said).amax()}
    pictures = pictures_of(witness)
    distances = [distance(made, one) for made, real in pictures for one in real]
    if not distances:
        return {}
    return {"critic_gap": torch.stack(said).amax() / torch.stack(distances).amax().clamp(min=1e-6)}


def distance(made: Tensor, real: Tensor) -> Tensor:
    """The mean distance of made and real pictures, each with one other."""
    return (made.float() - real.float()).flatten(1).norm(dim=1).mean()


def pictures_of(witness: Witness) -> list[tuple[Tensor, list[Tensor]]]:
    """What was made, and the images of the batch that have its shape."""
    given = [image[:MOST] for image in images(witness.batch or {}).values() if image.ndim == 4]
    found = []
    for made in witness.made.values():
        if made.ndim == 4 and made.is_floating_point():
            real = [one[: len(made)] for one in given if one.shape[1:] == made.shape[1:]]
            if real:
                found.append((made[: len(real[0])][:MOST], real))
    return found


def of_batch(witness: Witness) -> dict[str, Tensor]:
    """Signs in what was made; of several made images the worst, of several real ones the gentlest.

    A batch does not say which of its images a made one ought to resemble; where it looks as one of
    them does, that is taken for the right one.
    """
    ends, lines, spreads = [], [], []
    given = images(witness.batch or {}).values()
    given = [middle(image[:MOST]) for image in given if image.ndim == 4]
    for made, real in pictures_of(witness):
        made, real = middle(made), [middle(one) for one in real]
        ends.append(torch.stack([at_ends(made, one) for one in real]).amin())
        if min(made.shape[2:]) >= LEAST:
            lines.append(torch.stack([checkerboard(made, one) for one in real]).amin())
        if len(made) > 1:
            spreads.append(spread_beside(made, given))
    found = {"ends": ends, "checkerboard": lines}
    worst = {name: torch.stack(values).amax() for name, values in found.items() if values}
    return worst | ({"spread": torch.stack(spreads).amin()} if spreads else {})
