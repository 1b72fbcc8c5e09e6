"""Facts about the U-Net of residual units."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from i2i.errors import SettingError
from i2i.generators.resunet import ResidualUnit, ResUNetGenerator


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.usefixtures("float64")
def test_unit_is_the_formula_of_the_paper() -> None:
    """Zhang et al. 2018, Fig. 1b: norm, ReLU, convolution, twice; strided with a 1 x 1 shortcut."""
    torch.manual_seed(0)
    unit = ResidualUnit(3, 5, "instance", stride=2)
    x = picture(2, 3, 8, 8)
    conv1, conv2 = (m for m in unit.body if isinstance(m, nn.Conv2d))

    def normalised(h: torch.Tensor) -> torch.Tensor:
        variance, mean = torch.var_mean(h, (2, 3), correction=0, keepdim=True)
        return (h - mean) / (variance + 1e-5).sqrt()

    h = F.conv2d(normalised(x).clamp(min=0), conv1.weight, conv1.bias, stride=2, padding=1)
    h = F.conv2d(normalised(h).clamp(min=0), conv2.weight, conv2.bias, padding=1)
    # A 1 x 1 convolution with stride 2: a matrix at every second pixel.
    shortcut = torch.einsum("oc,bchw->bohw", unit.shortcut.weight[:, :, 0, 0], x[..., ::2, ::2])
    assert torch.allclose(unit(x), h + shortcut, rtol=0, atol=1e-12)


def test_shortcut_is_the_input_where_nothing_changes() -> None:
    unit = ResidualUnit(4, 4, "batch")
    nn.init.zeros_(unit.body[-1].weight)
    nn.init.zeros_(unit.body[-1].bias)
    x = picture(2, 4, 6, 6)
    assert torch.equal(unit(x), x)


def test_the_image_itself_is_neither_normalised_nor_clipped() -> None:
    """Before its first norm a network of instance norms sees how bright the image is."""
    generator = ResUNetGenerator(3, 3, base_channels=4, n_downs=2)
    assert isinstance(generator.downs[0].body[0], nn.Conv2d)
    assert all(isinstance(unit.body[0], nn.InstanceNorm2d) for unit in generator.downs[1:])


def test_widths_and_sizes() -> None:
    generator = ResUNetGenerator(3, 3, base_channels=2, n_downs=4)
    shapes = []
    for unit in [*generator.downs, *generator.ups]:
        unit.register_forward_hook(lambda _m, i, o: shapes.append((i[0].shape[1], *o.shape[1:3])))
    generator(picture(1, 3, 64, 64))
    assert shapes == [
        (3, 2, 64), (2, 4, 32), (4, 8, 16), (8, 16, 8), (16, 16, 4),
        (32, 16, 8), (24, 8, 16), (12, 4, 32), (6, 2, 64),
    ]  # fmt: skip


def test_skip_connections_reach_the_output() -> None:
    """With the decoder deaf to everything from below, the input still gets through."""
    generator = ResUNetGenerator(3, 3, base_channels=4, n_downs=2).eval()
    images = picture(1, 3, 16, 16), -picture(1, 3, 16, 16)
    with torch.no_grad():
        for weight in generator.ups[0].parameters():
            weight.zero_()
        assert not torch.equal(*[generator(x) for x in images])
        c = 4
        # The last unit hears the encoder's full-size maps in its first c channels alone.
        generator.ups[1].body[2].weight[:, :c] = 0
        generator.ups[1].shortcut.weight[:, :c] = 0
        assert torch.equal(*[generator(x) for x in images])


def test_dropout_is_in_every_unit() -> None:
    generator = ResUNetGenerator(3, 3, base_channels=2, n_downs=2, dropout=0.3)
    drops = [m.p for m in generator.modules() if isinstance(m, nn.Dropout)]
    assert drops == [0.3] * 5
    assert not any(isinstance(m, nn.Dropout) for m in ResUNetGenerator(3, 3, 2).modules())


def test_no_halving_is_refused() -> None:
    with pytest.raises(SettingError, match=r"generator\.n_downs=0: found 0; expected at least 1"):
        ResUNetGenerator(3, 3, n_downs=0)
