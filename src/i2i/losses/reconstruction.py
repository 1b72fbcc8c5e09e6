"""What a generator's image is compared with its target by, one class each.

A term is a plain object, not an nn.Module: a frozen network inside one reaches no checkpoint, no
optimizer and no DDP wrapper. Every term returns one scalar without its weight, in float32 whatever
autocast is around; the model multiplies it by ``weight`` and adds it to G's loss. No gradient goes
to the targets.
"""

import math

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.images.ssim import WINDOW, ssim_of_rows


class ReconstructionLoss:
    """What every term shares: a weight, and something to compare.

    Attributes:
        preset: Its name under ``reconstruction`` in the configuration, for errors.
        weight: Factor of the term in G's loss; 0 or more.
        required: Whether a run ends where the term's frozen network cannot be had; False trains
            without the term then. A term without a frozen network is never left out.
        has_demands: Whether it goes with some discriminators or image sizes only.
    """

    preset: str = "NAME"
    required: bool = True
    has_demands: bool = False

    def __init__(self, weight: float = 1.0):
        """Sets the weight.

        Raises:
            SettingError: It is negative or no finite number.
        """
        self.weight = self.checked("weight", weight)

    def prepare(self, device: torch.device | str) -> None:
        """Loads frozen networks onto ``device``; nothing to do for a term without one.

        Called before training. A second call moves what is loaded.
        """

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Compares images with their targets.

        Args:
            y_hat: (B, C, H, W) in [-1, 1], the generator's.
            y: The same shape and range.

        Returns:
            float32 scalar, unweighted.
        """
        raise NotImplementedError

    def checked(self, key: str, value: float, positive: bool = False) -> float:
        """Returns an option's value if it is a finite number of 0 or more (above 0: ``positive``).

        Raises:
            SettingError: It is not.
        """
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and math.isfinite(value) and (value > 0 if positive else value >= 0):
            return value
        raise setting_error(
            f"reconstruction.{self.preset}.{key}={value}",
            "a negative number" if number and value < 0 else repr(value),
            "a finite number above 0" if positive else "a finite number of 0 or more",
            f"Give one, such as reconstruction.{self.preset}.{key}=1.0.",
        )


class FeatureLoss(ReconstructionLoss):
    """Compares what the discriminator's hidden layers make of an image and of its target.

    Attributes:
        learns_alone: Whether D has a term of its own here, ``discriminator``, and so learns without
            an adversarial objective too.
    """

    has_demands = True
    learns_alone: bool = False

    def __call__(self, fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
        """G's term.

        Args:
            fake: D's hidden maps (B, C, H, W) of the made images, one list of maps a scale.
            real: Those of the targets; no gradient goes to them.

        Returns:
            float32 scalar, unweighted.
        """
        raise NotImplementedError

    def discriminator(
        self, fake: list[list[Tensor]], real: list[list[Tensor]]
    ) -> dict[str, Tensor]:
        """Further scalars for D to minimise, by name, unweighted; none unless ``learns_alone``.

        Args:
            fake: D's hidden maps of made images that are detached from G.
            real: Those of the targets, with their gradient to D.
        """
        return {}

    def logged(self, own: float) -> None:
        """Called at each logged step with D's own term, weighted; nothing to do by default."""

    def end_epoch(self) -> str | None:
        """Called after each training epoch; what the user should hear of it, by default nothing."""
        return None


class L1(ReconstructionLoss):
    """Mean absolute difference (Isola et al. 2017, Eq. 3, over pixels and channels)."""

    preset = "l1"

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        return difference(y_hat, y).abs().mean()


class L2(ReconstructionLoss):
    """Mean squared difference."""

    preset = "l2"

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        d = difference(y_hat, y)
        return (d * d).mean()


class Charbonnier(ReconstructionLoss):
    """Mean of sqrt(d^2 + epsilon^2), an L1 that is smooth at 0 (Charbonnier et al. 1994).

    As a loss for images: Lai et al. 2017 (LapSRN). Its smallest value is epsilon.
    """

    preset = "charbonnier"

    def __init__(
        self,
        weight: float = 1.0,
        epsilon: float = 1e-3,  # above 0, in units of the images' range [-1, 1]
    ):
        super().__init__(weight)
        self.epsilon = self.checked("epsilon", epsilon, positive=True)

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        d = difference(y_hat, y)
        return (d * d + self.epsilon**2).sqrt().mean()


class SSIM(ReconstructionLoss):
    """1 - SSIM, in [0, 2], of images scaled to [0, 1]: see ``ssim_of_rows``."""

    preset = "ssim"
    has_demands = True

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        difference(y_hat, y)  # checks the shapes
        height, width = y.shape[-2:]
        if min(height, width) < WINDOW:
            raise setting_error(
                "reconstruction.ssim",
                f"images of {height} x {width} pixels",
                f"at least {WINDOW} x {WINDOW}, the size of its window",
                "Train on larger images, or leave ssim out of reconstruction=[...].",
            )
        # In [-1/2, 1/2] a moment is 1/4 at most and keeps more digits than in [0, 1].
        return 1 - ssim_of_rows(y_hat.float() / 2, y.detach().float() / 2, 1.0, centre=0.5).mean()


def difference(y_hat: Tensor, y: Tensor) -> Tensor:
    """``y_hat - y`` in float32, with no gradient to ``y`` and no broadcasting.

    Raises:
        ValueError: The shapes differ.
    """
    if y_hat.shape != y.shape:
        raise ValueError(f"shapes differ: y_hat {tuple(y_hat.shape)}, y {tuple(y.shape)}")
    return y_hat.float() - y.detach().float()
