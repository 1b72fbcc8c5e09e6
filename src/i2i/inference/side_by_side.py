"""Side-by-side files, A|B in one picture, given to a model that was trained on such files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from i2i.data.paired_transforms import as_size
from i2i.data.reading.pair_reader import halves, photo_side
from i2i.errors import setting_error


def input_side(dataset: Mapping[str, Any]) -> str:
    """The side, A or B, that the network's input was made from in training."""
    if dataset.get("task"):
        return photo_side(dataset.get("photo_side"), dataset.get("label_side"))
    return "A" if dataset["direction"] == "AtoB" else "B"


def looks_like_a_pair(image: np.ndarray, dataset: Mapping[str, Any]) -> bool:
    """Whether a picture may be a file like those of training, which hold both sides of a pair.

    Args:
        image: (H, W, C).
        dataset: The node of the model's configuration. Its halves were resized to ``image_size``;
            a set whose files have another shape is not recognised.
    """
    if dataset.get("single") or dataset.get("b_folder") is not None:
        return False
    height, width = as_size(dataset["image_size"])
    return bool(image.shape[1] * height == 2 * width * image.shape[0])


def part_to_translate(
    image: np.ndarray, file: Path, dataset: Mapping[str, Any], side_by_side: bool | None
) -> np.ndarray:
    """The input half of a side-by-side picture, or the picture as it is.

    Args:
        image: (H, W, C).
        file: Where it comes from.
        dataset: As in ``looks_like_a_pair``.
        side_by_side: The option: true takes the half, false the whole, None asks where in doubt.

    Returns:
        (H, W, C) or (H, W / 2, C).

    Raises:
        SettingError: The picture looks like a pair, and the option says nothing; or it is to be
            halved and has an odd width.
    """
    side = input_side(dataset)
    if side_by_side:
        return halves(image, file)[side == "B"]
    if side_by_side is None and looks_like_a_pair(image, dataset):
        half = "left" if side == "A" else "right"
        raise setting_error(
            f"input file '{file}'",
            f"{image.shape[0]} x {image.shape[1]} pixels, the shape of the side-by-side files that "
            "this model was trained on, with input and target in one picture",
            "the input alone",
            f"side_by_side=true takes the {half} half, which is the input; side_by_side=false "
            "translates the whole picture.",
        )
    return image
