"""DiscoGAN: relations between two domains without pairs (Kim et al. 2017)."""

from typing import Any

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.inference.translate import eval_mode
from i2i.losses.feature_matching import difference_of_means
from i2i.losses.reconstruction import L2
from i2i.losses.weights import require_weights
from i2i.systems.two_domains import TwoDomains
from i2i.training.adversarial import Terms
from i2i.training.rounds import Rounds


class DiscoGAN(TwoDomains):
    """G: X -> Y and F: Y -> X, each against a discriminator, with a squared way there and back.

    G's and F's loss is the sum of L_GAN(G, D_Y) + L_const(x) and of the same the other way (Kim et
    al. 2017, Eq. 3 to 7), L_const being the mean square of F(G(x)) - x over pixels in [-1, 1]. As
    in the code of the paper, each way has

        (1 - r) (lambda_gan L_GAN + lambda_features L_features) + r L_const,

    with the difference of D's mean features (``difference_of_means``), and r is small at first. A
    batch updates either the discriminators or the generators. Batches are what the code counts as
    iterations: r changes after ``first_batches`` of either kind, and D has every third one.
    """

    def __init__(
        self,
        *networks: Any,  # see TwoDomains; the paper's objective is cross entropy
        lambda_gan: float = 0.1,  # weight of the adversarial terms
        lambda_features: float = 0.9,  # of the differences of D's mean features
        first_rate: float = 0.01,  # r for the first batches, 0 to 1
        first_batches: int = 10000,  # how many these are
        rate: float = 0.5,  # r from then on, 0 to 1
        g_updates: int = 2,  # batches for G alone after ``n_critic`` ones for D alone, 1 or more
        **shared: Any,
    ):
        """Takes the networks and the objective ready-made.

        Args:
            networks: Both generators, both discriminators and the objective; see ``TwoDomains``.
            lambda_gan: 0 or more.
            lambda_features: 0 or more; 0 leaves them out.
            first_rate: A share.
            first_batches: Batches, 0 or more.
            rate: A share.
            g_updates: Batches.
            shared: The same by name, and what every adversarial system has.

        Raises:
            SettingError: A number is out of range, or the networks or the objective do not fit.
        """
        super().__init__(*networks, **shared)
        require_weights(lambda_gan=lambda_gan, lambda_features=lambda_features)
        require_shares(first_rate=first_rate, rate=rate)
        require_counts(first_batches=(first_batches, 0), g_updates=(g_updates, 1))
        self.lambda_gan, self.lambda_features, self.l2 = lambda_gan, lambda_features, L2()
        self.first_rate, self.first_batches, self.rate = first_rate, first_batches, rate
        self.g_updates = int(g_updates)

    @property
    def rounds(self) -> Rounds:
        """D alone on ``n_critic`` batches, then G alone on ``g_updates``."""
        return (("d",),) * self.n_critic + (("g",),) * self.g_updates

    @torch.no_grad()
    def rehearse(self, x: Tensor, y: Tensor) -> None:
        """Compares features once, so that a discriminator without any is refused at the start."""
        if self.lambda_features > 0:
            for judge, image in ((self.discriminator["there"], y), (self.discriminator["back"], x)):
                with eval_mode(judge):  # no running statistic moves
                    features = judge(image, image).features
                difference_of_means(features, features)

    def g_terms(self, x: Tensor, y: Tensor, fake_y: Tensor, fake_x: Tensor) -> Terms:
        there, back = self.generator["there"], self.generator["back"]
        r = self.first_rate if self.batches_seen < self.first_batches else self.rate
        terms = self.convincing("there", y, fake_y) | self.convincing("back", x, fake_x)
        terms = {name: (1 - r) * term for name, term in terms.items()}
        terms["cycle_there"] = r * self.l2(self.run(back, fake_y), x)
        terms["cycle_back"] = r * self.l2(self.run(there, fake_x), y)
        return terms

    def convincing(self, way: str, real: Tensor, fake: Tensor) -> Terms:
        """What a discriminator makes of one generator's images, and of their mean features."""
        judge = self.discriminator[way]
        on_fake = self.run(judge, fake, fake)
        terms = {f"gan_{way}": self.lambda_gan * self.gan_loss.generator(on_fake.logits)}
        if self.lambda_features > 0:
            with torch.no_grad():
                on_real = self.run(judge, real, real)
            value = difference_of_means(on_fake.features, on_real.features)
            terms[f"features_{way}"] = self.lambda_features * value
        return terms


def require_shares(**shares: float) -> None:
    """Refuses rates that are no share of a loss.

    Raises:
        SettingError: One is below 0 or above 1.
    """
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise setting_error(
                f"model.{name}={value}", "that share of the cycle in G's loss", "0 to 1",
                f"Leave model.{name} out for its default.",
            )  # fmt: skip


def require_counts(**counts: tuple[float, int]) -> None:
    """Refuses numbers of batches that are none.

    Args:
        counts: Each number, and the least that it may be.

    Raises:
        SettingError: One is less, or no whole number.
    """
    for name, (value, least) in counts.items():
        if value < least or value % 1:
            raise setting_error(
                f"model.{name}={value}", "that number of batches",
                f"a whole number, {least} or more", f"Leave model.{name} out for its default.",
            )  # fmt: skip
