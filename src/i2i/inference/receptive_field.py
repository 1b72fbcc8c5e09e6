"""How far a generator looks: what the overlap of tiles has to be."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from i2i.inference.translate import eval_mode


def normalises_over_the_picture(network: nn.Module, mode: str) -> bool:
    """Whether some layer's result at a pixel depends on all pixels, through mean and variance.

    Args:
        network: A generator.
        mode: ``paper`` or ``eval``, as in ``i2i.inference.translate.translate``.

    Returns:
        True with instance or layer norm, and with batch norm in paper mode.
    """
    with eval_mode(network):  # no other thread has taken the running statistics away
        for module in network.modules():
            if isinstance(module, _BatchNorm | _InstanceNorm):
                own = module.running_mean is None
                if own or (isinstance(module, _BatchNorm) and mode == "paper"):
                    return True
            elif isinstance(module, nn.GroupNorm):
                return True
        return False


@torch.no_grad()
def receptive_radius(
    generator: nn.Module,
    limit: int = 512,
    channels: int = 3,
    call: Callable[[Tensor], Tensor] | None = None,
) -> int | None:
    """Measures how many pixels away the input still changes a pixel of the output.

    One pixel of the input is made NaN, which no layer removes, in each of the places that strided
    layers tell apart. Twice the radius is the ``overlap`` with which tiles give what the whole
    picture gives.

    Args:
        generator: Says its ``divisor``; is looked at in eval mode.
        limit: Pixels of the largest picture tried.
        channels: Of its input.
        call: From its input to its output, where it is given more than images; None: itself.

    Returns:
        Pixels; None if it is no less than about ``limit / 2``, or the whole picture, as with
        instance norm.
    """
    divisor = generator.divisor
    parameter = next(generator.parameters())
    side = 4 * divisor * -(-16 // divisor)
    while side <= limit:
        centre = side // 2 // divisor * divisor
        shape = (1, channels, side, side)
        x = torch.zeros(shape, device=parameter.device, dtype=parameter.dtype)
        with eval_mode(generator):
            radius = _largest_reach(call or generator, x, centre, divisor)
        if radius is not None:
            return radius
        side *= 2
    return None


def _largest_reach(
    call: Callable[[Tensor], Tensor], x: Tensor, centre: int, divisor: int
) -> int | None:
    largest = 0
    for at in range(centre, centre + divisor):
        reach = _reach(call, x, at, divisor)
        if reach is None:
            return None
        largest = max(largest, reach)
    return largest


def _reach(call: Callable[[Tensor], Tensor], x: Tensor, at: int, divisor: int) -> int | None:
    """Pixels to the farthest output that an input on the diagonal reaches; None if at the edge."""
    marked = x.clone()
    marked[:, :, at, at] = torch.nan
    hit = call(marked).isnan().any(1)[0]  # (H, W)
    reached = torch.cat([hit.any(0).nonzero(), hit.any(1).nonzero()])
    low, high = int(reached.min()), int(reached.max())
    # One divisor of room: what a padding mirrors back inside must not be taken for the end.
    if low < divisor or high >= hit.shape[0] - divisor:
        return None
    return max(at - low, high - at)
