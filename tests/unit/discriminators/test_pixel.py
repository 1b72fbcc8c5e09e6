"""Facts about PixelGAN."""

import torch
from torch import nn

from i2i.discriminators.pixel import PixelDiscriminator


def test_parameter_count() -> None:
    """C64-C128 and a score, all 1 x 1; under batch norm the first alone has a bias."""
    expected = (6 * 64 + 64) + (64 * 128 + 2 * 128) + 128
    network = PixelDiscriminator(3, 3)
    assert sum(p.numel() for p in network.parameters()) == expected == 9024
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [m.bias is None for m in convolutions] == [False, True, True]
    plain = PixelDiscriminator(3, 3, norm="instance")
    assert sum(p.numel() for p in plain.parameters()) == expected + 128 + 1 - 2 * 128


def test_a_logit_sees_its_own_pixel_alone() -> None:
    torch.manual_seed(0)
    network = PixelDiscriminator(3, 3, base_channels=4, norm="none")
    x, y = (torch.rand(1, 3, 16, 24, requires_grad=True) for _ in range(2))
    logits = network(x, y).logits[0]
    assert logits.shape == (1, 1, 16, 24)
    logits[0, 0, 5, 20].backward()
    for image in (x, y):
        touched = image.grad.abs().sum((0, 1)) > 0
        assert touched.nonzero().tolist() == [[5, 20]]


def test_features_are_its_two_hidden_layers() -> None:
    out = PixelDiscriminator(3, 1, base_channels=4)(torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8))
    assert [m.shape for m in out.features[0]] == [(2, 4, 8, 8), (2, 8, 8, 8)]
