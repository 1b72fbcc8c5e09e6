"""Augmentation beyond pix2pix's jitter: any transforms of albumentations, alike for both sides."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from i2i.errors import first_line, setting_error

Role = Literal["input", "target"]


def as_given(image: np.ndarray, is_label: bool) -> np.ndarray:
    """An image as albumentations takes it: floats in [0, 1]; class ids so that 0 is unlabelled.

    Its transforms fill what comes in from outside with 0, which is a class of its own.
    """
    if is_label and image.shape[2] == 1:
        return 255 - image
    return image / np.float32(255) if image.dtype == np.float32 else image.copy()


def as_taken(result: np.ndarray, image: np.ndarray, is_label: bool) -> np.ndarray:
    """The way back to the range, the type and the channels of ``image``."""
    result = result.reshape(*result.shape[:2], image.shape[2])
    if is_label and image.shape[2] == 1:
        return 255 - result
    return (result * np.float32(255)).clip(0, 255) if image.dtype == np.float32 else result


def require_same_type(made: np.dtype, given: np.dtype) -> None:
    """Refuses levels in another type: they would be of another range, too.

    Raises:
        SettingError: The types differ.
    """
    if made != given:
        raise setting_error(
            "augmentation.further", f"transforms that make {made} of {given}",
            "the same type and range of levels",
            "Leave out Normalize, ToFloat and FromFloat: images are put into [-1, 1] later.",
        )  # fmt: skip


class FurtherTransforms:
    """Transforms of albumentations on a pair, drawn from one seed.

    Args:
        transforms: Instances of ``albumentations.BasicTransform`` or its compositions.
        image_size: (height, width) of the images, in pixels, which the transforms have to keep.

    Raises:
        SettingError: One is something else.
    """

    def __init__(self, transforms: Sequence[Any], image_size: tuple[int, int]) -> None:
        import albumentations

        kinds = (albumentations.BasicTransform, albumentations.BaseCompose)
        for transform in transforms:
            if not isinstance(transform, kinds):
                raise setting_error(
                    "augmentation.further", repr(transform), "transforms of albumentations",
                    "Name them like {_target_: albumentations.Rotate, limit: 10}.",
                )  # fmt: skip
        self.image_size = image_size
        self.compose = albumentations.Compose(
            list(transforms),
            additional_targets={"target": "image", "label": "mask"},
            mask_interpolation=0,  # cv2.INTER_NEAREST, also where a transform asks for another
        )

    def __call__(
        self, images: Sequence[np.ndarray], seed: int, label: Role | None
    ) -> tuple[np.ndarray, ...]:
        """Transforms one pair, or one photograph.

        Args:
            images: Input and target, or one photograph, (height, width, C) each.
            seed: Fixes what is drawn, 0 or more.
            label: The side that is a label map, if any.

        Returns:
            As many images, of the same shapes and dtypes.

        Raises:
            SettingError: A transform changed an image's size or the type of its levels, or takes no
                images of so many channels.
        """
        roles: tuple[Role, ...] = ("input", "target")[: len(images)]
        photos = [role for role in roles if role != label]
        names = {role: "image" if role == photos[0] else "target" for role in photos}
        if label:
            names[label] = "label"
        self.compose.set_random_seed((seed + 2) % 2**32)  # the jitter has seed and seed + 1
        given = [as_given(image, role == label) for role, image in zip(roles, images, strict=True)]
        # A label map alone: albumentations takes the size from an image, whose result nobody reads.
        alone = {} if photos else {"image": given[0]}
        sides = {names[role]: side for role, side in zip(roles, given, strict=True)}
        found = self._composed(alone | sides)
        for role, image in zip(roles, given, strict=True):
            require_same_type(found[names[role]].dtype, image.dtype)
        results = tuple(
            as_taken(found[names[role]], image, role == label)
            for role, image in zip(roles, images, strict=True)
        )
        for result in results:
            if result.shape[:2] != self.image_size:
                height, width = result.shape[:2]
                raise setting_error(
                    "augmentation.further", f"transforms that make {height} x {width} pixels",
                    f"{self.image_size[0]} x {self.image_size[1]}, dataset.image_size",
                    "End with one that restores the size, such as albumentations.Resize.",
                )  # fmt: skip
        return results

    def _composed(self, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        try:
            return self.compose(**images)
        except (TypeError, ValueError) as error:  # what albumentations raises for other channels
            counts = " and ".join(str(image.shape[2]) for image in images.values())
            raise setting_error(
                "augmentation.further",
                f"images of {counts} channels, which a transform does not take "
                f"({first_line(error)})",
                "transforms that are defined for them",
                "Leave out those that change colours; ones that move pixels take any number.",
            ) from error
