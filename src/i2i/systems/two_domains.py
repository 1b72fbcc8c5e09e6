"""What systems with two generators and two discriminators share: two domains, and no pairs."""

from typing import Any

from torch import Tensor, nn

from i2i.data.batches import Batch
from i2i.data.reading.pair_reader import OTHER_WAY
from i2i.inference.translator import Translator
from i2i.losses.gan import (
    GANLoss,
    require_game,
    require_separate_samples,
    require_unconditional,
)
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player


class TwoDomains(AdversarialModule):
    """G: X -> Y and F: Y -> X, each against a discriminator that sees single images.

    X is the side ``input`` of the data, Y its ``target``. Both generators are one player, both
    discriminators the other. Whatever is there twice is called ``there`` (G, D_Y, and what G made)
    and ``back`` (F, D_X). A system adds ``g_terms``.
    """

    pairings = ("unpaired",)

    def __init__(
        self,
        generator: nn.Module,
        generator_back: nn.Module,
        discriminator: nn.Module,
        discriminator_back: nn.Module,
        gan_loss: GANLoss,
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the objective ready-made.

        Args:
            generator: G, X -> Y.
            generator_back: F, Y -> X.
            discriminator: D_Y, which does not see what an image was made from.
            discriminator_back: D_X, likewise.
            gan_loss: See ``i2i.losses.gan``.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: The networks or the objective do not fit.
        """
        super().__init__(**shared)
        require_game(gan_loss)
        for network in (discriminator, discriminator_back):
            require_separate_samples(gan_loss, network)
            require_unconditional(network)
        self.generator = nn.ModuleDict({"there": generator, "back": generator_back})
        self.discriminator = nn.ModuleDict({"there": discriminator, "back": discriminator_back})
        self.gan_loss = gan_loss
        self.players = (
            Player("g", ("generator",), *self.of_g), Player("d", ("discriminator",), *self.of_d),
        )  # fmt: skip
        there, back = self.direction, OTHER_WAY[self.direction]
        self.routes, self.ways_back = (there, back), {there: back, back: there}
        self.keep_average()

    def g_terms(self, x: Tensor, y: Tensor, fake_y: Tensor, fake_x: Tensor) -> Terms:
        """What both generators minimise.

        Args:
            x: (B, C_x, H, W).
            y: (B, C_y, H, W), of other places than x.
            fake_y: G(x), with its graph.
            fake_x: F(y), likewise.
        """
        raise NotImplementedError

    def judge(self, x: Tensor, y: Tensor) -> None:
        self.discriminator["there"](x, y)
        self.discriminator["back"](y, x)

    def generate(self, batch: Batch) -> Made:
        return {
            "there": self.run(self.generator["there"], batch["input"]),
            "back": self.run(self.generator["back"], batch["target"]),
        }

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        x, y = batch["input"], batch["target"]
        if player == "g":
            return self.g_terms(x, y, made["there"], made["back"])
        return self.d_terms("there", y, made["there"]) | self.d_terms("back", x, made["back"])

    def d_terms(self, way: str, real: Tensor, fake: Tensor) -> Terms:
        """One discriminator tells real images from made ones."""
        judge = self.discriminator[way]
        on_real, on_fake = self.run(judge, real, real), self.run(judge, fake, fake)
        terms = self.gan_loss.discriminator(on_real.logits, on_fake.logits)
        terms |= self.gan_loss.penalty(lambda image: judge(image, image).logits, real, fake)
        return {f"{name}_{way}": self.discriminator_weight * term for name, term in terms.items()}

    def translator(self, route: str | None = None) -> Translator:
        if route in (None, self.direction):
            there = self.evaluated["there"]
            return Translator(there, self.task, "input", self.inference, self.seed)
        task, back = self.task.reversed(), self.evaluated["back"]
        return Translator(
            back, task, "target", self.inference, self.seed, node="generator_back"
        )  # fmt: skip
