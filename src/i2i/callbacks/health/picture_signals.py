"""Signs of failure in made pictures beside real ones: numbers for a handful of pictures."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from i2i.data.tasks.colour_space import rgb_to_lab

END = 127 / 127.5  # from here on a value of [-1, 1] is the last level of 255, or close to it
SIDE = 256  # pixels
LEVEL = 127.5  # levels of 255 in a unit of [-1, 1]
PERIODS = (2, 4)  # pixels; of one and of two transposed convolutions of stride 2
FLAT = 0.01  # product of two standard deviations of L, which goes from 0 to 100
BESIDE = (-3, -2, 2, 3)  # frequencies that a line is compared with: its own may be a little wide


def middle(pictures: Tensor) -> Tensor:
    """The middle of pictures, of ``SIDE`` pixels a side at most: no more is looked at."""
    for dim in (2, 3):
        more = max(0, pictures.shape[dim] - SIDE)
        pictures = pictures.narrow(dim, more // 2, pictures.shape[dim] - more)
    return pictures


def at_ends(made: Tensor, real: Tensor) -> Tensor:
    """How much of what is inside the range in real pictures lies at its ends in made ones.

    Args:
        made: (B, C, H, W) in [-1, 1].
        real: (B', C, H, W), likewise.

    Returns:
        A scalar: 0 where the shares at the ends are the same, 1 where all of ``made`` is there;
        below 0 where there is less. 0 where all of ``real`` is there, as in one-hot maps.
    """
    share, usual = ((p.float().abs() >= END).float().mean() for p in (made, real))
    inside = 1 - usual
    return torch.where(inside > 0.01, (share - usual) / inside.clamp(min=0.01), 0.0)


def spread(pictures: Tensor) -> Tensor:
    """How much the pictures of a batch differ: the standard deviation over them, as a mean.

    Args:
        pictures: (B, C, H, W) in [-1, 1].

    Returns:
        A scalar, 0 for equal pictures.
    """
    pictures = pictures.float()
    return (pictures - pictures.mean(0)).square().mean(0).sqrt().mean()  # std takes ten times that


def spread_beside(made: Tensor, others: Sequence[Tensor]) -> Tensor:
    """The spread of made pictures in parts of the smallest spread that any other pictures have.

    Args:
        made: (B, C, H, W), B of 2 or more.
        others: Inputs and real pictures, of any number of channels; of 2 or more each.

    Returns:
        A scalar; 1 where others do not differ either.
    """
    usual = torch.stack([spread(other) for other in others])
    usual = torch.where(usual > 1e-3, usual, torch.inf).amin()
    return torch.where(usual.isfinite(), spread(made) / usual, 1.0)


def lines(pictures: Tensor) -> Tensor:
    """The strength of lines at the periods of a checkerboard, across and down.

    A pattern that comes from the layers and not from what a picture shows has the same period all
    over it. In the spectrum it stands above the frequencies beside it (Odena et al. 2016,
    "Deconvolution and checkerboard artifacts"; Durall et al. 2020, Sec. 3).

    Args:
        pictures: (B, C, H, W) in [-1, 1], H and W of 16 or more.

    Returns:
        A scalar: the root mean square of the lines, in levels of 255.
    """
    grey = pictures.float().mean(1)
    return LEVEL * (along(grey) + along(grey.transpose(1, 2))).clamp(min=0).sqrt()


def along(grey: Tensor) -> Tensor:
    """The energy of the lines across (B, H, W) above that of their neighbours, as a mean square."""
    side = grey.shape[2] // 4 * 4
    waves, over = waves_of(side, grey.device)
    power = (grey[:, :, :side] @ waves).square().unflatten(2, (2, -1)).sum(2).mean((0, 1))
    lines, beside = power[: len(PERIODS)], power[len(PERIODS) :].unflatten(0, (len(PERIODS), -1))
    return (over * (lines - beside.mean(1)).clamp(min=0)).sum()


@cache
def waves_of(side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What the frequencies of the lines and those beside them are measured with.

    Args:
        side: Pixels, a multiple of 4.
        device: Of the pictures.

    Returns:
        Cosines, then sines, under a window that takes away the jump from edge to edge, (side, 2 n):
        first those of the lines. And what makes a mean square of the power of a line.
    """
    window = torch.hann_window(side, dtype=torch.float64)
    lines = [side // period for period in PERIODS]
    places = torch.tensor(lines + [line + by for line in lines for by in BESIDE])
    turns = torch.arange(side)[:, None] * places * (2 * torch.pi / side)
    waves = torch.cat([turns.cos(), turns.sin()], 1) * window[:, None]
    both_signs = torch.tensor([1 if period == 2 else 2 for period in PERIODS])
    over = both_signs / window.sum().square()
    return waves.float().to(device), over.float().to(device)


def checkerboard(made: Tensor, real: Tensor) -> Tensor:
    """How much stronger the lines of a checkerboard are in made pictures, in levels of 255."""
    return lines(made) - lines(real)


def colours(made: Tensor, real: Tensor) -> Tensor:
    """The distance of mean colours in CIE Lab (Delta E*ab, CIE 1976).

    Args:
        made: (B, 1 or 3, H, W) in [-1, 1].
        real: (B', 1 or 3, H, W).

    Returns:
        A scalar, 0 to about 250; 2.3 is just noticeable (Mahy et al. 1994).
    """
    one, two = (lab(p).mean((0, 2, 3)) for p in (made, real))
    return (one - two).norm()


def lightness(made: Tensor, real: Tensor) -> Tensor:
    """The correlation of the lightness of made pictures with that of their true answers.

    Args:
        made: (B, 1 or 3, H, W) in [-1, 1].
        real: (B, 1 or 3, H, W): the answers, one each.

    Returns:
        A scalar in [-1, 1]: the median over the pictures, of which flat ones count as 0.
    """
    one, two = (lab(p)[:, 0].flatten(1) for p in (made, real))
    product = (one - one.mean(1, keepdim=True)) * (two - two.mean(1, keepdim=True))
    spreads = one.std(1, correction=0) * two.std(1, correction=0)
    return torch.where(spreads > FLAT, product.mean(1) / spreads.clamp(min=FLAT), 0.0).median()


def lab(pictures: Tensor) -> Tensor:
    """CIE Lab of grey or RGB pictures: (B, 3, H, W)."""
    return rgb_to_lab(pictures.expand(-1, 3, -1, -1))
