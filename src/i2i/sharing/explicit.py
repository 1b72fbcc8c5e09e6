"""A generator whose test-time behaviour is written into it, so that exported code can hold it."""

import dataclasses
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.parametrize import is_parametrized

from i2i.errors import SettingError, setting_error
from i2i.inference.translate import seeded_noise
from i2i.inference.translator import Translator
from i2i.seeds import stable_seed

MOST = 4  # divisors; no network here needs a larger picture than two


class PerImageNorm(nn.Module):
    """Instance norm, or batch norm as ``paper`` mode has it: by each picture's own statistics.

    In ``paper`` mode every picture goes through the network alone (Isola et al. 2017, Sec. 3.3:
    "statistics of the test batch", of which the size is 1). Here a batch gives the same pictures.
    """

    def __init__(self, norm: _BatchNorm | nn.InstanceNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class Masks:
    """The masks of one call, which the dropouts take one after the other, as they are called."""

    def __init__(self) -> None:
        self.left: list[Tensor] = []

    def take(self) -> Tensor:
        return self.left.pop(0)


class GivenDropout(nn.Module):
    """Dropout whose choice comes from outside, as a mask of what is kept."""

    def __init__(self, p: float, masks: Masks) -> None:
        super().__init__()
        self.p, self.scale, self.masks = p, 1 / (1 - p) if p < 1 else 0.0, masks

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.masks.take().to(x.dtype) * self.scale)


@dataclass(frozen=True)
class MaskSize:
    """The mask that one call of a dropout takes.

    Attributes:
        p: The share that is dropped.
        channels: Feature maps.
        height: In units of the generator's divisor: a picture of k divisors has maps of k times
            this height.
        width: Likewise.
    """

    p: float
    channels: int
    height: int
    width: int


class Explicit(nn.Module):
    """A translator's generator, copied, in one mode without a switch: the mode is in its layers.

    ``eval``: running statistics, and no dropout. ``paper``: statistics of each picture by itself,
    and dropout by masks that are given. Spectral norm is worked into the weights.

    Attributes:
        network: The copy, in float32 on the CPU; the original stays as it is.
        divisor: Of the generator, in pixels.
        least: How many divisors the height and the width of a picture have at least.
        masks: What the dropouts take, in the order of their calls; none in ``eval``.
    """

    def __init__(self, translator: Translator, sample: Sequence[Tensor]) -> None:
        """Copies a generator.

        Args:
            translator: Says the mode.
            sample: What its ``call`` takes, for a picture of one divisor: (1, C, d, d), and a code
                where it has one.

        Raises:
            SettingError: It takes no such pictures.
        """
        super().__init__()
        network, self._given = deepcopy(translator.network).cpu().float().eval(), Masks()
        self.network, self.divisor = network.requires_grad_(False), network.divisor
        self._call = dataclasses.replace(translator, network=network).call
        settle_weights(network)
        self.least = smallest(self._call, sample)
        make_explicit(network, translator.inference, self._given)
        dropouts = [module for module in network.modules() if isinstance(module, GivenDropout)]
        self.masks = sizes_of_masks(self._call, dropouts, sample, self.least)

    def forward(self, inputs: Sequence[Tensor], keep: Sequence[Tensor]) -> Tensor:
        """Translates as at test time.

        Args:
            inputs: Those of the translator's ``call``.
            keep: One mask for each of ``masks``, (B, C, h, w) bool, True where a feature stays.

        Returns:
            (B, C_out, H, W) in [-1, 1].
        """
        self._given.left = list(keep)
        return self._call(*inputs)

    def drawn(self, seed: int, names: Sequence[str], height: int, width: int) -> list[Tensor]:
        """The masks that PyTorch draws in ``paper`` mode for pictures of these names.

        Args:
            seed: Of the noise.
            names: One a picture.
            height: Of the pictures, in pixels; a multiple of the divisor.
            width: Likewise.

        Returns:
            (B, C, h, w) bool each.
        """
        rows, columns = height // self.divisor, width // self.divisor
        shapes = [(1, m.channels, m.height * rows, m.width * columns) for m in self.masks]
        drawn = []
        for name in names:
            with seeded_noise(stable_seed(seed, name), torch.device("cpu")), torch.no_grad():
                # What dropout draws depends on the size of its input alone.
                drawn.append([
                    F.dropout(torch.ones(shape), m.p) != 0
                    for shape, m in zip(shapes, self.masks, strict=True)
                ])  # fmt: skip
        return [torch.cat(of_all) for of_all in zip(*drawn, strict=True)]


def settle_weights(network: nn.Module) -> None:
    """Makes weights that are computed at each call, as those of spectral norm, plain ones.

    Not by ``remove_parametrizations``: a copy shares its layers' classes with the original, and
    that function takes the weights out of these.
    """
    for module in list(network.modules()):
        if is_parametrized(module):
            found = {name: getattr(module, name).detach() for name in module.parametrizations}
            module.__class__ = type(module).__bases__[0]
            del module.parametrizations
            for name, value in found.items():
                module.register_parameter(name, nn.Parameter(value, requires_grad=False))


def smallest(call: Callable[..., Tensor], sample: Sequence[Tensor]) -> int:
    """How many divisors a picture must have at least for a network to take it.

    Raises:
        SettingError: It takes none.
    """
    for least in range(1, MOST + 1):
        try:
            with torch.no_grad():
                call(*larger(sample, least))
            return least
        except (SettingError, ValueError) as error:  # of torch's norms, over a single pixel
            reason = error
    raise setting_error(
        "checkpoint", f"a generator that takes no picture of up to {MOST} divisors ({reason})",
        "one that does", "Export another one.",
    ) from reason  # fmt: skip


def larger(sample: Sequence[Tensor], times: int) -> list[Tensor]:
    """A picture of several divisors instead of one; a code as it is."""
    return [x.repeat(1, 1, times, times) if x.ndim == 4 else x for x in sample]


def make_explicit(network: nn.Module, inference: str, masks: Masks) -> None:
    """Puts layers without a mode in the place of those that have one."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _DropoutNd):
                noisy = inference == "paper" and child.p > 0
                setattr(parent, name, GivenDropout(child.p, masks) if noisy else nn.Identity())
            elif isinstance(child, nn.InstanceNorm2d) or (
                isinstance(child, _BatchNorm) and inference == "paper"
            ):
                setattr(parent, name, PerImageNorm(child))


def sizes_of_masks(
    call: Callable[..., Tensor], dropouts: Sequence[GivenDropout], sample: Sequence[Tensor],
    least: int,
) -> list[MaskSize]:  # fmt: skip
    """The masks that dropouts take, in the order in which they are called."""
    found: list[MaskSize] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        _, channels, height, width = inputs[0].shape
        found.append(MaskSize(module.p, channels, height // least, width // least))
        module.masks.left = [torch.ones(inputs[0].shape, dtype=torch.bool)]

    hooks = [module.register_forward_pre_hook(note) for module in dropouts]
    try:
        with torch.no_grad():
            call(*larger(sample, least))
    finally:
        for hook in hooks:
            hook.remove()
    return found
