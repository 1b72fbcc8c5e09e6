"""A large picture as the network sees it, made part by part from its 8 bits."""

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from i2i.data.tasks.task import Task


class PictureParts:
    """Parts of what ``task.encode_input`` would make of a whole picture.

    Args:
        task: What the network was trained for.
        image: (H, W, C), uint8, or floats on the 0..255 scale; it is kept, not copied.
        seed: As in ``Task.encode_input``.
        mask: Likewise.

    Attributes:
        size: Height and width in pixels of what the network sees.

    Raises:
        SettingError: The task cannot use the image.
    """

    def __init__(
        self, task: Task, image: np.ndarray, seed: int, mask: np.ndarray | None = None
    ) -> None:
        self.task, self.seed = task, seed
        self.size = (image.shape[0] * task.scale, image.shape[1] * task.scale)
        self.image, self.mask = task.prepare(image, seed, mask)

    def part(self, top: int, left: int, height: int, width: int) -> Tensor:
        """Encodes a rectangle.

        Args:
            top: First row, in pixels of what the network sees.
            left: First column.
            height: May reach beyond the picture: its last row is repeated.
            width: Likewise with its last column.

        Returns:
            (1, C_in, height, width) float32.
        """
        bottom, right = min(top + height, self.size[0]), min(left + width, self.size[1])
        rows, columns = slice(top, bottom), slice(left, right)
        x = self.task.encode_part(self.image, self.seed, self.mask, rows, columns)[None]
        beyond = (0, left + width - right, 0, top + height - bottom)
        return F.pad(x, beyond, mode="replicate") if any(beyond) else x
