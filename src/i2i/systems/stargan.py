"""StarGAN: one generator for all domains (Choi et al. 2018)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from i2i.blocks import beside
from i2i.data.batches import Batch, size
from i2i.errors import setting_error
from i2i.inference.translate import translate
from i2i.inference.translator import Translator
from i2i.labels.attributes import Attributes
from i2i.labels.domain_names import require_domains
from i2i.losses.classes import class_loss, one_hot
from i2i.losses.gan import (
    GANLoss,
    require_game,
    require_separate_samples,
    require_unconditional,
)
from i2i.losses.reconstruction import L1
from i2i.losses.weights import require_weights
from i2i.metrics.shown import Shown, shown_of_label
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player


class StarGAN(AdversarialModule):
    """G(x, c) makes a picture of the domain c from one of any domain.

    L_D = -L_adv + lambda_cls L_cls^r, L_G = L_adv + lambda_cls L_cls^f + lambda_rec L_rec (Choi et
    al. 2018, Eq. 5 and 6, lambda_cls 1, lambda_rec 10; L_adv in the form of Eq. 8). D tells what
    looks real, and what domain a picture is of; it learns the latter from real pictures, and G is
    to be told right. G(G(x, c), c') is to be x again, c' being the label of x. The labels c of a
    batch are those of the batch itself in another order.

    A label is a domain's number, or a 0 or 1 for each of several attributes. It stands beside the
    picture as planes of one value (Sec. 4.4 and App.).
    """

    pairings = ("labelled",)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gan_loss: GANLoss,
        domains: Sequence[str],
        exclusive: Sequence[Sequence[str]] = (),
        lambda_cycle: float = 10.0,
        lambda_class: float = 1.0,
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the objective ready-made.

        Args:
            generator: Takes a picture with its label planes.
            discriminator: Does not see what a picture was made from, and tells domains.
            gan_loss: See ``i2i.losses.gan``; wgan-gp in the paper.
            domains: Names of the domains or attributes by number; they name the routes, too.
            exclusive: Groups of attributes of which a picture has one only: to give it another one
                is to take the others away. Domains exclude each other anyhow.
            lambda_cycle: Weight of the way back, 0 or more.
            lambda_class: Weight of the class terms, 0 or more.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: A weight is out of range, or networks, objective or domains do not fit.
        """
        super().__init__(**shared)
        require_weights(lambda_cycle=lambda_cycle, lambda_class=lambda_class)
        require_game(gan_loss)
        require_separate_samples(gan_loss, discriminator)
        require_unconditional(discriminator)
        self.domains = require_domains(domains)
        self.attributes = Attributes(self.domains, exclusive)
        self.generator, self.discriminator = generator, discriminator
        self.gan_loss, self.l1 = gan_loss, L1()
        self.lambda_cycle, self.lambda_class = lambda_cycle, lambda_class
        self.players = (
            Player("d", ("discriminator",), *self.of_d), Player("g", ("generator",), *self.of_g),
        )  # fmt: skip
        self.routes = self.domains
        self.ways_back = dict.fromkeys(self.routes, "the domain of the source")
        self.keep_average()

    def judge(self, x: Tensor, y: Tensor) -> None:
        if self.discriminator(x, x).classes is None:
            raise setting_error(
                "discriminator", f"{type(self.discriminator).__name__}, which tells no domains",
                "a discriminator with a class head", "Use discriminator=domains.",
            )  # fmt: skip

    def generate(self, batch: Batch) -> Made:
        x, label = batch["input"], batch["label"]
        asked = label[torch.randperm(size(batch), device=label.device)]
        return {"y_hat": self.run(self.generator, self.beside(x, asked)), "asked": asked}

    def beside(self, x: Tensor, label: Tensor) -> Tensor:
        """Pictures with their labels as planes of one value: (B, C + n, H, W)."""
        return beside(x, one_hot(label, len(self.domains)))

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        x, label, y_hat, asked = batch["input"], batch["label"], made["y_hat"], made["asked"]
        if player == "d":
            return self.d_terms(x, label, y_hat)
        return self.g_terms(x, label, y_hat, asked)

    def d_terms(self, x: Tensor, label: Tensor, y_hat: Tensor) -> Terms:
        """D tells real pictures from made ones, and of what domain the real ones are."""
        real, fake = self.run(self.discriminator, x, x), self.run(self.discriminator, x, y_hat)
        terms = self.gan_loss.discriminator(real.logits, fake.logits)
        terms |= self.gan_loss.penalty(lambda i: self.discriminator(i, i).logits, x, y_hat)
        terms["class"] = self.lambda_class * class_loss(real.classes, label)
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def g_terms(self, x: Tensor, label: Tensor, y_hat: Tensor, asked: Tensor) -> Terms:
        """G is to convince, to be told as what was asked for, and to find the way back."""
        fake = self.run(self.discriminator, x, y_hat)
        back = self.run(self.generator, self.beside(y_hat, label))
        return {
            "gan": self.gan_loss.generator(fake.logits),
            "class": self.lambda_class * class_loss(fake.classes, asked),
            "cycle": self.lambda_cycle * self.l1(back, x),
        }

    # ---- routes: one to each domain ----

    def towards(self, route: str, label: Tensor) -> Tensor:
        """Labels changed to a route's domain: what pictures of these labels are to become."""
        number = self.domains.index(route)
        if not label.is_floating_point():
            return torch.full_like(label, number)
        changed = label.clone()
        changed[:, self.attributes.rivals(route)] = 0
        changed[:, number] = 1
        return changed

    def translator(self, route: str | None = None) -> Translator:
        """What translates to a domain; to an attribute, pictures that have no other one."""
        label = self.attributes.one(route or self.routes[0])
        return Translator(
            self.evaluated, self.task, "input", self.inference, self.seed, label=label
        )  # fmt: skip

    def shown(self, batch: Batch) -> dict[str, Shown]:
        numbers = enumerate(self.routes)
        to = partial(self.towards, label=batch["label"])
        return {r: shown_of_label(batch, n, to(r), self.task) for n, r in numbers}

    def pictures_of(self, labels: Tensor, answers: bool) -> dict[str, tuple[int, int]]:
        of = one_hot(labels, len(self.domains)).sum(0).int().tolist()
        made = {route: len(labels) - n for route, n in zip(self.routes, of, strict=True)}
        if answers:  # each place is asked for from every other domain
            return {route: (n, -(-n // (len(of) - 1))) for route, n in made.items()}
        return {route: (n, len(labels) - n) for route, n in made.items()}

    def make(self, route: str, shown: Shown) -> Tensor:
        return self.told(shown.x, shown.label, shown.names)

    def come_back(self, route: str, shown: Shown, y_hat: Tensor) -> Tensor:
        back = self.told(y_hat, shown.source_label, shown.names)
        return self.task.output_picture(y_hat, back)

    def told(self, x: Tensor, label: Tensor, names: Sequence[str]) -> Tensor:
        """Pictures translated as at test time, each to a label of its own."""
        net = self.evaluated

        def call(x: Tensor, label: Tensor) -> Tensor:
            return net(self.beside(x, label))

        return translate(net, x, names, self.inference, self.seed, call, [label])
