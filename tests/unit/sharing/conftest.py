"""A model that nobody trained and that needs no checkpoint, and pictures."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from i2i.data.earth import PICTURES, picture_folder, read_picture
from i2i.data.tasks.task import Task
from i2i.inference.translations import Translations
from i2i.inference.translator import Translator
from i2i.sharing.model import Model


class Blurred(nn.Module):
    """Colours mixed over 3 x 3 pixels, with dropout."""

    divisor = 4

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.drop = nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.drop(self.mix(x)))


@pytest.fixture
def translations() -> Translations:
    torch.manual_seed(0)
    network = Blurred().eval().requires_grad_(False)
    dataset = {
        "direction": "AtoB", "input_channels": 3, "target_channels": 3, "image_size": 8,
        "background": "white",
    }  # fmt: skip
    way = Translator(network, Task(), "input", "paper", 5)
    return Translations("Pix2Pix", {"AtoB": way}, dataset)


@pytest.fixture
def model(translations: Translations) -> Model:
    return Model(translations)


@pytest.fixture(scope="session")
def earth() -> np.ndarray:
    """Twenty pictures of the Earth, (20, 256, 256, 3): those with most in them.

    Instance norm makes of a picture of one colour, as open sea is, the rounding of its layers,
    300 times as large, and no two programs round alike.
    """
    world = read_picture(picture_folder(None) / PICTURES["satellite"])
    rows, columns = (side // 256 for side in world.shape[:2])
    tiles = world[: rows * 256, : columns * 256].reshape(rows, 256, columns, 256, 3)
    tiles = tiles.transpose(0, 2, 1, 3, 4).reshape(-1, 256, 256, 3)
    found = np.array([tile[:64, :64].std((0, 1)).min() for tile in tiles])
    return tiles[np.argsort(found)[-20:]]
