"""Facts about the residual encoder."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from i2i.encoders.resnet import HalvingUnit, ResnetEncoder
from i2i.errors import SettingError


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_count_by_hand() -> None:
    """64 maps, then units to 128, 192, 256 and 256, and two linear layers of 256 -> 8."""
    total = 3 * 64 * 16 + 64
    for a, b in ((64, 128), (128, 192), (192, 256), (256, 256)):
        total += a * a * 9 + a + a * b * 9 + b + a * b + b
    total += 2 * (256 * 8 + 8)
    with torch.device("meta"):
        assert count(ResnetEncoder(3)) == total == 2_590_032


def test_shapes_of_each_layer_at_256_pixels() -> None:
    encoder = ResnetEncoder(3, base_channels=2)
    sizes = []
    for layer in (encoder.first, *encoder.units):
        layer.register_forward_hook(lambda *_: sizes.append(tuple(_[2].shape[1:])))
    mean, log_variance = encoder(torch.zeros(1, 3, 256, 256))
    assert sizes == [(2, 128, 128), (4, 64, 64), (6, 32, 32), (8, 16, 16), (8, 8, 8)]
    assert mean.shape == log_variance.shape == (1, 8)


@pytest.mark.usefixtures("float64")
def test_a_unit_by_hand() -> None:
    """Norm and LeakyReLU before each 3 x 3 convolution; means over 2 x 2 pixels."""
    torch.manual_seed(0)
    unit, x = HalvingUnit(2, 3, "instance"), torch.rand(2, 2, 6, 8)

    def normed(maps: torch.Tensor) -> torch.Tensor:
        mean = maps.mean((2, 3), keepdim=True)
        variance = (maps - mean).square().mean((2, 3), keepdim=True)
        return (maps - mean) / (variance + 1e-5).sqrt()

    def activated(maps: torch.Tensor) -> torch.Tensor:
        return torch.where(maps > 0, maps, 0.2 * maps)

    def halved(maps: torch.Tensor) -> torch.Tensor:
        rows = maps[:, :, ::2] + maps[:, :, 1::2]
        return (rows[..., ::2] + rows[..., 1::2]) / 4

    first, second = unit.body[2], unit.body[5]
    h = F.conv2d(activated(normed(x)), first.weight, first.bias, padding=1)
    h = F.conv2d(activated(normed(h)), second.weight, second.bias, padding=1)
    skipped = F.conv2d(halved(x), unit.shortcut.weight, unit.shortcut.bias)
    torch.testing.assert_close(unit(x), skipped + halved(h), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", ["batch", "instance", "layer", "spectral", "none"])
def test_every_parameter_learns_under_every_norm_and_any_size(norm: str) -> None:
    torch.manual_seed(0)
    encoder = ResnetEncoder(1, latent=3, base_channels=2, n_downs=3, norm=norm)
    mean, log_variance = encoder(torch.rand(2, 1, 21, 34) * 2 - 1)
    assert mean.shape == log_variance.shape == (2, 3) and mean.dtype == torch.float32
    (mean.square().sum() + log_variance.square().sum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())
    assert all(p.grad.abs().max() > 0 for p in encoder.first.parameters())


def test_the_smallest_images_work_and_smaller_ones_are_refused() -> None:
    encoder = ResnetEncoder(3, base_channels=2, n_downs=3)
    assert encoder(torch.rand(1, 3, 8, 8))[0].isfinite().all()
    with pytest.raises(SettingError, match=r"dataset\.image_size: found 8 x 7 pixels.*n_downs"):
        encoder(torch.rand(1, 3, 8, 7))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"latent": 0},
            r"model\.encoder\.latent=0: found a code without numbers; expected at least 1",
        ),
        ({"n_downs": 1}, r"model\.encoder\.n_downs=1: found 1; expected at least 2"),
        ({"norm": "bach"}, r"model\.encoder\.norm=bach: found 'bach'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        ResnetEncoder(3, base_channels=2, **options)
