"""Facts about PatchGAN."""

import pytest
import torch

from i2i.discriminators.patchgan import PatchDiscriminator


def test_parameter_count_of_the_paper() -> None:
    assert sum(p.numel() for p in PatchDiscriminator(3, 3).parameters()) == 2_768_705


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
