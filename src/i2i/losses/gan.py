"""The adversarial objectives, one class each.

Each has ``discriminator(real, fake)`` and ``generator(fake)`` over lists of logit maps (one a
scale, averaged), and ``penalty``, which is empty unless the paper has one or R1 is asked for. Two
methods instead of flags: no call can ask for a real loss on a fake image. All runs in float32.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.blocks import has_batch_norm
from i2i.errors import setting_error

Terms = dict[str, Tensor]
Critic = Callable[[Tensor], list[Tensor]]
Listener = Callable[[list[Tensor], list[Tensor]], None]  # gets the logits of real and made images


def mean_over_scales(values: list[Tensor]) -> Tensor:
    """Mean of one scalar a scale."""
    return torch.stack(values).mean()


def gradient_of_score(critic: Critic, y: Tensor) -> Tensor:
    """Gradient of each sample's score with respect to that sample, with a graph, in float32.

    The score of a sample is the mean over its patches and scales.

    Args:
        critic: Maps images (B, C, H, W) to logit maps with the condition held fixed; sample b of
            its output may depend on sample b of its input only.
        y: (B, C, H, W), float32; where the gradient is taken.

    Returns:
        (B, C * H * W).
    """
    y = y.detach().requires_grad_(True)
    with torch.autocast(y.device.type, enabled=False):
        scores = [logits.flatten(1).mean(1) for logits in critic(y)]  # each (B,)
        score = torch.stack(scores).mean(0).sum()  # a sum: sample b's gradient is its own
        (gradient,) = torch.autograd.grad(score, y, create_graph=True)
    return gradient.flatten(1)


class GANLoss:
    """What every objective shares.

    Attributes:
        adversarial: Whether G has a term; without one there is no game to play.
        samples_must_be_independent: Whether a norm that mixes the samples of a batch makes the
            discriminator's loss meaningless.
        balance: The logit of an image that may be real or made; None where only differences count.
    """

    adversarial = True
    samples_must_be_independent = False
    balance: float | None = 0.0

    def __init__(
        self,
        r1: float = 0.0,  # weight gamma of the R1 penalty; 0 leaves it out
    ):
        """Sets the penalty that any objective can have.

        Raises:
            SettingError: The weight is negative or no finite number.
        """
        if not (math.isfinite(r1) and r1 >= 0):
            raise setting_error(
                f"gan_loss.r1={r1}", str(r1), "a finite number of 0 or more",
                "Use gan_loss.r1=10, or 0 to leave the penalty out.",
            )  # fmt: skip
        self.r1 = r1
        if r1 > 0:
            self.samples_must_be_independent = True

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        """Scalars {"real", "fake"} to minimise over D, from logits of real and made images."""
        raise NotImplementedError

    def generator(self, fake: list[Tensor]) -> Tensor:
        """Scalar to minimise over G, from the logits of made images."""
        raise NotImplementedError

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Terms:
        """Further terms to minimise over D, in float32 whatever the ambient precision.

        Args:
            critic: See ``gradient_of_score``.
            real: (B, C, H, W).
            fake: The same shape.

        Returns:
            {"r1": r1 / 2 times the mean over the real samples of |grad D|^2} (Mescheder et al.
            2018, Eq. 9), or nothing where r1 is 0.
        """
        if self.r1 == 0:
            return {}
        gradient = gradient_of_score(critic, real.float())  # (B, C * H * W)
        return {"r1": self.r1 / 2 * gradient.square().sum(1).mean()}

    @contextmanager
    def heard(self, listener: Listener, penalties: bool = True) -> Iterator[None]:
        """Tells a listener what D says whenever a system asks for D's terms.

        Without ``penalties`` there are none meanwhile: they need gradients.
        """
        ask = self.discriminator

        def asked(real: list[Tensor], fake: list[Tensor]) -> Terms:
            listener(real, fake)
            return ask(real, fake)

        instead = {"discriminator": asked} | ({} if penalties else {"penalty": lambda *_: {}})
        vars(self).update(instead)
        try:
            yield
        finally:
            for name in instead:
                del vars(self)[name]


def require_separate_samples(gan_loss: GANLoss, discriminator: nn.Module) -> None:
    """Refuses batch norm in D under an objective with a penalty on each sample's gradient.

    Raises:
        SettingError: D has batch norm and the objective such a penalty.
    """
    if gan_loss.samples_must_be_independent and has_batch_norm(discriminator):
        penalty = f" with gan_loss.r1={gan_loss.r1}" if gan_loss.r1 else ""
        raise setting_error(
            "discriminator.norm=batch", f"batch norm under {type(gan_loss).__name__}{penalty}",
            "a norm that keeps samples apart: layer, instance, spectral or none",
            "Batch norm mixes the samples, and the gradient penalty is defined for each one "
            "(Gulrajani et al. 2017, Sec. 4). Add discriminator.norm=layer.",
        )  # fmt: skip


def require_game(gan_loss: GANLoss) -> None:
    """Refuses to train without a discriminator, where nothing else tells the domains apart.

    Raises:
        SettingError: There is no adversarial objective.
    """
    if not gan_loss.adversarial:
        raise setting_error(
            "gan_loss=none", "no adversarial objective", "one that tells the domains apart",
            "Use gan_loss=lsgan, or model=pix2pix for a generator that learns from pairs alone.",
        )  # fmt: skip


def require_unconditional(discriminator: nn.Module) -> None:
    """Refuses a discriminator that wants to see what an image was made from.

    Raises:
        SettingError: It does.
    """
    if getattr(discriminator, "conditional", False):
        raise setting_error(
            "discriminator.conditional=true", "a discriminator of pairs",
            "one of single images: without pairs there is nothing to show beside them",
            "Leave it out, or add discriminator.conditional=false.",
        )  # fmt: skip


class NoGAN(GANLoss):
    """No game: G learns from its reconstruction terms alone, and D from none.

    The L1 baseline of Isola et al. 2017, Sec. 4.2.
    """

    adversarial = False

    def __init__(self, r1: float = 0.0):  # only 0
        """Takes the option of all objectives, to refuse it.

        Raises:
            SettingError: ``r1`` is not 0.
        """
        super().__init__(r1)
        if r1 > 0:
            raise setting_error(
                f"gan_loss.r1={r1}", "a penalty under gan_loss=none, which trains no discriminator",
                "0", "Leave out gan_loss.r1, or name an objective, such as gan_loss=vanilla.",
            )  # fmt: skip

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {}

    def generator(self, fake: list[Tensor]) -> Tensor:
        return torch.zeros((), device=fake[0].device)


class VanillaGAN(GANLoss):
    """Cross entropy, with the non-saturating loss for G (Goodfellow et al. 2014, Sec. 3).

    D: -log D(y) - log(1 - D(y_hat)); G: -log D(y_hat), D being the sigmoid of the logit.
    """

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {
            "real": mean_over_scales([F.softplus(-r.float()).mean() for r in real]),
            "fake": mean_over_scales([F.softplus(f.float()).mean() for f in fake]),
        }

    def generator(self, fake: list[Tensor]) -> Tensor:
        return mean_over_scales([F.softplus(-f.float()).mean() for f in fake])


class LeastSquaresGAN(GANLoss):
    """Squared distance to the labels 1 and 0 (Mao et al. 2017, Eq. 9 with a=0, b=c=1).

    D: (D(y) - 1)^2 + D(y_hat)^2; G: (D(y_hat) - 1)^2. The paper's factor 1/2 is the
    ``discriminator_weight`` of the model.
    """

    balance = 0.5

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {
            "real": mean_over_scales([(r.float() - 1).square().mean() for r in real]),
            "fake": mean_over_scales([f.float().square().mean() for f in fake]),
        }

    def generator(self, fake: list[Tensor]) -> Tensor:
        return mean_over_scales([(f.float() - 1).square().mean() for f in fake])


class HingeGAN(GANLoss):
    """Hinge loss (Lim & Ye 2017; Miyato et al. 2018, Eq. 16 and 17).

    D: max(0, 1 - D(y)) + max(0, 1 + D(y_hat)); G: -D(y_hat).
    """

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {
            "real": mean_over_scales([F.relu(1 - r.float()).mean() for r in real]),
            "fake": mean_over_scales([F.relu(1 + f.float()).mean() for f in fake]),
        }

    def generator(self, fake: list[Tensor]) -> Tensor:
        return -mean_over_scales([f.float().mean() for f in fake])


class WassersteinGP(GANLoss):
    """Wasserstein critic with gradient penalty (Gulrajani et al. 2017, Eq. 3 and Alg. 1).

    D: D(y_hat) - D(y) + weight * (|grad D(y_bar)| - 1)^2; G: -D(y_hat). With a patch critic the
    score of a sample is the MEAN over its patches (and scales), in the losses and in the penalty.
    Only the image is interpolated; the condition stays as it is.
    """

    samples_must_be_independent = True
    balance = None

    def __init__(
        self,
        weight: float = 10.0,  # lambda in the paper
        r1: float = 0.0,  # beside the gradient penalty; see GANLoss
    ):
        super().__init__(r1)
        if not weight >= 0:
            raise setting_error(
                f"gan_loss.weight={weight}", "that weight of the gradient penalty", "0 or more",
                "The paper's is gan_loss.weight=10.",
            )  # fmt: skip
        self.weight = weight

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {
            "real": -mean_over_scales([r.float().mean() for r in real]),
            "fake": mean_over_scales([f.float().mean() for f in fake]),
        }

    def generator(self, fake: list[Tensor]) -> Tensor:
        return -mean_over_scales([f.float().mean() for f in fake])

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Terms:
        """The gradient penalty, one norm a sample, beside what ``GANLoss`` gives."""
        real, fake = real.detach().float(), fake.detach().float()
        epsilon = torch.rand(len(real), 1, 1, 1, device=real.device)
        y_bar = epsilon * real + (1 - epsilon) * fake
        norm = gradient_of_score(critic, y_bar).norm(dim=1)  # (B,)
        terms = {"penalty": self.weight * (norm - 1).square().mean()}
        return terms | super().penalty(critic, real, fake)
