"""What tiles are shown and told: their place in the noise, their part of the picture."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from i2i.data.tasks.task import Task
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator
from i2i.images.quantise import to_uint8
from i2i.inference.files_to_translate import noise_name
from i2i.inference.tiled_files import PictureParts, make_tiling, picture_bands
from i2i.inference.tiles import Tiling
from i2i.inference.translator import Translator


def bands_of(image: np.ndarray, k: int, tiling: Tiling) -> tuple[np.ndarray, list[str]]:
    """The picture by a network that answers the negative, and the names that it was told."""
    names = []

    class Told(Translator):
        """Answers the negative, and keeps what it is told."""

        device = torch.device("cpu")

        def __call__(
            self, x: torch.Tensor, name: Sequence[str], z: torch.Tensor | None = None
        ) -> torch.Tensor:
            names.extend(name)
            assert z is code
            assert x.shape[-2:] == (32, 32)
            return -x

    translator, code = Told(torch.nn.Identity(), Task(), "input", "paper", 0), torch.zeros(1, 2)
    which, parts = (noise_name("deep/a", k), code), PictureParts(Task(), image, 0)
    bands = picture_bands(translator, parts, which, tiling)
    return to_uint8(torch.cat(list(bands), -2))[0].permute(1, 2, 0).numpy(), names


def test_each_tile_and_sample_has_noise_of_its_own() -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 50, 3)).astype(np.uint8)
    tiling = Tiling(32, 8, 4)
    first, names = bands_of(image, 0, tiling)
    assert np.array_equal(first, 255 - image)
    rows, columns = tiling.axis(70).starts, tiling.axis(50).starts
    assert names == [f"deep/a\x1ftile\x1f{top}\x1f{left}" for top in rows for left in columns]
    second, others = bands_of(image, 2, tiling)
    assert np.array_equal(second, first)
    assert others == [name.replace("deep/a", "deep/a\x1f2") for name in names]
    assert len({*names, *others}) == 2 * len(rows) * len(columns)


def test_the_first_sample_of_a_whole_picture_has_its_name() -> None:
    assert [noise_name("a", k) for k in (0, 1, 12)] == ["a", "a\x1f1", "a\x1f12"]


@pytest.mark.parametrize(
    ("norm", "mode", "tile", "overlap", "said"),
    [
        ("batch", "eval", 96, 40, "twice the radius"),  # 20 pixels, as test_tiles finds
        ("batch", "eval", 64, 32, "all that tile=64 allows of the 40"),
        ("batch", "paper", 256, 64, "for want of a receptive field"),
        ("instance", "eval", 64, 32, "for want of a receptive field"),
    ],
)
def test_the_overlap_follows_from_the_receptive_field(
    norm: str, mode: str, tile: int, overlap: int, said: str, capsys: pytest.CaptureFixture
) -> None:
    generator = ResnetGenerator(3, 3, base_channels=2, n_blocks=1, norm=norm)
    translator = Translator(generator, Task(), "input", mode, 0)
    assert make_tiling(tile, "auto", translator, 3) == Tiling(tile, overlap, 4)
    assert f"overlap=auto: {overlap} pixels, {said}" in capsys.readouterr().out
    assert make_tiling(tile, 8, translator, 3) == Tiling(tile, 8, 4)


def test_the_overlap_asks_nothing_of_a_generator_but_its_divisor() -> None:
    """That of the README's recipe: two 3 x 3 convolutions reach 2 pixels far."""
    generator = torch.nn.Sequential(
        torch.nn.Conv2d(4, 2, 3, padding=1), torch.nn.Conv2d(2, 3, 3, padding=1)
    )
    generator.divisor = 1
    translator = Translator(generator, Task(), "input", "paper", 0)
    assert make_tiling(64, "auto", translator, 4).overlap == 4


def test_the_overlap_of_a_generator_with_a_code_is_that_without() -> None:
    """Three halvings: the code stands beside maps, and reaches nowhere itself."""
    found = []
    for latent in (0, 2):
        torch.manual_seed(0)
        unet = UNetGenerator(3, 3, 2, 3, "none", 0.0, latent=latent)
        translator = Translator(unet, Task(), "input", "eval", 0, latent=latent)
        found.append(make_tiling(256, "auto", translator, 3))
    assert found[0] == found[1] and 0 < found[0].overlap < 128
