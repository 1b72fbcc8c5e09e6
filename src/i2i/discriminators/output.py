"""The one type that every discriminator returns."""

from typing import NamedTuple

from torch import Tensor


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says of a batch; both lists have one entry a scale.

    Attributes:
        logits: Maps of shape (B, 1, h, w); positive means real.
        features: For each scale the hidden maps (B, C_i, h_i, w_i), first layer first.
        classes: Logits of the domains, classes or attributes, (B, n); None where it tells none.
    """

    logits: list[Tensor]
    features: list[list[Tensor]]
    classes: Tensor | None = None
