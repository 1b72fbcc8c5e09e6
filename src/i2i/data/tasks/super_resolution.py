"""Fine detail for pictures that are too small."""

import numpy as np
from torch import Tensor

from i2i.data.paired_transforms import resize_image
from i2i.data.tasks.task import Encoded, PhotoTask
from i2i.errors import setting_error
from i2i.images.image_io import as_channels
from i2i.images.ranges import to_float

BICUBIC_REACH = 2  # pixels to each side that the filter of 4 x 4 takes in


class SuperResolution(PhotoTask):
    """A photograph without its detail in, the photograph out (Dong et al. 2016, SRCNN, section 3).

    x is the photograph, shrunk by area averaging and enlarged again by the bicubic filter; y is the
    photograph. Both have its size, as the networks here do not enlarge. (Dong et al. shrink with
    another filter: do not compare scores.) A side that ``factor`` does not divide is shrunk to the
    nearest whole number of pixels, at least 1.

    Args:
        factor: Of each side, a whole number of 2 or more; 2, 4 and 8 are usual.
        input_channels: 3.
        target_channels: 3.

    Raises:
        SettingError: A value is another.
    """

    def __init__(self, *, factor: int = 4, input_channels: int, target_channels: int) -> None:
        if not isinstance(factor, int) or factor < 2:
            raise setting_error(
                f"task.factor={factor}", f"{factor}", "a whole number of 2 or more",
                "For example task.factor=4.",
            )  # fmt: skip
        super().__init__("super-resolution", (input_channels, target_channels), (3, 3))
        self.factor = self.scale = factor

    def encode(self, photo: np.ndarray, seed: int) -> Encoded:
        return Encoded(_enlarged(self.given(photo), photo.shape[:2]), to_float(photo))

    def given(self, photo: np.ndarray) -> np.ndarray:
        """Shrinks it; 8 bit if the photograph is, as a file."""
        height, width = photo.shape[:2]
        size = (max(1, round(height / self.factor)), max(1, round(width / self.factor)))
        return resize_image(photo, size, label=False)

    def encode_input(self, image: np.ndarray, seed: int, mask: np.ndarray | None = None) -> Tensor:
        """Takes the image as the small picture.

        Returns:
            (3, factor * H, factor * W).
        """
        height, width = image.shape[:2]
        return _enlarged(as_channels(image, 3), (self.factor * height, self.factor * width))

    def encode_part(
        self, image: np.ndarray, seed: int, mask: np.ndarray | None, rows: slice, columns: slice
    ) -> Tensor:
        """Enlarges as much of the small picture as the bicubic filter looks at."""
        small, inside = [], []
        for part, side in zip((rows, columns), image.shape[:2], strict=True):
            first = max(part.start // self.factor - BICUBIC_REACH, 0)
            last = min(-(-part.stop // self.factor) + BICUBIC_REACH, side)
            small.append(slice(first, last))
            inside.append(slice(part.start - self.factor * first, part.stop - self.factor * first))
        return self.encode_input(image[tuple(small)], seed)[:, inside[0], inside[1]]


def _enlarged(small: np.ndarray, size: tuple[int, int]) -> Tensor:
    return to_float(resize_image(small.astype(np.float32), size, label=False))
