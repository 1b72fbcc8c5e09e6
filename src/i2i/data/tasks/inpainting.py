"""Filling holes in photographs."""

import numpy as np
import torch
from torch import Tensor

from i2i.data.option_checks import one_of
from i2i.data.tasks.masks import MASK_KINDS, MaskKind, draw_mask
from i2i.data.tasks.task import Encoded, PhotoTask
from i2i.images.image_io import as_channels
from i2i.images.ranges import to_float


class Inpainting(PhotoTask):
    """A photograph with a hole in, the whole photograph out (Pathak et al. 2016).

    x is the photograph with 0, mid-grey, in the hole, and as fourth channel the mask, 1 in the hole
    and -1 outside (given to the network as in Yu et al. 2019, who count from 0). y is the
    photograph.

    Args:
        mask: "centre", "boxes" or "strokes" (see ``draw_mask``): "centre" is the same for all, the
            others are drawn anew in each training epoch and are fixed for each image in evaluation.
        keep: The picture has the input's pixels outside the hole, bit for bit, so that scores tell
            of the hole alone; False takes the answer as it is.
        input_channels: 4.
        target_channels: 3.

    Raises:
        SettingError: ``mask`` or a number of channels is another.
    """

    def __init__(
        self,
        *,
        mask: MaskKind = "centre",
        keep: bool = True,
        input_channels: int,
        target_channels: int,
    ) -> None:
        super().__init__("inpainting", (input_channels, target_channels), (4, 3))
        self.mask: MaskKind = one_of("mask", mask, MASK_KINDS, "task")
        self.keep = keep

    def encode(self, photo: np.ndarray, seed: int) -> Encoded:
        rgb = to_float(photo)  # (3, H, W)
        return Encoded(_with_hole(rgb, draw_mask(self.mask, *photo.shape[:2], seed)), rgb)

    def encode_input(self, image: np.ndarray, seed: int, mask: np.ndarray | None = None) -> Tensor:
        """Makes a hole where ``mask`` says so, else where one is drawn; takes grey pictures too.

        Raises:
            ValueError: The mask has not the size of the image.
        """
        image, mask = self.prepare(image, seed, mask)
        return _with_hole(to_float(as_channels(image, 3)), mask)

    def prepare(
        self, image: np.ndarray, seed: int, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws the mask where none is given, (H, W) bool."""
        if mask is None:
            mask = draw_mask(self.mask, *image.shape[:2], seed)
        if mask.shape != image.shape[:2]:
            raise ValueError(f"mask has shape {mask.shape}; the image has {image.shape[:2]}")
        return image, mask

    def input_picture(self, x: Tensor) -> Tensor:
        """Shows the hole in white."""
        return torch.where(_hole(x), 1.0, x[:, :3])

    def output_picture(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.where(_hole(x), y, x[:, :3]) if self.keep else y


def _with_hole(rgb: Tensor, mask: np.ndarray) -> Tensor:
    """(4, H, W)."""
    hole = torch.from_numpy(np.ascontiguousarray(mask, dtype=bool))[None]  # (1, H, W)
    return torch.cat([rgb.masked_fill(hole, 0.0), hole.float() * 2 - 1])


def _hole(x: Tensor) -> Tensor:
    """(B, 1, H, W) bool."""
    return x[:, 3:] > 0
