"""PatchNCE: each patch of the output is to resemble its own place in the input, and no other."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.errors import setting_error
from i2i.weight_init import init_normal

SHORTEST = 1e-5  # a vector below has hardly a direction, and what it divides by stays this


class PatchHeads(nn.Module):
    """F of CUT: for each tap an MLP of two layers, whose output has length 1 (Park et al. 2020).

    H_l of Sec. 3: linear, ReLU, linear, both ``width`` wide. Weights come from N(0, 0.02).
    """

    checkpointed = (nn.Sequential,)

    def __init__(
        self,
        channels: Sequence[int],  # feature maps of each tap
        width: int = 256,
    ):
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(c, width), nn.ReLU(), nn.Linear(width, width)) for c in channels
        )
        init_normal(self)

    def forward(self, *patches: Tensor) -> list[Tensor]:
        """Maps the features of patches to directions.

        Args:
            patches: One tensor a tap, (B, P, C), with the C of that tap.

        Returns:
            As many, (B, P, width), float32, each vector of length 1; 0 stays 0.
        """
        pairs = zip(self.heads, patches, strict=True)
        return [F.normalize(head(found).float(), dim=-1, eps=SHORTEST) for head, found in pairs]


def draw_places(maps: Sequence[Tensor], n: int) -> list[Tensor]:
    """Up to n places of each map, the same for all samples, none twice.

    Args:
        maps: (B, C, h, w) each.
        n: Places; a map with fewer gives all it has.

    Returns:
        One int64 tensor a map, (min(n, h * w),), of places counted row by row.
    """
    return [torch.randperm(m.shape[2] * m.shape[3], device=m.device)[:n] for m in maps]


def take_places(maps: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
    """The features at some places of each map: (B, C, h, w) to (B, P, C)."""
    pairs = zip(maps, places, strict=True)
    return [m[:, :, p // m.shape[3], p % m.shape[3]].transpose(1, 2) for m, p in pairs]


class PatchNCE:
    """The cross entropy of finding the own place among all places drawn (Park et al. 2020, Eq. 3).

    l(v, v+, v-) = -log(exp(v.v+ / tau) / (exp(v.v+ / tau) + sum_n exp(v.v-_n / tau))), where v is a
    patch of the output, v+ that of the input at its place, and v- are those at the other places of
    the same image (Eq. 2). It is the mean over places, samples and taps; the paper sums over places
    and taps (Eq. 3), its code takes the mean.
    """

    def __init__(self, temperature: float = 0.07):
        """Sets tau.

        Raises:
            SettingError: It is not above 0.
        """
        if not 0 < temperature < math.inf:
            raise setting_error(
                f"model.temperature={temperature}", str(temperature), "a number above 0",
                "The paper's is model.temperature=0.07.",
            )  # fmt: skip
        self.temperature = temperature

    def __call__(self, queries: Sequence[Tensor], keys: Sequence[Tensor]) -> Tensor:
        """Compares patches with their places.

        Args:
            queries: One tensor a tap, (B, P, C) of vectors of length 1: the output's.
            keys: The same shapes: the input's, to which no gradient goes.

        Returns:
            A float32 scalar.
        """
        return torch.stack([self.of_tap(q, k) for q, k in zip(queries, keys, strict=True)]).mean()

    def of_tap(self, queries: Tensor, keys: Tensor) -> Tensor:
        """The mean over places and samples at one tap."""
        with torch.autocast(queries.device.type, enabled=False):
            likeness = queries.float() @ keys.detach().float().transpose(1, 2)  # (B, P, P)
        own = torch.arange(queries.shape[1], device=queries.device).expand(queries.shape[:2])
        return F.cross_entropy((likeness / self.temperature).flatten(0, 1), own.flatten())
