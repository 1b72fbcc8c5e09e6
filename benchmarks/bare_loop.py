"""pix2pix's training loop as it is written without a framework: what every speed is compared with.

Float32, eager, ``torch.optim.Adam`` as it comes, no Lightning and no Hydra. It computes the losses
of ``i2i.systems.pix2pix.Pix2Pix``; a test holds the two together.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

OBJECTIVES = ("vanilla", "wgan-gp")
LAMBDA_L1 = 100.0  # Isola et al. 2017, Sec. 3.3
LAMBDA_PENALTY = 10.0  # Gulrajani et al. 2017, Alg. 1


class BareLoop:
    """One D update per batch; after every ``n_critic`` of them one G update on the same batch."""

    def __init__(
        self,
        generator: nn.Module,  # on its device
        discriminator: nn.Module,  # of one scale
        objective: str,  # one of OBJECTIVES
        adam_g: Mapping[str, Any],  # lr, betas
        adam_d: Mapping[str, Any],
        n_critic: int = 1,
    ):
        self.generator, self.discriminator = generator, discriminator
        self.wasserstein, self.n_critic = objective == "wgan-gp", n_critic
        self.optimizer_g = Adam(generator.parameters(), **adam_g)
        self.optimizer_d = Adam(discriminator.parameters(), **adam_d)
        self.batches_seen = 0

    def on_batch(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Updates D, and G where it is its turn.

        Args:
            batch: ``input`` and ``target``, (B, C, H, W) in [-1, 1], on the networks' device.

        Returns:
            The weighted terms, as ``d/real``, ``g/l1`` and so on, without graph.
        """
        x, y = batch["input"], batch["target"]
        self.batches_seen += 1
        g_turn = self.batches_seen % self.n_critic == 0
        with torch.set_grad_enabled(g_turn):
            y_hat = self.generator(x)

        self.discriminator.requires_grad_(True)
        d_terms = self.discriminator_terms(x, y, y_hat.detach())
        self.optimizer_d.zero_grad()
        sum(d_terms.values()).backward()
        self.optimizer_d.step()
        terms = {f"d/{name}": value.detach() for name, value in d_terms.items()}
        if not g_turn:
            return terms

        self.discriminator.requires_grad_(False)  # left out of G's backward pass
        g_terms = self.generator_terms(x, y, y_hat)
        self.optimizer_g.zero_grad()
        sum(g_terms.values()).backward()
        self.optimizer_g.step()
        return terms | {f"g/{name}": value.detach() for name, value in g_terms.items()}

    def score(self, x: Tensor, y: Tensor) -> Tensor:
        """D's logits, (B, 1, h, w)."""
        return self.discriminator(x, y).logits[0]

    def discriminator_terms(self, x: Tensor, y: Tensor, y_hat: Tensor) -> dict[str, Tensor]:
        """Cross entropy, halved (Isola et al. 2017), or the critic's loss with its penalty."""
        real, fake = self.score(x, y), self.score(x, y_hat)
        if self.wasserstein:
            return {
                "real": -real.mean(), "fake": fake.mean(), "penalty": self.penalty(x, y, y_hat)
            }  # fmt: skip
        entropy = F.binary_cross_entropy_with_logits
        return {
            "real": 0.5 * entropy(real, torch.ones_like(real)),
            "fake": 0.5 * entropy(fake, torch.zeros_like(fake)),
        }

    def generator_terms(self, x: Tensor, y: Tensor, y_hat: Tensor) -> dict[str, Tensor]:
        """The adversarial term and L1."""
        fake = self.score(x, y_hat)
        if self.wasserstein:
            gan = -fake.mean()
        else:
            gan = F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
        return {"gan": gan, "l1": LAMBDA_L1 * F.l1_loss(y_hat, y)}

    def penalty(self, x: Tensor, y: Tensor, y_hat: Tensor) -> Tensor:
        """10 (|grad D| - 1)^2 between real and made images; a sample's score is its mean logit."""
        epsilon = torch.rand(len(y), 1, 1, 1, device=y.device)
        between = (epsilon * y + (1 - epsilon) * y_hat).requires_grad_(True)
        score = self.score(x, between).flatten(1).mean(1).sum()
        (gradient,) = torch.autograd.grad(score, between, create_graph=True)
        return LAMBDA_PENALTY * (gradient.flatten(1).norm(dim=1) - 1).square().mean()
