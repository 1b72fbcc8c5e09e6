"""CycleGAN: two domains without pairs, and a way back from each (Zhu et al. 2017)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from i2i.errors import setting_error
from i2i.losses.reconstruction import L1
from i2i.losses.weights import require_weights
from i2i.systems.two_domains import TwoDomains
from i2i.training.adversarial import Terms
from i2i.training.image_pool import ImagePool


class CycleGAN(TwoDomains):
    """G: X -> Y and F: Y -> X, each against a discriminator, and F(G(x)) = x, G(F(y)) = y.

    L(G, F, D_X, D_Y) = L_GAN(G, D_Y) + L_GAN(F, D_X) + lambda L_cyc(G, F) (Zhu et al. 2017, Eq. 3),
    and the identity terms of Sec. 5.2: G(y) = y, F(x) = x. Both generators are one player, both
    discriminators the other (as in the code of the paper): G and F are updated first, and then the
    discriminators, on images that were made before that update and on earlier ones out of a pool.
    """

    def __init__(
        self,
        *networks: Any,  # see TwoDomains; the paper's objective is least squares
        lambda_cycle: float = 10.0,  # weight of the cycle from X to Y and back
        lambda_cycle_back: float = 10.0,  # and of that from Y to X and back
        lambda_identity: float = 0.5,  # of the identity terms, times the weight of the same cycle
        pool_size: int = 50,  # earlier images for each discriminator; 0: only the newest
        **shared: Any,
    ):
        """Takes the networks and the objective ready-made.

        Args:
            networks: Both generators, both discriminators and the objective; see ``TwoDomains``.
            lambda_cycle: A weight, 0 or more; so are the others.
            lambda_cycle_back: Likewise.
            lambda_identity: Likewise.
            pool_size: Images.
            shared: The same by name, and what every adversarial system has.

        Raises:
            SettingError: A weight is out of range, or the networks or the objective do not fit.
        """
        super().__init__(*networks, **shared)
        require_weights(
            lambda_cycle=lambda_cycle, lambda_cycle_back=lambda_cycle_back,
            lambda_identity=lambda_identity,
        )  # fmt: skip
        self.lambda_x, self.lambda_y, self.l1 = lambda_cycle, lambda_cycle_back, L1()
        self.lambda_identity = lambda_identity
        self.pools = {way: ImagePool(pool_size) for way in ("there", "back")}

    def rehearse(self, x: Tensor, y: Tensor) -> None:
        if self.lambda_identity > 0 and x.shape != y.shape:
            raise setting_error(
                f"model.lambda_identity={self.lambda_identity}",
                f"{x.shape[1]} channels in one domain and {y.shape[1]} in the other",
                "as many in both, so that a generator can be given what it makes",
                "Add model.lambda_identity=0.",
            )  # fmt: skip

    def g_terms(self, x: Tensor, y: Tensor, fake_y: Tensor, fake_x: Tensor) -> Terms:
        """Both generators are to convince, to come back, and to leave alone what is right."""
        there, back = self.generator["there"], self.generator["back"]
        judge_y, judge_x = self.discriminator["there"], self.discriminator["back"]
        terms = {
            "gan_there": self.gan_loss.generator(self.run(judge_y, x, fake_y).logits),
            "gan_back": self.gan_loss.generator(self.run(judge_x, y, fake_x).logits),
            "cycle_there": self.lambda_x * self.l1(self.run(back, fake_y), x),
            "cycle_back": self.lambda_y * self.l1(self.run(there, fake_x), y),
        }
        if self.lambda_identity > 0:
            of_x, of_y = self.lambda_x * self.lambda_identity, self.lambda_y * self.lambda_identity
            terms["identity_there"] = of_y * self.l1(self.run(there, y), y)
            terms["identity_back"] = of_x * self.l1(self.run(back, x), x)
        return terms

    def d_terms(self, way: str, real: Tensor, fake: Tensor) -> Terms:
        """One discriminator tells real images from made ones, of now and of earlier."""
        return super().d_terms(way, real, self.pools[way].swapped(fake))

    def own_state(self) -> dict[str, Tensor]:
        return {way: pool.state() for way, pool in self.pools.items()}

    def load_own_state(self, state: Mapping[str, Tensor]) -> None:
        for way, pool in self.pools.items():
            pool.load(state.get(way), self.device)
