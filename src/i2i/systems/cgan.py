"""A class-conditional GAN: a picture of a class on demand (Mirza and Osindero 2014)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from i2i.data.batches import Batch, size
from i2i.errors import setting_error
from i2i.inference.translate import in_mode
from i2i.inference.translator import Translator, codes
from i2i.labels.domain_names import require_domains
from i2i.losses.classes import class_loss, one_hot
from i2i.losses.gan import GANLoss, require_game, require_separate_samples
from i2i.losses.weights import require_weights
from i2i.metrics.shown import Shown
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player

ROUTE = "made"


class ClassConditionalGAN(AdversarialModule):
    """G(z, c) makes a picture of class c from noise z; D judges a picture beside its class.

    min_G max_D E log D(x | c) + E log(1 - D(G(z | c))) (Mirza and Osindero 2014, Eq. 2) in the form
    of the objective chosen; by default hinge with a projection discriminator and class-conditional
    batch norm (Miyato and Koyama 2018). Where D has a head that tells the class, both players have
    the term L_C of AC-GAN (Odena et al. 2017, Eq. 3 and Sec. 3); pictures of a G that is told no
    class count for none. The classes of made pictures are those of the batch, and z is drawn from
    N(0, 1).

    It translates nothing: ``make`` and ``draw`` make pictures of codes. There is a route for all
    classes together, and one for each of them alone, which is scored where that is asked for.
    """

    pairings = ("labelled",)
    translates = False
    conditions_on_pictures = False

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gan_loss: GANLoss,
        domains: Sequence[str],
        lambda_class: float = 1.0,
        per_class: bool = False,
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the objective ready-made.

        Args:
            generator: Takes codes and labels; with ``n_labels`` 0 codes alone.
            discriminator: Sees label planes as its condition, or tells the label, or does neither.
            gan_loss: See ``i2i.losses.gan``.
            domains: Names of the classes by number.
            lambda_class: Weight of the class terms of a D with a head, 0 or more.
            per_class: Whether validation and test score each class by itself, too.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: A weight is out of range, or networks, objective or classes do not fit.
        """
        super().__init__(**shared)
        require_weights(lambda_class=lambda_class)
        require_game(gan_loss)
        require_separate_samples(gan_loss, discriminator)
        require_codes(generator)
        require_labels(generator, discriminator, len(domains))
        self.domains, self.lambda_class = require_domains(domains), lambda_class
        self.generator, self.discriminator = generator, discriminator
        self.gan_loss, self.conditional = gan_loss, generator.n_labels > 0
        self.players = (
            Player("d", ("discriminator",), *self.of_d), Player("g", ("generator",), *self.of_g),
        )  # fmt: skip
        self.routes = require_domains((ROUTE, *self.domains)) if self.conditional else (ROUTE,)
        self.evaluates = self.routes if per_class else (ROUTE,)
        self.keep_average()

    def judge(self, x: Tensor, y: Tensor) -> None:
        label = torch.zeros(len(y), dtype=torch.long, device=y.device)
        self.discriminator(self.planes(label, y), y)
        made = self.generator(y.new_zeros(len(y), self.generator.latent), self.told(label))
        if made.shape != y.shape:
            raise setting_error(
                "generator", f"pictures of shape {tuple(made.shape[1:])}",
                f"{tuple(y.shape[1:])}, as the data have", "Leave generator.image_size and "
                "generator.out_channels to the data set.",
            )  # fmt: skip

    def told(self, label: Tensor) -> Tensor | None:
        """What G is told of the classes: (B, n) floats, or nothing."""
        return one_hot(label, len(self.domains)) if self.conditional else None

    def planes(self, label: Tensor, like: Tensor) -> Tensor:
        """Labels as planes of one value, (B, n, H, W): the condition that D is shown."""
        label = one_hot(label, len(self.domains)).to(like)
        return label[:, :, None, None].expand(-1, -1, *like.shape[-2:])

    def generate(self, batch: Batch) -> Made:
        z = torch.randn(size(batch), self.generator.latent, device=batch["label"].device)
        label = self.told(batch["label"])
        return {"y_hat": self.run(self.generator, z, *([] if label is None else [label]))}

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        y, label, y_hat = batch["input"], batch["label"], made["y_hat"]
        return self.d_terms(y, label, y_hat) if player == "d" else self.g_terms(label, y_hat)

    def d_terms(self, y: Tensor, label: Tensor, y_hat: Tensor) -> Terms:
        """D tells real pictures of a class from made ones, and with a head what class they are."""
        c = self.planes(label, y)
        real, fake = self.run(self.discriminator, c, y), self.run(self.discriminator, c, y_hat)
        terms = self.gan_loss.discriminator(real.logits, fake.logits)
        terms |= self.gan_loss.penalty(lambda i: self.discriminator(c, i).logits, y, y_hat)
        if real.classes is not None:
            told = class_loss(real.classes, label)
            told = told + class_loss(fake.classes, label) if self.conditional else told
            terms["class"] = self.lambda_class * told
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def g_terms(self, label: Tensor, y_hat: Tensor) -> Terms:
        """G is to convince, and to be told as the class that was asked for."""
        fake = self.run(self.discriminator, self.planes(label, y_hat), y_hat)
        terms = {"gan": self.gan_loss.generator(fake.logits)}
        if fake.classes is not None and self.conditional:
            terms["class"] = self.lambda_class * class_loss(fake.classes, label)
        return terms

    # ---- what is made of nothing ----

    def translator(self, route: str | None = None) -> Translator:
        raise setting_error(
            "checkpoint", "a class-conditional GAN, which makes pictures of nothing",
            "a system that translates pictures",
            "Make pictures with src/sample.py checkpoint=RUN_DIR class=NAME output=FOLDER.",
        )  # fmt: skip

    def translators(self) -> dict[str, Translator]:
        return {}

    def shown(self, batch: Batch) -> dict[str, Shown]:
        of = one_hot(batch["label"], len(self.domains)) > 0  # (B, n)
        every = torch.ones_like(of[:, 0])
        chosen = {r: every if r == ROUTE else of[:, self.domains.index(r)] for r in self.evaluates}
        return {route: self.shown_of(batch, which) for route, which in chosen.items()}

    def shown_of(self, batch: Batch, which: Tensor) -> Shown:
        """What is to be made and compared for some samples of a batch, (B,) bool."""
        index, y = batch["index"][which], batch["input"][which]
        names = [name for name, there in zip(batch["name"], which.tolist(), strict=True) if there]
        label = batch["label"][which] if self.conditional else None
        known = {"y_index": index, "true": False, "label": label}
        return Shown(index, names, None, y, self.task, **known)

    def pictures_of(self, labels: Tensor, answers: bool) -> dict[str, tuple[int, int]]:
        of = one_hot(labels, len(self.domains)).sum(0).int().tolist()
        counts = [len(labels), *(of if self.conditional else ())]
        return {route: (n, n) for route, n in zip(self.routes, counts, strict=True)}

    def make(self, route: str, shown: Shown) -> Tensor:
        return self.draw(shown.label, shown.names)

    def draw(self, label: Tensor | None, names: Sequence[str], z: Tensor | None = None) -> Tensor:
        """Pictures as at test time.

        Args:
            label: Classes, (B,), or attributes, (B, n); None for a generator that is told none.
            names: One a picture; its code is drawn from (seed, name) alone.
            z: Codes, (B, latent), in place of those that are drawn.

        Returns:
            (B, C, H, W) float32 in [-1, 1].
        """
        net = self.evaluated
        z = codes(net.latent, self.seed, names) if z is None else z
        inputs = [z.to(self.device), *([] if label is None else [self.told(label.to(self.device))])]
        return in_mode(net, net, inputs, names, self.inference, self.seed)


def require_codes(generator: nn.Module) -> None:
    """Refuses a generator that wants a picture.

    Raises:
        SettingError: It does.
    """
    if not hasattr(generator, "n_labels"):
        raise setting_error(
            "generator", f"{type(generator).__name__}, which makes pictures of pictures",
            "one that makes them of codes and classes", "Use generator=class_conditional.",
        )  # fmt: skip


def require_labels(generator: nn.Module, discriminator: nn.Module, n: int) -> None:
    """Refuses networks of which one is told the classes and the other not, or other ones.

    Raises:
        SettingError: They are such.
    """
    if generator.n_labels not in (0, n):
        raise setting_error(
            f"generator.n_labels={generator.n_labels}", f"{n} classes in the data",
            f"{n}, or 0 for a generator that is told none", "Leave generator.n_labels out.",
        )  # fmt: skip
    if generator.n_labels == 0 and discriminator.conditional:
        raise setting_error(
            "generator.n_labels=0", "a discriminator that is shown the classes",
            "both networks with them or without", "Add discriminator.conditional=false.",
        )  # fmt: skip
