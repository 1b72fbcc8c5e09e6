"""CycleGAN's training loop as it is written without a framework.

Eager, ``torch.optim.Adam`` as it comes, no Lightning and no Hydra. It computes the losses of
``i2i.systems.cyclegan.CycleGAN``; a test holds the two together.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

LAMBDA = 10.0  # of both cycles (Zhu et al. 2017, Sec. 4)
IDENTITY = 0.5  # of the identity terms, times LAMBDA (Sec. 5.2)


class Pool:
    """Fifty earlier images; every second new one takes the place of one of them."""

    def __init__(self, size: int):
        self.size, self.kept = size, []

    def __call__(self, images: Tensor) -> Tensor:
        shown = []
        for image in images.split(1):
            if len(self.kept) < self.size:
                self.kept.append(image.clone())
            elif torch.rand(()).item() < 0.5:
                place = torch.randint(0, self.size, ()).item()
                old, self.kept[place] = self.kept[place], image.clone()
                image = old
            shown.append(image)
        return torch.cat(shown)


class BareCycleGAN:
    """One update of both generators, then one of both discriminators, on the same batch."""

    def __init__(
        self,
        g: nn.Module,  # X -> Y; all on their device
        f: nn.Module,  # Y -> X
        d_y: nn.Module,
        d_x: nn.Module,
        adam_g: Mapping[str, Any],  # lr, betas
        adam_d: Mapping[str, Any],
        pool_size: int = 50,
    ):
        self.g, self.f, self.d_y, self.d_x = g, f, d_y, d_x
        self.judges = [*d_y.parameters(), *d_x.parameters()]
        self.optimizer_g = Adam(itertools.chain(g.parameters(), f.parameters()), **adam_g)
        self.optimizer_d = Adam(self.judges, **adam_d)
        self.pool_y, self.pool_x = Pool(pool_size), Pool(pool_size)

    def on_batch(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Updates all four.

        Args:
            batch: ``input`` (of X) and ``target`` (of Y), (B, C, H, W) in [-1, 1].

        Returns:
            The weighted terms, as ``d/real_there``, ``g/cycle_back`` and so on, without graph.
        """
        x, y = batch["input"], batch["target"]
        fake_y, fake_x = self.g(x), self.f(y)

        for weight in self.judges:
            weight.requires_grad_(False)
        g_terms = {
            "gan_there": (score(self.d_y, fake_y) - 1).pow(2).mean(),
            "gan_back": (score(self.d_x, fake_x) - 1).pow(2).mean(),
            "cycle_there": LAMBDA * (self.f(fake_y) - x).abs().mean(),
            "cycle_back": LAMBDA * (self.g(fake_x) - y).abs().mean(),
            "identity_there": LAMBDA * IDENTITY * (self.g(y) - y).abs().mean(),
            "identity_back": LAMBDA * IDENTITY * (self.f(x) - x).abs().mean(),
        }
        self.optimizer_g.zero_grad()
        sum(g_terms.values()).backward()
        self.optimizer_g.step()

        for weight in self.judges:
            weight.requires_grad_(True)
        old_y, old_x = self.pool_y(fake_y.detach()), self.pool_x(fake_x.detach())
        d_terms = {
            "real_there": 0.5 * (score(self.d_y, y) - 1).pow(2).mean(),
            "fake_there": 0.5 * score(self.d_y, old_y).pow(2).mean(),
            "real_back": 0.5 * (score(self.d_x, x) - 1).pow(2).mean(),
            "fake_back": 0.5 * score(self.d_x, old_x).pow(2).mean(),
        }
        self.optimizer_d.zero_grad()
        sum(d_terms.values()).backward()
        self.optimizer_d.step()
        both = {"g": g_terms, "d": d_terms}
        return {f"{p}/{n}": v.detach() for p, terms in both.items() for n, v in terms.items()}


def score(judge: nn.Module, image: Tensor) -> Tensor:
    """Logits of a discriminator that sees the image alone."""
    return judge(image, image).logits[0]
