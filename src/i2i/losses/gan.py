"""The adversarial objectives, one class each.

Each has ``discriminator(real, fake)`` and ``generator(fake)`` over lists of logit maps (one a
scale, averaged), and ``penalty``, which is empty where the paper has none. Two methods instead of
flags: no call can ask for a real loss on a fake image. All of it runs in float32.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Terms = dict[str, Tensor]
Critic = Callable[[Tensor], list[Tensor]]


def mean_over_scales(values: list[Tensor]) -> Tensor:
    """Mean of one scalar a scale."""
    return torch.stack(values).mean()


class GANLoss:
    """What every objective shares.

    Attributes:
        samples_must_be_independent: Whether a norm that mixes the samples of a batch makes the
            discriminator's loss meaningless.
    """

    samples_must_be_independent = False

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        """Scalars {"real", "fake"} to minimise over D, from logits of real and made images."""
        raise NotImplementedError

    def generator(self, fake: list[Tensor]) -> Tensor:
        """Scalar to minimise over G, from the logits of made images."""
        raise NotImplementedError

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Terms:
        """Further terms to minimise over D; none unless the objective has one."""
        return {}


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

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {
            "real": mean_over_scales([(r.float() - 1).square().mean() for r in real]),
            "fake": mean_over_scales([f.float().square().mean() for f in fake]),
        }

    def generator(self, fake: list[Tensor]) -> Tensor:
        return mean_over_scales([(f.float() - 1).square().mean() for f in fake])


class WassersteinGP(GANLoss):
    """Wasserstein critic with gradient penalty (Gulrajani et al. 2017, Eq. 3 and Alg. 1).

    D: D(y_hat) - D(y) + weight * (|grad D(y_bar)| - 1)^2; G: -D(y_hat). With a patch critic the
    score of a sample is the MEAN over its patches (and scales), in the losses and in the penalty.
    Only the image is interpolated; the condition stays as it is.
    """

    samples_must_be_independent = True

    def __init__(self, weight: float = 10.0):  # lambda in the paper
        self.weight = weight

    def discriminator(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        return {
            "real": -mean_over_scales([r.float().mean() for r in real]),
            "fake": mean_over_scales([f.float().mean() for f in fake]),
        }

    def generator(self, fake: list[Tensor]) -> Tensor:
        return -mean_over_scales([f.float().mean() for f in fake])

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor) -> Terms:
        """The gradient penalty, one norm a sample, in float32 whatever the ambient precision.

        Args:
            critic: Maps images (B, C, H, W) to logit maps with the condition held fixed; sample b
                of its output may depend on sample b of its input only.
            real: (B, C, H, W).
            fake: The same shape.

        Returns:
            {"penalty": weight times the mean over samples of (|gradient| - 1)^2}.
        """
        with torch.autocast(real.device.type, enabled=False):
            real, fake = real.detach().float(), fake.detach().float()
            epsilon = torch.rand(len(real), 1, 1, 1, device=real.device)
            y_bar = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
            scores = [logits.flatten(1).mean(1) for logits in critic(y_bar)]  # each (B,)
            score = torch.stack(scores).mean(0).sum()  # a sum: sample b's gradient is its own
            (gradient,) = torch.autograd.grad(score, y_bar, create_graph=True)
            norm = gradient.flatten(1).norm(dim=1)  # (B,)
            return {"penalty": self.weight * (norm - 1).square().mean()}
