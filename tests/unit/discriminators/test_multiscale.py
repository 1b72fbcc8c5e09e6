"""Facts about the multi-scale discriminator."""

from itertools import pairwise

import pytest
import torch

from i2i.discriminators.multiscale import MultiscaleDiscriminator, halve
from i2i.errors import SettingError


def test_parameter_count() -> None:
    """Three times PatchGAN, whose convolutions keep their bias under instance norm."""
    widths = (64, 128, 256, 512)
    one = 6 * 64 * 16 + 64 + 512 * 16 + 1
    one += sum(a * b * 16 + b for a, b in pairwise(widths))
    assert sum(p.numel() for p in MultiscaleDiscriminator(3, 3).parameters()) == 3 * one


@pytest.mark.parametrize(("scale", "expected"), [(0, 70), (1, 141), (2, 283)])
def test_receptive_field_of_each_scale(scale: int, expected: int) -> None:
    """70 pixels of the scale: 3 + 2 * 69 after one 3 x 3 mean, 7 + 4 * 69 after two."""
    torch.manual_seed(0)
    network = MultiscaleDiscriminator(3, 3, base_channels=2, norm="none")
    y = torch.rand(1, 3, 512, 512, requires_grad=True)
    logits = network(torch.zeros(1, 3, 512, 512), y).logits[scale]
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    touched = y.grad.abs().sum((0, 1))
    assert (touched.sum(1) > 0).sum() == expected
    assert (touched.sum(0) > 0).sum() == expected


def test_halving_is_the_mean_of_the_pixels_that_are_there() -> None:
    image = torch.arange(1.0, 21.0).view(1, 1, 4, 5)
    rows = [range(0, 2), range(1, 4)]  # around rows 0 and 2
    columns = [range(0, 2), range(1, 4), range(3, 5)]  # around columns 0, 2 and 4
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            values = [image[0, 0, r, c].item() for r in row for c in column]
            assert halve(image)[0, 0, i, j].item() == pytest.approx(sum(values) / len(values))
    assert halve(image).shape == (1, 1, 2, 3)


def test_each_scale_is_a_network_of_its_own_on_the_halved_pair() -> None:
    torch.manual_seed(0)
    network = MultiscaleDiscriminator(3, 1, base_channels=2).eval()
    x, y = torch.rand(2, 3, 96, 128), torch.rand(2, 1, 96, 128)
    out = network(x, y)
    assert [m.shape for m in out.logits] == [(2, 1, 15, 19), (2, 1, 9, 11), (2, 1, 6, 7)]
    assert [len(maps) for maps in out.features] == [4, 4, 4]
    halves = [(x, y), (halve(x), halve(y)), (halve(halve(x)), halve(halve(y)))]
    for scale, (small_x, small_y) in enumerate(halves):
        alone = network.scales[scale](small_x, small_y)
        assert torch.equal(out.logits[scale], alone.logits[0])
        assert torch.equal(out.features[scale][0], alone.features[0][0])
    assert not torch.equal(network.scales[0].score.weight, network.scales[1].score.weight)


def test_logits_of_the_released_code_at_256_pixels() -> None:
    """4 x 4 pixels padded by 2: 256, 129, 65, 33, 34, 35; 128, 65, 33, 17, 18, 19; 64, .., 11."""
    image = torch.zeros(1, 3, 256, 256)
    out = MultiscaleDiscriminator(3, 3, base_channels=1)(image, image)
    assert [m.shape[-2:] for m in out.logits] == [(35, 35), (19, 19), (11, 11)]


def test_number_of_scales() -> None:
    assert len(MultiscaleDiscriminator(3, 3, 2, n_scales=2).scales) == 2
    with pytest.raises(SettingError, match=r"discriminator\.n_scales=0.*at least 1"):
        MultiscaleDiscriminator(3, 3, 2, n_scales=0)


def test_the_scales_of_bicyclegan() -> None:
    """Zhu et al. 2017b: PatchGANs of 64 and 32 maps, 30 and 14 logits of 256 pixels."""
    network = MultiscaleDiscriminator(
        3, 3, n_scales=2, padding=1, narrowing=True, conditional=False
    )
    image = torch.zeros(1, 3, 256, 256)
    out = network(image, image)
    assert [m.shape[-2:] for m in out.logits] == [(30, 30), (14, 14)]
    assert [maps[0].shape[1] for maps in out.features] == [64, 32]
    counts = []
    for c in (64, 32):
        widths = (c, 2 * c, 4 * c, 8 * c)
        one = 3 * c * 16 + c + 8 * c * 16 + 1
        counts.append(one + sum(a * b * 16 + b for a, b in pairwise(widths)))
    assert sum(p.numel() for p in network.parameters()) == sum(counts) == 3_458_978
