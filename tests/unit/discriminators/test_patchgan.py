"""Facts about PatchGAN."""

from itertools import pairwise

import pytest
import torch

from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError


def test_parameter_count_of_the_paper() -> None:
    assert sum(p.numel() for p in PatchDiscriminator(3, 3).parameters()) == 2_768_705


@pytest.mark.parametrize(
    ("n_layers", "widths"), [(1, [64, 128]), (5, [64, 128, 256, 512, 512, 512])]
)
def test_parameter_counts_of_the_other_sizes(n_layers: int, widths: list[int]) -> None:
    """C64-C128 and C64-C128-C256-C512-C512-C512 (App. 6.1.2): 4 x 4 weights, batch norm's two."""
    expected = 6 * 64 * 16 + 64  # the first layer has a bias and no norm
    expected += sum(a * b * 16 + 2 * b for a, b in pairwise(widths))
    expected += widths[-1] * 16 + 1
    network = PatchDiscriminator(3, 3, n_layers=n_layers)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize(("n_layers", "expected"), [(1, 16), (2, 34), (3, 70), (5, 286)])
def test_receptive_field(n_layers: int, expected: int) -> None:
    """Counts the input rows that have a gradient from one logit; 70 for three layers."""
    torch.manual_seed(0)
    network = PatchDiscriminator(3, 3, base_channels=2, n_layers=n_layers, norm="none")
    y = torch.rand(1, 3, 512, 512, requires_grad=True)
    logits = network(torch.zeros(1, 3, 512, 512), y).logits[0]
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    touched = y.grad.abs().sum((0, 1))
    assert (touched.sum(1) > 0).sum() == expected
    assert (touched.sum(0) > 0).sum() == expected


def test_output_map_is_30_by_30() -> None:
    out = PatchDiscriminator(3, 3, base_channels=2)(
        torch.zeros(2, 3, 256, 256), torch.zeros(2, 3, 256, 256)
    )
    assert [m.shape for m in out.logits] == [(2, 1, 30, 30)]
    assert len(out.features[0]) == 4


def test_condition_is_seen_only_where_asked() -> None:
    torch.manual_seed(0)
    y = torch.rand(1, 3, 64, 64)
    for conditional in (True, False):
        network = PatchDiscriminator(3, 3, 4, conditional=conditional).eval()
        a, b = (network(torch.full_like(y, v), y).logits[0] for v in (-1.0, 1.0))
        assert torch.equal(a, b) is not conditional


def test_no_strided_layer_is_refused() -> None:
    with pytest.raises(SettingError, match=r"discriminator\.n_layers=0.*at least 1.*pixel"):
        PatchDiscriminator(3, 3, n_layers=0)


@pytest.mark.parametrize(("n_layers", "pixels"), [(1, 18), (3, 84)])
def test_blur_instead_of_strides(n_layers: int, pixels: int) -> None:
    """The same weights, logits of the same places, and no stride in a convolution."""
    torch.manual_seed(0)
    options = {"base_channels": 2, "n_layers": n_layers, "norm": "none"}
    plain, network = (
        PatchDiscriminator(3, 3, **options),
        PatchDiscriminator(3, 3, blur=True, **options),
    )
    shapes = [{n: p.shape for n, p in d.state_dict().items()} for d in (plain, network)]
    assert shapes[0] == shapes[1]
    strides = {m.stride for m in network.modules() if isinstance(m, torch.nn.Conv2d)}
    assert strides == {(1, 1)}
    y = torch.rand(1, 3, 256, 256, requires_grad=True)
    (logits,), *_ = network(y.detach(), y)
    assert logits.shape == plain(y, y).logits[0].shape
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    assert (y.grad.abs().sum((0, 1)) > 0).any(0).sum() == pixels
