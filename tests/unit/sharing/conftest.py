"""A model that nobody trained, and that needs no checkpoint."""

import pytest
import torch
from torch import Tensor, nn

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
