"""pix2pix: a conditional GAN with reconstruction terms, L1 in the paper (Isola et al. 2017)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from i2i.data.batches import Batch
from i2i.errors import setting_error
from i2i.inference.translate import eval_mode
from i2i.inference.translator import Translator
from i2i.losses.gan import GANLoss, require_separate_samples
from i2i.losses.reconstruction import L1, FeatureLoss, ReconstructionLoss
from i2i.losses.weights import require_weights
from i2i.messages import warn
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player


class Pix2Pix(AdversarialModule):
    """G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G) (Isola et al. 2017, Eq. 4).

    Beside L1, or instead of it, G can have any number of reconstruction terms. They are plain
    objects: what they hold is no part of the checkpoint.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gan_loss: GANLoss,
        reconstruction: Mapping[str, ReconstructionLoss | None] | None = None,
        lambda_l1: float = 100.0,
        sum_scales: bool = False,  # G's and D's GAN terms are the scales' sum instead of their mean
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the losses ready-made.

        Args:
            generator: See ``i2i.generators``.
            discriminator: See ``i2i.discriminators``.
            gan_loss: See ``i2i.losses.gan``.
            reconstruction: Terms of G by name; None takes L1 alone. A term of weight 0, or None
                instead of a term, is left out.
            lambda_l1: Weight of the term named l1; every other term brings its own.
            sum_scales: Multiplies what ``gan_loss`` makes of the logits by the number of scales of
                D, as the code of pix2pixHD does; penalties stay those of the mean.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: The losses do not go with D, or leave G or D nothing to learn from.
        """
        super().__init__(**shared)
        require_separate_samples(gan_loss, discriminator)
        require_weights(lambda_l1=lambda_l1)
        self.generator, self.discriminator, self.gan_loss = generator, discriminator, gan_loss
        self.lambda_l1, self.sum_scales = lambda_l1, sum_scales
        terms = {"l1": L1()} if reconstruction is None else dict(reconstruction.items())
        require_one_meaning(terms)
        self.reconstruction = {n: t for n, t in terms.items() if t and self.weight(n, t) > 0}
        features = {n: t for n, t in self.reconstruction.items() if isinstance(t, FeatureLoss)}
        self.feature_losses: dict[str, FeatureLoss] = features
        learns_alone = any(loss.learns_alone for loss in features.values())
        learns = gan_loss.adversarial or learns_alone
        require_something_to_learn(learns, self.reconstruction, features)
        self.d_player = Player("d", ("discriminator",), *self.of_d, learns)
        self.players = (self.d_player, Player("g", ("generator",), *self.of_g))
        self.routes = (self.direction,)
        self.keep_average()

    def weight(self, name: str, loss: ReconstructionLoss) -> float:
        """Factor on a reconstruction term; that of l1 is the paper's lambda."""
        return self.lambda_l1 if name == "l1" else loss.weight

    def scales_factor(self, logits: list[Tensor]) -> int:
        """What turns a mean over D's scales into what ``sum_scales`` asks for."""
        return len(logits) if self.sum_scales else 1

    def on_fit_start(self) -> None:
        """Loads the frozen networks of the reconstruction terms."""
        super().on_fit_start()
        for loss in self.reconstruction.values():
            loss.prepare(self.device)

    def write(self, values: Mapping[str, float]) -> None:
        super().write(values)
        for loss in self.feature_losses.values():
            own = values.get(f"train/d/{loss.preset}")  # a number already: nothing waits for it
            if own is not None:
                loss.logged(own)

    def on_train_epoch_end(self) -> None:
        super().on_train_epoch_end()
        for loss in self.feature_losses.values():
            if warning := loss.end_epoch():
                warn(warning)

    @torch.no_grad()
    def rehearse(self, x: Tensor, y: Tensor) -> None:
        """Computes the terms that make demands once, and changes nothing.

        Weights that cannot be had and pictures or a discriminator that a term cannot work on are
        so refused before any file of the data is read.

        Args:
            x: An input of the size to train on, (1, C_in, H, W), any values.
            y: A target, (1, C_out, H, W).

        Raises:
            SettingError: A term refuses.
        """
        for name, loss in self.reconstruction.items():
            if not loss.has_demands:
                continue
            loss.prepare(self.device)
            if name in self.feature_losses:
                with eval_mode(self.discriminator):  # no running statistic moves
                    maps = self.discriminator(x, y).features
                loss(maps, maps)
            else:
                loss(y, y)

    def judge(self, x: Tensor, y: Tensor) -> None:
        self.discriminator(x, y)

    def generate(self, batch: Batch) -> Made:
        return {"y_hat": self.run(self.generator, batch["input"])}

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        x, y, y_hat = batch["input"], batch["target"], made["y_hat"]
        return self.d_terms(x, y, y_hat) if player == "d" else self.g_terms(x, y, y_hat)

    def d_terms(self, x: Tensor, y: Tensor, y_hat: Tensor) -> Terms:
        """D tells pairs with the target from pairs with what G made."""
        real, fake = self.run(self.discriminator, x, y), self.run(self.discriminator, x, y_hat)
        terms = self.gan_loss.discriminator(real.logits, fake.logits)
        terms = {name: self.scales_factor(real.logits) * term for name, term in terms.items()}
        terms |= self.gan_loss.penalty(
            lambda image: self.discriminator(x.float(), image).logits, y, y_hat
        )
        for loss in self.feature_losses.values():
            own = loss.discriminator(fake.features, real.features)
            terms |= {name: loss.weight * term for name, term in own.items()}
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def g_terms(self, x: Tensor, y: Tensor, y_hat: Tensor) -> Terms:
        """G is to convince D, and to come close to the target."""
        terms: Terms = {}
        if self.d_player.learns:
            fake = self.run(self.discriminator, x, y_hat)
        if self.gan_loss.adversarial:
            value = self.gan_loss.generator(fake.logits)
            terms["gan"] = self.scales_factor(fake.logits) * value
        if self.feature_losses:
            with torch.no_grad():
                real = self.run(self.discriminator, x, y)
        for name, loss in self.reconstruction.items():
            of_features = name in self.feature_losses
            value = loss(fake.features, real.features) if of_features else loss(y_hat, y)
            terms[name] = self.weight(name, loss) * value
        return terms

    def translator(self, route: str | None = None) -> Translator:
        return Translator(self.evaluated, self.task, "input", self.inference, self.seed)


def require_one_meaning(terms: Mapping[str, ReconstructionLoss | None]) -> None:
    """Refuses a term named like the adversarial one, one that is no loss, and two weights for l1.

    Raises:
        SettingError: There is such a term, or l1 has a weight of its own.
    """
    if "gan" in terms:
        raise setting_error(
            "reconstruction.gan", "a term with the name of the adversarial one", "another name",
            "Rename it.",
        )  # fmt: skip
    for name, term in terms.items():
        if term is not None and not isinstance(term, ReconstructionLoss):
            raise setting_error(
                f"reconstruction.{name}", f"options without a loss ({term})",
                f"{name} among the terms of reconstruction=[...]",
                f"Add {name} to the list, or leave reconstruction.{name} out.",
            )  # fmt: skip
    l1 = terms.get("l1")
    if l1 is not None and l1.weight != 1:
        raise setting_error(
            f"reconstruction.l1.weight={l1.weight}", "a second weight beside model.lambda_l1",
            "1.0, which changes nothing", f"Use model.lambda_l1={l1.weight} instead.",
        )  # fmt: skip


def require_something_to_learn(
    discriminator_learns: bool,
    reconstruction: Mapping[str, ReconstructionLoss],
    features: Mapping[str, FeatureLoss],
) -> None:
    """Refuses terms that would leave G without a loss, or compare features that never learn.

    Args:
        discriminator_learns: Whether D has terms.
        reconstruction: G's terms of positive weight.
        features: Those among them that compare D's features.

    Raises:
        SettingError: D learns nothing, and G has no term, or one on D's features.
    """
    if discriminator_learns:
        return
    if features:
        name = next(iter(features))
        raise setting_error(
            "gan_loss=none", f"reconstruction.{name}, which compares features of a discriminator "
            "that never learns", "an objective that trains it",
            f"Add gan_loss=vanilla, or leave {name} out of reconstruction.",
        )  # fmt: skip
    if not reconstruction:
        raise setting_error(
            "gan_loss=none", "no reconstruction term of positive weight either",
            "something for the generator to learn from",
            "Add gan_loss=vanilla, or a term: reconstruction=[l1] model.lambda_l1=100, say.",
        )  # fmt: skip
