"""Where the pictures of a grid stand, and which levels a tensor becomes."""

import numpy as np
import pytest
import torch

from i2i.images.grid import GAP, image_grid
from i2i.images.rgb import rgb_of_tensor


def flat(level: int) -> np.ndarray:
    return np.full((6, 5, 3), level, np.uint8)


def test_grid_has_rows_and_columns_with_white_between() -> None:
    """A place without a picture is white, in the middle of a row and at its end."""
    levels = [[0, 128, 255], [7, None, 9], [3]]
    rows = [[None if level is None else flat(level) for level in row] for row in levels]
    grid = image_grid(rows)
    assert grid.dtype == np.uint8
    assert grid.shape == (3 * (6 + GAP) + GAP, 3 * (5 + GAP) + GAP, 3)
    seen = np.zeros(grid.shape[:2], bool)
    for r, row in enumerate(levels):
        for c, level in enumerate(row):
            top, left = GAP + r * (6 + GAP), GAP + c * (5 + GAP)
            area = (slice(top, top + 6), slice(left, left + 5))
            if level is not None:
                assert (grid[area] == level).all(), (r, c)
                seen[area] = True
    assert (grid[~seen] == 255).all()


def test_a_tensor_keeps_colours_and_orientation_and_repeats_grey() -> None:
    image = torch.full((3, 6, 5), -1.0)
    image[0, 0, 4] = 1.0  # red, top right
    picture = rgb_of_tensor(image)
    assert picture.shape == (6, 5, 3)
    assert picture[0, 4].tolist() == [255, 0, 0] and picture[5, 0].tolist() == [0, 0, 0]
    assert rgb_of_tensor(torch.zeros(1, 6, 5))[3, 3].tolist() == [128, 128, 128]


@pytest.mark.parametrize(("value", "level"), [(3.0, 255), (-7.0, 0)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_and_values_out_of_range(
    value: float, level: int, dtype: torch.dtype
) -> None:
    assert (rgb_of_tensor(torch.full((3, 2, 2), value, dtype=dtype)) == level).all()
