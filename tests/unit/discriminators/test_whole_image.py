"""Facts about the discriminator with one score an image."""

import pytest
import torch
from torch.nn import functional as F

from i2i.discriminators.whole_image import GlobalDiscriminator


def test_parameter_count() -> None:
    """Widths 64, 128, 256, 512, 1; batch norm behind the three in the middle."""
    expected = (6 * 64 * 16 + 64) + (512 * 16 + 1)
    expected += sum(a * 2 * a * 16 + 2 * 2 * a for a in (64, 128, 256))
    assert sum(p.numel() for p in GlobalDiscriminator(3, 3).parameters()) == expected


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (96, 64)])
def test_one_score_an_image_that_sees_all_of_it(size: tuple[int, int]) -> None:
    """Whole multiples of 32: every pixel; otherwise the last rows may fall off the strides."""
    torch.manual_seed(0)
    network = GlobalDiscriminator(3, 3, base_channels=2, norm="none")
    y = torch.rand(2, 3, *size, requires_grad=True)
    logits = network(torch.zeros(2, 3, *size), y).logits
    assert [m.shape for m in logits] == [(2, 1, 1, 1)]
    logits[0][1].sum().backward()
    touched = y.grad.abs().sum(1) > 0
    assert not touched[0].any()  # each image's score is its own
    assert touched[1, : size[0] // 32 * 32, : size[1] // 32 * 32].all()


@pytest.mark.usefixtures("float64")
def test_the_score_is_the_mean_over_space() -> None:
    """The chain written out by hand."""
    torch.manual_seed(0)
    network = GlobalDiscriminator(3, 3, base_channels=2, norm="none")
    x, y = torch.rand(2, 3, 64, 96), torch.rand(2, 3, 64, 96)
    h = torch.cat([x, y], 1)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 5
    for i, c in enumerate(convolutions):
        h = F.conv2d(h, c.weight, c.bias, stride=2, padding=1)
        if i < 4:
            h = torch.where(h > 0, h, 0.2 * h)
    assert h.shape[-2:] == (2, 3)
    score = network(x, y).logits[0].flatten()
    assert torch.allclose(score, h.flatten(1).mean(1), rtol=0, atol=1e-12)
