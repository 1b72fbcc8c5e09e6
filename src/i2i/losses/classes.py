"""Whether a picture is of the domain, class or attributes that it ought to be of."""

import torch
from torch import Tensor
from torch.nn import functional as F


def class_loss(logits: Tensor, label: Tensor) -> Tensor:
    """Minus the logarithm of the probability of the right label, averaged over samples.

    Choi et al. 2018, Eq. 2 and 3; Odena et al. 2017, Sec. 3. Runs in float32 at least.

    Args:
        logits: (B, n).
        label: int64 (B,), which of n domains or classes each sample is of: cross entropy. Or
            floats (B, n) of 0 and 1, which attributes it has: binary cross entropy, summed over the
            attributes of a sample.

    Returns:
        A scalar.
    """
    logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    if not label.is_floating_point():
        return F.cross_entropy(logits, label)
    sums = F.binary_cross_entropy_with_logits(logits, label.to(logits), reduction="sum")
    return sums / len(logits)


def one_hot(label: Tensor, n: int) -> Tensor:
    """Labels as floats (B, n) of 0 and 1; attributes are so already."""
    return label.float() if label.is_floating_point() else F.one_hot(label, n).float()
