"""Facts about the coarse-to-fine generator."""

import numpy as np
import pytest
import torch
from torch import nn

from i2i.errors import SettingError
from i2i.generators.pix2pixhd import Pix2PixHDGenerator
from i2i.generators.resnet import ResnetBlock


def picture(side: int) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def small(**options: object) -> Pix2PixHDGenerator:
    torch.manual_seed(0)
    settings = {"base_channels": 4, "n_downs": 2, "n_blocks": 2} | options
    return Pix2PixHDGenerator(3, 3, **settings).eval()


def convolutions(network: nn.Module) -> list[tuple[int, int, int]]:
    """Channels in, channels out and kernel, in order."""
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0])
        for m in network.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]


def test_layers_of_the_paper() -> None:
    """Wang et al. 2018, appendix: c7s1-64, d128 to d1024, R1024 x 9, u512 to u64; c7s1-32, d64."""
    with torch.device("meta"):
        generator = Pix2PixHDGenerator(3, 3)
    assert convolutions(generator.coarse) == [
        (3, 64, 7), (64, 128, 3), (128, 256, 3), (256, 512, 3), (512, 1024, 3),
        *[(1024, 1024, 3)] * 18,
        (1024, 512, 3), (512, 256, 3), (256, 128, 3), (128, 64, 3),
    ]  # fmt: skip
    assert convolutions(generator.front) == [(3, 32, 7), (32, 64, 3)]
    assert convolutions(generator.back) == [*[(64, 64, 3)] * 6, (64, 32, 3)]
    assert convolutions(generator.out) == [(32, 3, 7)]


def test_image_is_halved_by_the_mean_of_the_pixels_it_has() -> None:
    """3 x 3, every second pixel, by explicit loops; nothing outside the image is counted."""
    x = picture(8)
    expected = np.empty((3, 4, 4), np.float32)
    for channel in range(3):
        for i in range(4):
            for j in range(4):
                rows = [r for r in range(2 * i - 1, 2 * i + 2) if 0 <= r < 8]
                columns = [c for c in range(2 * j - 1, 2 * j + 2) if 0 <= c < 8]
                seen = x[0, channel].numpy()[np.ix_(rows, columns)]
                expected[channel, i, j] = seen.mean()
    np.testing.assert_allclose(small().halve(x)[0].numpy(), expected, atol=1e-6)


def test_coarse_features_are_added_to_those_of_the_front_end() -> None:
    generator, x = small(), picture(32)
    with torch.no_grad():
        halved = generator.halve(x)
        coarse, fine = generator.coarse(halved), generator.front(x)
        assert coarse.shape == fine.shape == (1, 4, 16, 16)
        assert torch.equal(generator(x), generator.out(generator.back(fine + coarse)))
        whole = generator(x)
        # Without the front end the output is the global generator's alone, and the reverse.
        cut = {"front": coarse, "coarse": fine}
        for part, left in cut.items():
            hook = getattr(generator, part).register_forward_hook(lambda _m, _i, o: o * 0)
            alone = generator(x)
            hook.remove()
            assert torch.equal(alone, generator.out(generator.back(left)))
            assert not torch.allclose(alone, whole)


def test_global_generator_alone_has_its_own_output_and_no_enhancer() -> None:
    generator, x = small(n_enhancers=0), picture(16)
    assert generator.divisor == 4
    assert {name for name, _ in generator.named_children()} == {"coarse", "out"}
    with torch.no_grad():
        assert torch.equal(generator(x), generator.out(generator.coarse(x)))
    assert convolutions(generator.out) == [(4, 3, 7)]


@pytest.mark.parametrize(("n_enhancers", "divisor"), [(0, 8), (1, 16)])
def test_divisor(n_enhancers: int, divisor: int) -> None:
    assert small(n_downs=3, n_enhancers=n_enhancers).divisor == divisor


def test_numbers_of_blocks() -> None:
    generator = small(n_blocks=5, n_local_blocks=2)
    for part, n_blocks in ((generator.coarse, 5), (generator.back, 2)):
        assert [type(m) for m in part].count(ResnetBlock) == n_blocks


def test_more_than_one_enhancer_is_refused() -> None:
    with pytest.raises(SettingError, match=r"generator\.n_enhancers=2: found 2; expected 0 or 1"):
        small(n_enhancers=2)


def test_an_odd_width_cannot_be_halved_for_the_enhancer() -> None:
    with pytest.raises(SettingError, match=r"generator\.base_channels=5: found 5; .*even"):
        small(base_channels=5)
    assert small(base_channels=5, n_enhancers=0)(picture(16)).shape == (1, 3, 16, 16)
