"""What the discriminators say of pictures outside training, with no trace left in a run."""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from i2i.data.batches import Batch, size
from i2i.inference.translate import paper_mode, seeded_noise
from i2i.training.players import GENERATOR

Answers = list[tuple[Tensor, Tensor]]


def answers(system: Any, batch: Batch, seed: int = 0) -> Answers:
    """Asks a system for the terms of its discriminators, and hears what these say on the way.

    Networks run as they are trained, batch norm on the statistics of the batch at hand, and move
    none of their buffers. No random number of the run is drawn, and what the system keeps of its
    own, such as a pool of images, is afterwards what it was.

    Args:
        system: See ``AdversarialModule``.
        batch: Of any split; see ``i2i.data.batches``.
        seed: Of the noise, such as dropout or codes.

    Returns:
        For each discriminator, in the order in which the system asks them, the mean logit of each
        real and of each made image, (B,) both; nothing where there is no game.
    """
    if system.gan_loss is None or not system.gan_loss.adversarial:
        return []
    found: Answers = []
    compiled, system.forwards = system.forwards, {}
    # Copies made in inference mode could not be trained on later.
    with ExitStack() as stack, torch.inference_mode(False), torch.no_grad():
        own = system.own_state()
        for player in system.players:
            for network in system.networks(player):
                stack.enter_context(paper_mode(network))
        stack.enter_context(seeded_noise(seed, system.device))
        stack.enter_context(
            system.gan_loss.heard(lambda *both: found.append(of_images(*both)), False)
        )
        with system.diffaugment.drawn(size(batch), system.device):
            made = system.generate(batch)
            for player in system.players:
                if player.name != GENERATOR and player.learns:
                    system.terms(player.name, batch, made)
        system.load_own_state(own)
    system.forwards = compiled
    return found


def of_images(real: list[Tensor], fake: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The mean logit of each image of both sides, over patches and then over scales."""
    one, two = (
        [one.float().reshape(len(one), -1).mean(1) for one in side] for side in (real, fake)
    )
    return torch.stack(one).mean(0), torch.stack(two).mean(0)
