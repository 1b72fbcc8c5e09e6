"""A translator: one way of a system, with all that scoring, translation and export ask of it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from i2i.data.tasks.task import Task
from i2i.generators.unet import UNetGenerator
from i2i.inference.translate import translate
from i2i.inference.translator import Translator


class Shrinks(Task):
    """Shows answers as grey, darker by what they answer to."""

    def output_picture(self, x: Tensor, y: Tensor) -> Tensor:
        return (y - x)[:, :1]


@pytest.fixture
def unet() -> UNetGenerator:
    torch.manual_seed(0)
    return UNetGenerator(3, 3, 4, n_downs=5)  # dropout and batch norm


def images(n: int = 2, height: int = 40, width: int = 33) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("inference", ["paper", "eval"])
def test_it_translates_as_at_test_time(unet: UNetGenerator, inference: str) -> None:
    translator, names = Translator(unet, Task(), "input", inference, 7), ["a", "b"]
    x = images()
    made = translator(x, names)
    assert made.shape == x.shape and made.dtype == torch.float32
    assert torch.equal(made, translate(unet, x, names, inference, 7))
    other_seed = Translator(unet, Task(), "input", inference, 8)(x, names)
    assert torch.equal(made, other_seed) == (inference == "eval")
    assert unet.training  # left as it was


@pytest.mark.parametrize(
    ("inference", "dropout", "noise"), [("paper", 0.5, True), ("paper", 0.0, False),
                                        ("eval", 0.5, False)],
)  # fmt: skip
def test_noise_is_there_where_another_seed_gives_another_picture(
    inference: str, dropout: float, noise: bool
) -> None:
    torch.manual_seed(0)
    network = UNetGenerator(3, 3, 4, n_downs=5, dropout=dropout, norm="instance")
    one, two = (Translator(network, Task(), "input", inference, seed) for seed in (0, 1))
    assert one.has_noise is noise
    assert torch.equal(one(images(), ["a", "b"]), two(images(), ["a", "b"])) is not noise


def test_divisor_and_device_are_those_of_the_network(unet: UNetGenerator) -> None:
    assert Translator(unet, Task(), "input", "eval", 0).divisor == unet.divisor == 32
    with torch.device("meta"):
        elsewhere = nn.Conv2d(3, 3, 1)
    assert Translator(unet, Task(), "input", "eval", 0).device == torch.device("cpu")
    assert Translator(elsewhere, Task(), "input", "eval", 0).device == torch.device("meta")


class Told(nn.Module):
    """A network that is given more than an image, and notes what and in which mode."""

    divisor = 32

    def __init__(self, unet: UNetGenerator, takes_codes: bool) -> None:
        super().__init__()
        self.unet, self.seen = unet, []
        if takes_codes:
            self.latent = 4

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        more = x[:, 3:, 0, 0] if z is None else z
        self.seen.append((tuple(x.shape), self.unet.training, torch.is_grad_enabled(), more))
        return self.unet(x[:, :3]) + more.mean(1).view(-1, 1, 1, 1)


def test_a_label_stands_beside_padded_images_as_planes(unet: UNetGenerator) -> None:
    x, told = images(), Told(unet, takes_codes=False)
    plain = Translator(unet, Task(), "input", "eval", 0)(x, ["a", "b"])
    made = Translator(told, Task(), "input", "eval", 0, label=(0.0, 1.0))(x, ["a", "b"])
    assert [seen[:3] for seen in told.seen] == [((1, 5, 64, 64), False, False)] * 2  # one by one
    assert all(seen[3].tolist() == [[0, 1]] for seen in told.seen)
    assert made.shape == x.shape and torch.equal(made, plain + 0.5)
    noisy = Translator(unet, Task(), "input", "paper", 0)(x, ["a", "b"])
    with_label = Translator(told, Task(), "input", "paper", 0, label=(1.0, 1.0))
    assert torch.equal(with_label(x, ["a", "b"]), noisy + 1)


@pytest.mark.parametrize("inference", ["paper", "eval"])
@pytest.mark.parametrize("takes_codes", [True, False], ids=["argument", "planes"])
def test_codes_are_drawn_from_seed_and_name_alone(
    unet: UNetGenerator, inference: str, takes_codes: bool
) -> None:
    x, names, told = images(), ["a", "b"], Told(unet, takes_codes)
    translator = Translator(told, Task(), "input", inference, 7, latent=4)
    assert translator.has_noise
    made = translator(x, names)
    codes = torch.cat([seen[3] for seen in told.seen])
    assert codes.shape == (2, 4) and not torch.equal(codes[0], codes[1])
    assert torch.equal(codes, translator.codes(names))
    assert torch.equal(translator.codes(["b"])[0], codes[1])  # whoever is beside it
    assert not torch.equal(replace(translator, seed=8).codes(names), codes)
    assert torch.equal(translator(x, names, codes), made)
    assert not torch.equal(translator(x, names, codes.flip(0)), made)


def test_codes_are_standard_normal(unet: UNetGenerator) -> None:
    translator = Translator(unet, Task(), "input", "eval", 0, latent=8)
    drawn = translator.codes([str(i) for i in range(2000)]).double()  # 16,000 numbers
    assert abs(drawn.mean()) < 0.03 and abs(drawn.std() - 1) < 0.02  # 4 standard errors


def test_a_blank_picture_comes_with_a_blank_code(unet: UNetGenerator) -> None:
    plain = Translator(unet, Task(), "input", "eval", 0)
    told = Told(unet.eval(), takes_codes=True)
    coded = replace(plain, network=told, latent=4)
    x = torch.ones(2, 3, 32, 32)
    assert torch.equal(coded.blank(x), plain.blank(x)) and coded.blank(x).shape == x.shape
    assert told.seen[0][3].tolist() == [[0] * 4] * 2


def test_pictures_are_made_by_the_task(unet: UNetGenerator) -> None:
    translator, x = Translator(unet, Shrinks(), "input", "eval", 0), images()
    shown = translator.pictures(x, ["a", "b"])
    assert shown.shape == (2, 1, 40, 33)
    assert torch.equal(shown, (translator(x, ["a", "b"]) - x)[:, :1])


DATA = {"name": "facades", "direction": "BtoA", "input_channels": 3, "target_channels": 1}


def test_what_takes_inputs_sees_the_data_as_it_is(unet: UNetGenerator) -> None:
    seen = Translator(unet, Task(), "input", "eval", 0).seen(DATA)
    assert seen == DATA and seen is not DATA


def test_what_takes_targets_sees_the_sides_exchanged(unet: UNetGenerator) -> None:
    translator, before = Translator(unet, Task(), "target", "eval", 0), dict(DATA)
    seen = translator.seen(DATA)
    assert seen == {
        "name": "facades", "direction": "AtoB", "input_channels": 1, "target_channels": 3
    }  # fmt: skip
    assert translator.seen(seen) == before == DATA
