"""Pictures beside and below one another on white."""

from collections.abc import Sequence

import numpy as np

GAP = 4  # white pixels between two pictures, and around them


def image_grid(rows: Sequence[Sequence[np.ndarray | None]]) -> np.ndarray:
    """Lays pictures out in rows.

    Args:
        rows: Each a row of (H, W, 3) uint8 RGB pictures, all of one H and W. None, or a row that is
            shorter than the longest, leaves a place white.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    height, width = next(image for row in rows for image in row if image is not None).shape[:2]
    columns = max(len(row) for row in rows)
    shape = (len(rows) * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3)
    grid = np.full(shape, 255, np.uint8)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            if image is not None:
                top, left = GAP + r * (height + GAP), GAP + c * (width + GAP)
                grid[top : top + height, left : left + width] = image
    return grid
