"""The perceptual adversarial loss: G and D play over the distance in D's own hidden layers."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from i2i.errors import setting_error
from i2i.losses.feature_matching import map_differences
from i2i.losses.gan import mean_over_scales
from i2i.losses.reconstruction import FeatureLoss


class PAN(FeatureLoss):
    """P = sum_i lambda_i mean|D_i(y_hat) - D_i(y)|: G minimises P, D minimises max(0, m - P).

    Perceptual adversarial networks (Wang, Xu, Wang and Tao 2018). D_i is the i-th hidden layer; P
    is taken over the batch and is the mean over scales. Where P is above the margin m, D has no
    gradient from it; an epoch in which that was so at every logged step ends with a warning.
    """

    preset = "pan"
    learns_alone = True

    def __init__(
        self,
        weight: float = 1.0,  # factor of G's and of D's term alike
        lambdas: Sequence[float] | None = None,  # one a hidden layer, first layer first; None: 1.0
        margin: float = 2.0,  # m, above 0, in units of P; see conf/reconstruction/pan.yaml
    ):
        super().__init__(weight)
        self.own_terms: list[float] = []  # D's term at this epoch's logged steps
        self.margin = self.checked("margin", margin, positive=True)
        self.lambdas = None if lambdas is None else [self.checked("lambdas", v) for v in lambdas]

    def __call__(self, fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
        return self.distance(fake, [[r.detach() for r in scale] for scale in real])

    def discriminator(
        self, fake: list[list[Tensor]], real: list[list[Tensor]]
    ) -> dict[str, Tensor]:
        return {"pan": F.relu(self.margin - self.distance(fake, real))}

    def logged(self, own: float) -> None:
        self.own_terms.append(own)

    def end_epoch(self) -> str | None:
        """What to warn of where D's term was 0 at every logged step of the epoch."""
        terms, self.own_terms = self.own_terms, []
        if not terms or any(terms):
            return None
        return (
            f"reconstruction.pan.margin={self.margin}: found the distance in the discriminator's "
            f"layers above it at all {len(terms)} logged steps of this epoch, so that the "
            "discriminator learned nothing from it; expected a margin above the distance, which is "
            "logged as train/g/pan. Raise reconstruction.pan.margin."
        )

    def distance(self, fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
        """P, a float32 scalar.

        Raises:
            SettingError: D has another number of hidden layers than ``lambdas`` has entries.
        """
        scales = map_differences(fake, real, self.preset)
        return mean_over_scales([self._weighted(differences) for differences in scales])

    def _weighted(self, differences: list[Tensor]) -> Tensor:
        lambdas = [1.0] * len(differences) if self.lambdas is None else self.lambdas
        if len(lambdas) != len(differences):
            raise setting_error(
                f"reconstruction.pan.lambdas={lambdas}", f"{len(lambdas)} numbers",
                f"{len(differences)}, one a hidden layer of the discriminator",
                f"Give {len(differences)} numbers, or null for 1.0 each.",
            )  # fmt: skip
        return sum(weight * d for weight, d in zip(lambdas, differences, strict=True))
