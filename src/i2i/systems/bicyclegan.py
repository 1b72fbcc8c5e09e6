"""BicycleGAN: many outputs for one input, chosen by a code (Zhu et al. 2017b)."""

from typing import Any

import torch
from torch import Tensor, nn

from i2i.blocks import with_code
from i2i.data.batches import Batch, size, take
from i2i.errors import setting_error
from i2i.inference.translator import Translator
from i2i.losses.gan import GANLoss, require_separate_samples
from i2i.losses.reconstruction import L1
from i2i.losses.weights import require_weights
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player, frozen


class BicycleGAN(AdversarialModule):
    """G(x, z) with a code z, and an encoder E that says which codes an image may come from.

    "Toward multimodal image-to-image translation", Sec. 3.4: two cycles at once. In
    y -> z -> y_hat, a conditional VAE-GAN (Sec. 3.2), z is drawn from what E says of y, and G(x, z)
    is to be y. In z -> y_hat -> z, a conditional latent regressor (Sec. 3.3), z is drawn from
    N(0, 1), and E is to find it again in G(x, z): a term from which G learns and E does not. Each
    cycle has a discriminator of its own.

    One half of a batch goes through the one cycle and the other half through the other. As in the
    released code, G and E are updated first, together, then both discriminators, and objectives are
    summed over the scales of a discriminator.
    """

    def __init__(
        self,
        generator: nn.Module,
        encoder: nn.Module,
        discriminator: nn.Module,
        discriminator_drawn: nn.Module,
        gan_loss: GANLoss,
        lambda_l1: float = 10.0,  # weight of L1 between the image and that of its own code
        lambda_kl: float = 0.01,  # of the distance of E's distribution from N(0, 1)
        lambda_latent: float = 0.5,  # of L1 between a drawn code and what E finds again
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the objective ready-made.

        Args:
            generator: G; given x and z where it has an attribute ``latent``, and else x with the
                numbers of z as further channels.
            encoder: E; see ``i2i.encoders``. Its ``latent`` is the length of a code.
            discriminator: That of images of encoded codes.
            discriminator_drawn: That of images of drawn codes.
            gan_loss: See ``i2i.losses.gan``; least squares in the paper.
            lambda_l1: A weight, 0 or more; so are the others.
            lambda_kl: Likewise.
            lambda_latent: Likewise.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: A weight is out of range, or the networks or the objective do not fit.
        """
        super().__init__(**shared)
        require_weights(lambda_l1=lambda_l1, lambda_kl=lambda_kl, lambda_latent=lambda_latent)
        require_two_games(gan_loss)
        for network in (discriminator, discriminator_drawn):
            require_separate_samples(gan_loss, network)
        self.generator, self.encoder, self.gan_loss = generator, encoder, gan_loss
        self.discriminator = nn.ModuleDict({"encoded": discriminator, "drawn": discriminator_drawn})
        self.lambda_l1, self.lambda_kl, self.lambda_latent = lambda_l1, lambda_kl, lambda_latent
        self.l1 = L1()
        self.players = (
            Player("g", ("generator", "encoder"), *self.of_g),
            Player("d", ("discriminator",), *self.of_d),
        )
        self.routes = (self.direction,)
        self.keep_average()

    def judge(self, x: Tensor, y: Tensor) -> None:
        for network in self.discriminator.values():
            network(x, y)
        self.encoder(y)

    def generate(self, batch: Batch) -> Made:
        encoded, drawn = halves(batch)
        mean, log_variance = self.run(self.encoder, encoded["target"])
        z_encoded = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        z_drawn = torch.randn_like(mean)
        x, z = torch.cat([encoded["input"], drawn["input"]]), torch.cat([z_encoded, z_drawn])
        y_encoded, y_drawn = self.run(self.generator, *with_code(self.generator, x, z)).chunk(2)
        made = {"encoded": y_encoded, "drawn": y_drawn, "z": z_drawn}
        return made | {"mean": mean, "log_variance": log_variance}

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        parts = dict(zip(("encoded", "drawn"), halves(batch), strict=True))
        if player == "g":
            return self.g_terms(parts, made)
        return {
            f"{name}_{way}": self.discriminator_weight * term
            for way, part in parts.items()
            for name, term in self.d_terms(way, part, made[way]).items()
        }

    def g_terms(self, parts: dict[str, Batch], made: Made) -> Terms:
        """G is to convince both, to come close, and to let its code be seen; E is to tell it."""
        terms = {}
        for way, part in parts.items():
            logits = self.run(self.discriminator[way], part["input"], made[way]).logits
            terms[f"gan_{way}"] = len(logits) * self.gan_loss.generator(logits)
        terms["l1"] = self.lambda_l1 * self.l1(made["encoded"], parts["encoded"]["target"])
        terms["kl"] = self.lambda_kl * divergence(made["mean"], made["log_variance"])
        if self.lambda_latent > 0:
            with frozen([p for p in self.encoder.parameters() if p.requires_grad]):
                found, _ = self.run(self.encoder, made["drawn"])
            terms["latent"] = self.lambda_latent * (found - made["z"]).abs().mean()
        return terms

    def d_terms(self, way: str, part: Batch, y_hat: Tensor) -> Terms:
        """One discriminator tells real images from those of one kind of codes."""
        judge, x, y = self.discriminator[way], part["input"], part["target"]
        real, fake = self.run(judge, x, y).logits, self.run(judge, x, y_hat).logits
        terms = self.gan_loss.discriminator(real, fake)
        terms = {name: len(real) * term for name, term in terms.items()}
        return terms | self.gan_loss.penalty(lambda image: judge(x.float(), image).logits, y, y_hat)

    def translator(self, route: str | None = None) -> Translator:
        network = self.evaluated
        return Translator(
            network, self.task, "input", self.inference, self.seed, latent=self.encoder.latent
        )  # fmt: skip


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """The samples whose code is encoded, and as many whose code is drawn.

    They are different ones, but for the middle one of an odd number, which goes both ways.
    """
    middle = -(-size(batch) // 2)
    return take(batch, slice(0, middle)), take(batch, slice(size(batch) - middle, None))


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)), summed over a code, as a mean over samples (Sec. 3.2).

    Args:
        mean: (B, n).
        log_variance: (B, n).

    Returns:
        A scalar, 0 or more.
    """
    numbers = (mean.square() + log_variance.exp() - 1 - log_variance) / 2
    return numbers.sum(1).mean()


def require_two_games(gan_loss: GANLoss) -> None:
    """Refuses to train without discriminators: what G makes of a drawn code has no other judge.

    Raises:
        SettingError: There is no adversarial objective.
    """
    if not gan_loss.adversarial:
        raise setting_error(
            "gan_loss=none", "no adversarial objective",
            "one that judges the images of drawn codes, which have no target",
            "Use gan_loss=lsgan, or model=pix2pix for a generator that learns from pairs alone.",
        )  # fmt: skip
