"""Resize, crop and flip, the same for both sides of a pair."""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from i2i.data.further_transforms import FurtherTransforms, Role
from i2i.errors import setting_error

MOST_AT_ONCE = 4  # channels: OpenCV averages areas of no more


def as_size(image_size: int | Sequence[int], key: str = "image_size") -> tuple[int, int]:
    """Reads ``image_size``, or another size.

    Args:
        image_size: Pixels, for a square, or [height, width].
        key: Of the option.

    Returns:
        (height, width).

    Raises:
        SettingError: If it is neither one positive integer nor two.
    """
    sides = tuple(image_size) if isinstance(image_size, Sequence) else (image_size, image_size)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise setting_error(
            f"dataset.{key}={image_size}",
            "that value",
            "a positive number of pixels, or [height, width]",
            f"For example dataset.{key}=256 or dataset.{key}=[256,512].",
        )
    return sides


def resize_image(image: np.ndarray, size: tuple[int, int], *, label: bool) -> np.ndarray:
    """Resizes an image; one of that size already is returned as it is.

    Labels take the nearest pixel (the exact kind, whose pixel centres agree with the other
    filters), so no colour appears that was not there. Photographs are shrunk by area averaging,
    because a bicubic filter of 4 x 4 pixels skips pixels and aliases there, and enlarged by
    OpenCV's bicubic one. The pix2pix code enlarges to 286 by Pillow's, which has another kernel (a
    = -0.5 instead of -0.75): 1.33 levels apart (root of the mean square).

    Args:
        image: (H, W, C), uint8 or float32 on the 0..255 scale.
        size: (height, width) wanted.
        label: Whether the image is a label map.

    Returns:
        (height, width, C) of the same dtype, still within 0..255.
    """
    import cv2

    channels = image.shape[2]
    if channels > MOST_AT_ONCE and image.shape[:2] != size:
        parts = (image[:, :, c : c + MOST_AT_ONCE] for c in range(0, channels, MOST_AT_ONCE))
        return np.concatenate([resize_image(part, size, label=label) for part in parts], axis=2)
    if label and image.shape[:2] != size:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    shrunk = (min(image.shape[0], size[0]), min(image.shape[1], size[1]))
    if image.shape[:2] != shrunk:
        image = cv2.resize(image, shrunk[::-1], interpolation=cv2.INTER_AREA)
    if image.shape[:2] != size:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)
        if image.dtype != np.uint8:  # the bicubic filter overshoots; 8 bits saturate by themselves
            image = image.clip(0, 255)
    return image.reshape(*size, channels)  # OpenCV drops the axis of a single channel


def crop_centre(image: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    """Cuts out the middle of an image, as a view.

    Args:
        image: (H, W, C).
        size: (height, width) to keep, in pixels.
        name: Of the image, for the error.

    Raises:
        SettingError: The image is smaller.
    """
    top, left = ((have - keep) // 2 for have, keep in zip(image.shape[:2], size, strict=True))
    if min(top, left) < 0:
        raise setting_error(
            f"dataset.crop={list(size)}",
            f"'{name}' of {image.shape[0]} x {image.shape[1]} pixels",
            f"at least {size[0]} x {size[1]} (height x width)",
            "Set dataset.crop to less, or to null to take whole images.",
        )
    return image[top : top + size[0], left : left + size[1]]


class PairedTransform:
    """Random jitter for training (Isola et al. 2017, appendix 6.2), a plain resize for evaluation.

    Training: resize to ``image_size * enlarge``, crop ``image_size`` at a random place, flip from
    left to right. Both sides share the random numbers, which come from the seed of the call alone.
    So they depend neither on the number of workers and processes nor on what was drawn before.

    ``resize`` draws nothing, so its result may be kept; in training ``jitter`` follows.

    Args:
        image_size: Pixels, for a square, or [height, width]: the size that comes out.
        enlarge: Factor of the resize before the crop; 1.1171875 makes 286 of 256, 1 is none.
        flip: Probability of the flip; True means 0.5, False means 0.
        further: Transforms of albumentations that follow, with the same draw for both sides. A
            label map takes part in those that move pixels, with the nearest one, and is left as it
            is by those that change colours.

    Raises:
        SettingError: If a value is out of range.
    """

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        enlarge: float = 286 / 256,
        flip: bool | float = True,
        further: Sequence[Any] = (),
    ) -> None:
        self.image_size = as_size(image_size)
        if enlarge < 1:
            raise setting_error(
                f"augmentation.enlarge={enlarge}",
                "a factor that shrinks below the crop",
                "a factor of 1 or more",
                "Set augmentation.enlarge=1 to switch it off.",
            )
        self.flip = 0.5 if flip is True else float(flip)
        if not 0 <= self.flip <= 1:
            raise setting_error(
                f"augmentation.flip={flip}", "that value", "a probability from 0 to 1", "Try 0.5."
            )
        self.further = FurtherTransforms(further, self.image_size) if further else None
        height, width = self.image_size
        self.enlarged_size = (round(height * enlarge), round(width * enlarge))

    def resize(
        self, images: Sequence[np.ndarray], *, label: Role | None = None, jittered: bool
    ) -> tuple[np.ndarray, ...]:
        """Does the part that draws nothing.

        Args:
            images: Input and target, or one photograph, (H, W, C) each.
            label: The side that is a label map, if any.
            jittered: Whether ``jitter`` follows: then they get the enlarged size.

        Returns:
            As many images; one that has the size already is returned as it is.
        """
        size = self.enlarged_size if jittered else self.image_size
        roles: tuple[Role, ...] = ("input", "target")[: len(images)]
        return tuple(
            resize_image(image, size, label=label is not None and label == role)
            for image, role in zip(images, roles, strict=True)
        )

    def jitter(
        self, images: Sequence[np.ndarray], seed: int, *, label: Role | None = None
    ) -> tuple[np.ndarray, ...]:
        """Crops and flips images of the enlarged size, all in the same way, and what follows.

        Args:
            images: Input and target, or one photograph, (H, W, C) each.
            seed: Fixes what is drawn.
            label: The side that is a label map, if any.

        Returns:
            (height, width, C) each; views into ``images`` where nothing is flipped.
        """
        import cv2

        top, left, flipped = self.draw(seed)
        height, width = self.image_size
        crops = [image[top : top + height, left : left + width] for image in images]
        if flipped:  # OpenCV drops the axis of a single channel
            crops = [cv2.flip(crop, 1).reshape(crop.shape) for crop in crops]
        return self.further(crops, seed, label) if self.further else tuple(crops)

    def draw(self, seed: int) -> tuple[int, int, bool]:
        """Draws top and left of the crop, in pixels, and whether to flip.

        These are the numbers that albumentations 2.0.8 draws in ``RandomCrop`` seeded with ``seed``
        and ``HorizontalFlip`` seeded with ``seed + 1``. Its own calls would take a quarter of a
        millisecond a pair, as long as all the rest once the picture is decoded and resized.
        """
        place = Random(seed)
        rows, columns = (
            large - small + 1
            for large, small in zip(self.enlarged_size, self.image_size, strict=True)
        )
        top, left = int(rows * place.random()), int(columns * place.random())
        if self.flip in (0, 1):
            return top, left, bool(self.flip)
        return top, left, Random(seed + 1).random() < self.flip  # its own, to be independent
