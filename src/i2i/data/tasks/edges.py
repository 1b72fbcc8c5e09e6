"""Photographs from line drawings."""

import numpy as np
from torch import Tensor

from i2i.data.tasks.task import Encoded, PhotoTask
from i2i.errors import setting_error
from i2i.images.image_io import as_channels
from i2i.images.ranges import to_float


class Edges(PhotoTask):
    """Edges in, the photograph out: black lines on white, as in edges2shoes.

    x is the edge map of Canny 1986 of the photograph's luminance, 1 channel of -1 (edge) and 1; y
    is the photograph. The edges of edges2shoes are others: HED's (Xie and Tu 2015; Isola et al.
    2017, section 4), a network's, which follow outlines rather than texture.

    Args:
        low: Lower threshold of the hysteresis, of the gradient's Euclidean norm as Sobel's 3 x 3
            filters give it: a straight step of d grey levels, unblurred, has 4 d.
        high: Upper threshold, at least ``low``.
        blur: Standard deviation in pixels of the Gaussian filter before; 0 is none.
        input_channels: 1.
        target_channels: 3.

    Raises:
        SettingError: A value is out of range.
    """

    def __init__(
        self,
        *,
        low: float = 50,
        high: float = 100,
        blur: float = 1.0,
        input_channels: int,
        target_channels: int,
    ) -> None:
        if not 0 <= low <= high:
            raise setting_error(
                f"task.low={low} task.high={high}", "thresholds in that order",
                "0 <= low <= high", "For example task.low=50 task.high=100.",
            )  # fmt: skip
        if not 0 <= blur < float("inf"):
            raise setting_error(
                f"task.blur={blur}", f"{blur}", "pixels, 0 or more", "For example task.blur=1."
            )
        super().__init__("edges", (input_channels, target_channels), (1, 3))
        self.low, self.high, self.blur = low, high, blur

    def encode(self, photo: np.ndarray, seed: int) -> Encoded:
        return Encoded(to_float(self.given(photo)), to_float(photo))

    def given(self, photo: np.ndarray) -> np.ndarray:
        """Draws the edges, (H, W, 1) uint8, black on white."""
        import cv2

        grey = _grey(photo)
        if grey.dtype != np.uint8:  # Canny takes 8 bits
            grey = grey.round().clip(0, 255).astype(np.uint8)
        if self.blur > 0:
            grey = cv2.GaussianBlur(grey, (0, 0), self.blur)
        edges = cv2.Canny(grey, self.low, self.high, L2gradient=True)  # (H, W), 255 on an edge
        return 255 - edges[:, :, np.newaxis]

    def encode_input(self, image: np.ndarray, seed: int, mask: np.ndarray | None = None) -> Tensor:
        """Takes the image as the drawing, dark lines on white; no edges are looked for in it.

        Returns:
            (1, H, W); grey tones are kept, though the network has seen black and white alone.
        """
        return to_float(_grey(as_channels(image, 3)))


def _grey(image: np.ndarray) -> np.ndarray:
    """Luminance, (H, W, 1), uint8 or float32."""
    return as_channels(image if image.dtype == np.uint8 else image.astype(np.float32), 1)
