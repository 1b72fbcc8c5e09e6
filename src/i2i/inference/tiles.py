"""Large pictures in overlapping tiles, blended row by row of tiles.

A tile's answer is wrong near its edges: a pixel there depends on pixels that the tile does not
have. With a receptive-field radius of R pixels (see ``receptive_radius``) these are the outermost
R. So ``overlap / 2`` pixels at each inner edge get the weight 0, and the blend ramps between what
is left. Tiles begin on multiples of the generator's ``divisor``, because strided layers commute
with such shifts alone. Where R is at most ``overlap / 2`` and nothing is normalised over the
picture, the blend is therefore what the untiled picture gives, up to rounding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from i2i.errors import setting_error


class Axis(NamedTuple):
    """The tiles along the height or the width of a picture."""

    length: int  # pixels, a multiple of the divisor; may be more than the picture has
    tile: int  # pixels of each tile
    starts: list[int]  # first pixel of each tile, multiples of the divisor
    weights: Tensor  # (n, tile) float32; at each pixel those of all tiles add up to 1


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut into tiles.

    Neighbours share at least 1.5 times ``overlap`` pixels: ``overlap`` that are thrown away, half
    of them of each tile, and half as many in which the weights ramp. They share more where
    ``divisor`` or the size of the picture asks for it; the ramps are then longer.

    Args:
        tile: Pixels of a tile's side; a multiple of ``divisor``, at least twice as large.
        overlap: Pixels, at least twice the receptive-field radius for results without seams.
        divisor: Of the generator.

    Raises:
        SettingError: A value is out of range.
    """

    tile: int
    overlap: int
    divisor: int

    def __post_init__(self) -> None:
        tile, overlap, divisor = self.tile, self.overlap, self.divisor
        if type(tile) is not int or tile < 2 * divisor or tile % divisor:
            near = round(tile / divisor) if isinstance(tile, int | float) else 0
            raise setting_error(
                f"tile={tile}", repr(tile),
                f"pixels, a multiple of {divisor} for this generator, at least {2 * divisor}",
                f"Use tile={max(near, 2) * divisor}, or leave tile out for whole pictures.",
            )  # fmt: skip
        largest = self.largest_overlap
        if type(overlap) is not int or not 0 <= overlap <= largest:
            raise setting_error(
                f"overlap={overlap}", repr(overlap),
                f"pixels, 0 to {largest} with tile={tile} and this generator, whose tiles begin on "
                f"multiples of {divisor}", f"Use overlap={largest}, or a larger tile.",
            )  # fmt: skip

    @property
    def largest_overlap(self) -> int:
        """Pixels; with more, a tile would not reach beyond what it shares with its neighbours."""
        return min(self.tile // 2, 2 * (self.tile - self.divisor) // 3)

    def is_needed(self, height: int, width: int) -> bool:
        """Whether a picture has more than one tile."""
        return max(height, width) > self.tile

    def axis(self, length: int) -> Axis:
        """Lays tiles along a side of ``length`` pixels, evenly and inside the padded side."""
        padded = -(-length // self.divisor) * self.divisor
        tile = min(self.tile, padded)
        shared = self.overlap + -(-self.overlap // 2)
        step = (self.tile - shared) // self.divisor * self.divisor
        gaps = -(-(padded - tile) // step)
        # Rounded down, two neighbours are never more than a step apart: it is a multiple as well.
        starts = [
            (padded - tile) * i // max(gaps, 1) // self.divisor * self.divisor
            for i in range(gaps + 1)
        ]
        return Axis(padded, tile, starts, self._weights(starts, tile, padded))

    def _weights(self, starts: list[int], tile: int, padded: int) -> Tensor:
        """Each pixel's distance to the nearest edge of what is kept of the tile, over their sum."""
        inside = torch.arange(tile, dtype=torch.float64) + 0.5 - self.overlap / 2
        tents, total = [], torch.zeros(padded, dtype=torch.float64)
        for start in starts:
            tent = torch.full((tile,), float(tile), dtype=torch.float64)
            if start > 0:
                tent = torch.minimum(tent, inside)
            if start + tile < padded:
                tent = torch.minimum(tent, inside.flip(0))
            tents.append(tent.clamp(min=0))
            total[start : start + tile] += tents[-1]
        weights = [t / total[s : s + tile] for s, t in zip(starts, tents, strict=True)]
        return torch.stack(weights).float()


def blended_bands(
    generate: Callable[[int, int, int, int], Tensor], size: tuple[int, int], tiling: Tiling
) -> Iterator[tuple[int, Tensor]]:
    """Translates a picture tile by tile, and hands out the rows that no later tile changes.

    One row of tiles is held in floats, whatever the picture's height.

    Args:
        generate: Called with top, left, height and width of a tile in pixels, returns
            (1, C, height, width). Tiles at the bottom and the right may reach beyond the picture,
            by less than the divisor.
        size: Height and width of the picture.
        tiling: Where the tiles lie.

    Yields:
        The first row and (1, C, h, width) from there on; to be used before the next is asked for.
    """
    height, width = size
    rows, columns = tiling.axis(height), tiling.axis(width)
    band = None
    ends = [*rows.starts[1:], height]
    for top, end, down in zip(rows.starts, ends, rows.weights, strict=True):
        for left, across in zip(columns.starts, columns.weights, strict=True):
            y_hat = generate(top, left, rows.tile, columns.tile)  # (1, C, tile, tile)
            if band is None:
                band = y_hat.new_zeros(1, y_hat.shape[1], rows.tile, columns.length)
            weight = (down[:, None] * across).to(y_hat)
            band[..., left : left + columns.tile].addcmul_(y_hat, weight)
        done = end - top
        yield top, band[..., :done, :width]
        if end == height:
            return
        band[..., :-done, :] = band[..., done:, :].clone()
        band[..., -done:, :] = 0
