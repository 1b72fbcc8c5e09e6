"""CUT and FastCUT: one way between two domains, by contrast of patches (Park et al. 2020)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from i2i.data.batches import Batch
from i2i.errors import setting_error
from i2i.inference.translate import eval_mode
from i2i.inference.translator import Translator
from i2i.losses.gan import (
    GANLoss,
    require_game,
    require_separate_samples,
    require_unconditional,
)
from i2i.losses.patch_nce import PatchHeads, PatchNCE, draw_places, take_places
from i2i.losses.weights import require_weights
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player


class CUT(AdversarialModule):
    """G: X -> Y without pairs and without a way back.

    L = L_GAN(G, D, X, Y) + lambda_X L_PatchNCE(G, H, X) + lambda_Y L_PatchNCE(G, H, Y) (Park et al.
    2020, Eq. 4): each patch of G(x) is to resemble the patch of x at its place more than those at
    other places, in the eyes of G's own encoder and of the heads H; and so are those of G(y) and y,
    which keeps G from changes that nothing asks for. D is updated first, and then G and H together,
    on the image that was made before.

    FastCUT leaves out the second term and flips half of the inputs: G(flipped x), flipped back, is
    compared with x.
    """

    pairings = ("unpaired",)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        gan_loss: GANLoss,
        lambda_nce: float = 0.5,  # lambda_X
        lambda_identity: float = 0.5,  # lambda_Y
        flip: bool = False,  # whether G sees every second input mirrored
        taps: Sequence[str] | None = None,  # layers of G whose maps are compared; None: its own
        n_patches: int = 256,  # places of each map, of one image
        temperature: float = 0.07,  # tau
        head_width: int = 256,  # of the heads' layers
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the networks and the objective ready-made, and makes the heads for G's layers.

        Args:
            generator: G; names its layers (see ``i2i.generators``).
            discriminator: D, which does not see what an image was made from.
            gan_loss: See ``i2i.losses.gan``; least squares in the paper.
            lambda_nce: A weight, above 0.
            lambda_identity: A weight, 0 or more; 0 saves a pass through G.
            flip: See above.
            taps: See above.
            n_patches: 2 or more.
            temperature: Above 0.
            head_width: 1 or more.
            shared: What every adversarial system has; see ``AdversarialModule``.

        Raises:
            SettingError: An option is out of range, or the networks or the objective do not fit.
        """
        super().__init__(**shared)
        require_weights(lambda_nce=lambda_nce, lambda_identity=lambda_identity)
        require_contrast(lambda_nce, n_patches, head_width)
        require_game(gan_loss)
        require_separate_samples(gan_loss, discriminator)
        require_unconditional(discriminator)
        self.taps = layers_of(generator, taps)
        self.generator, self.discriminator, self.gan_loss = generator, discriminator, gan_loss
        self.heads = PatchHeads([generator.layer_channels[tap] for tap in self.taps], head_width)
        self.patch_nce, self.n_patches, self.flip = PatchNCE(temperature), n_patches, flip
        self.lambda_nce, self.lambda_identity = lambda_nce, lambda_identity
        self.players = (
            Player("d", ("discriminator",), *self.of_d),
            Player("g", ("generator", "heads"), *self.of_g),
        )
        self.routes = (self.direction,)
        self.keep_average()

    def judge(self, x: Tensor, y: Tensor) -> None:
        self.discriminator(x, y)

    @torch.no_grad()
    def rehearse(self, x: Tensor, y: Tensor) -> None:
        if x.shape[1] != y.shape[1]:
            raise setting_error(
                "model=cut", f"{x.shape[1]} channels in one domain and {y.shape[1]} in the other",
                "as many in both: the generator's encoder also sees what it made",
                "Use model=cyclegan, or another data set.",
            )  # fmt: skip
        with eval_mode(self.generator):  # no running statistic moves
            maps = self.generator(x, taps=self.taps)
        for tap, found in zip(self.taps, maps, strict=True):
            if found[0, 0].numel() < 2:
                raise setting_error(
                    f"model.taps=[{','.join(self.taps)}]", f"a single place in the maps of {tap}",
                    "two or more, to be told from each other",
                    f"Leave {tap} out, or use larger images.",
                )  # fmt: skip

    def generate(self, batch: Batch) -> Made:
        x = batch["input"]
        mirrored = torch.rand(()) < 0.5 if self.flip else torch.tensor(False)  # on the CPU
        return {"y_hat": self.run(self.generator, flipped(x, mirrored)), "mirrored": mirrored}

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        x, y = batch["input"], batch["target"]
        return self.d_terms(y, made["y_hat"]) if player == "d" else self.g_terms(x, y, **made)

    def d_terms(self, y: Tensor, y_hat: Tensor) -> Terms:
        """D tells images of the domain from made ones."""
        judge = self.discriminator
        real, fake = self.run(judge, y, y).logits, self.run(judge, y_hat, y_hat).logits
        terms = self.gan_loss.discriminator(real, fake)
        terms |= self.gan_loss.penalty(lambda image: judge(image, image).logits, y, y_hat)
        return {name: self.discriminator_weight * term for name, term in terms.items()}

    def g_terms(self, x: Tensor, y: Tensor, y_hat: Tensor, mirrored: Tensor) -> Terms:
        """G is to convince D, and to keep what is where."""
        fake = self.run(self.discriminator, y_hat, y_hat).logits
        terms = {
            "gan": self.gan_loss.generator(fake),
            "nce": self.lambda_nce * self.contrast(x, y_hat, mirrored),
        }
        if self.lambda_identity > 0:
            same = self.contrast(y, self.run(self.generator, y))
            terms["nce_identity"] = self.lambda_identity * same
        return terms

    def contrast(self, x: Tensor, y_hat: Tensor, mirrored: Tensor | bool = False) -> Tensor:
        """L_PatchNCE of an image and what was made of it, or of its mirror image (Eq. 3)."""
        with torch.no_grad():  # the keys
            maps = self.run(self.generator, x, taps=self.taps)
            places = draw_places(maps, self.n_patches)
            keys = self.run(self.heads, *take_places(maps, places))
        maps = self.run(self.generator, y_hat, taps=self.taps)
        maps = [flipped(found, mirrored) for found in maps]
        return self.patch_nce(self.run(self.heads, *take_places(maps, places)), keys)

    def translator(self, route: str | None = None) -> Translator:
        return Translator(self.evaluated, self.task, "input", self.inference, self.seed)


def flipped(image: Tensor, mirrored: Tensor | bool) -> Tensor:
    """(B, C, H, W) with left and right exchanged, where that was drawn."""
    return image.flip(3) if mirrored else image


def layers_of(generator: nn.Module, taps: Sequence[str] | None) -> tuple[str, ...]:
    """The layers of a generator that are asked for, or its own choice.

    Raises:
        SettingError: It names no layers, or not these.
    """
    known = getattr(generator, "layer_channels", None)
    if not known:
        raise setting_error(
            "generator", f"{type(generator).__name__}, which names no layers whose maps could be "
            "compared", "one with `layer_channels` and `taps` (see src/i2i/generators/__init__.py)",
            "Use generator=resnet9_blur, or any other but spade, stargan and class_conditional.",
        )  # fmt: skip
    asked = list(generator.taps if taps is None else taps)
    if not asked or any(tap not in list(known) for tap in asked) or len(set(asked)) < len(asked):
        raise setting_error(
            f"model.taps={asked}", "that choice",
            f"one or more of {', '.join(known)}, each once",
            f"Leave model.taps out for [{','.join(generator.taps)}].",
        )  # fmt: skip
    return tuple(asked)


def require_contrast(lambda_nce: float, n_patches: int, head_width: int) -> None:
    """Refuses options that leave nothing to tell apart.

    Raises:
        SettingError: There is one.
    """
    if lambda_nce == 0:
        raise setting_error(
            "model.lambda_nce=0", "nothing that ties an output to its input", "a weight above 0",
            "Leave it out; 0.5 is CUT's and 10 FastCUT's.",
        )  # fmt: skip
    for name, value, least in (("n_patches", n_patches, 2), ("head_width", head_width, 1)):
        if value < least:
            raise setting_error(
                f"model.{name}={value}", str(value), f"at least {least}",
                f"Leave it out; the paper has model.{name}=256.",
            )  # fmt: skip
