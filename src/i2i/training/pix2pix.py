"""pix2pix: a conditional GAN with an L1 term (Isola et al. 2017)."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from i2i.blocks import has_batch_norm
from i2i.data.paired_dataset import PairBatch
from i2i.errors import setting_error
from i2i.losses.gan import GANLoss
from i2i.training.adversarial import AdversarialModule, Terms


class Pix2Pix(AdversarialModule):
    """G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G) (Isola et al. 2017, Eq. 4)."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gan_loss: GANLoss,
        lambda_l1: float = 100.0,
        discriminator_weight: float = 0.5,  # slows D down relative to G (Sec. 3.3)
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the objective ready-made.

        Args:
            generator: See ``i2i.generators``.
            discriminator: See ``i2i.discriminators``.
            gan_loss: See ``i2i.losses.gan``.
            lambda_l1: Weight of the L1 term.
            discriminator_weight: Factor on all of D's terms.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: The objective needs independent samples and D has batch norm.
        """
        super().__init__(**shared)
        if gan_loss.samples_must_be_independent and has_batch_norm(discriminator):
            raise setting_error(
                "discriminator.norm=batch", f"batch norm under {type(gan_loss).__name__}",
                "a norm that keeps samples apart: layer, instance or none",
                "Batch norm mixes the samples, and the gradient penalty is defined for each one "
                "(Gulrajani et al. 2017, Sec. 4). Add discriminator.norm=layer.",
            )  # fmt: skip
        self.generator, self.discriminator, self.gan_loss = generator, discriminator, gan_loss
        self.lambda_l1, self.discriminator_weight = lambda_l1, discriminator_weight
        self.keep_average()

    def generate(self, batch: PairBatch) -> Tensor:
        return self.generator(batch["input"])

    def discriminator_terms(self, batch: PairBatch, y_hat: Tensor) -> Terms:
        x, y = batch["input"], batch["target"]
        real, fake = self.discriminator(x, y), self.discriminator(x, y_hat)
        terms = self.gan_loss.discriminator(real.logits, fake.logits)
        terms |= self.gan_loss.penalty(
            lambda image: self.discriminator(x.float(), image).logits, y, y_hat
        )
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def generator_terms(self, batch: PairBatch, y_hat: Tensor) -> Terms:
        fake = self.discriminator(batch["input"], y_hat)
        return {
            "gan": self.gan_loss.generator(fake.logits),
            "l1": self.lambda_l1 * F.l1_loss(y_hat.float(), batch["target"]),
        }
