"""Norms, resampling with a blur, and the weights that networks start from."""

import numpy as np
import pytest
import torch
from torch import nn

from i2i.blocks import (
    NORMS,
    BlurDown,
    Dropout,
    add_spectral_norm,
    blur_up,
    check_image_size,
    has_batch_norm,
    make_norm,
    needs_bias,
)
from i2i.errors import SettingError
from i2i.weight_init import init_normal

X = torch.randn(4, 6, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 2
X += torch.arange(6).view(1, 6, 1, 1) + 5 * torch.arange(4).view(4, 1, 1, 1)  # none alike


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("norm", ["instance", "layer", "spectral", "none"])
def test_only_batch_norm_mixes_the_samples(norm: str) -> None:
    layer = make_norm(norm, 6).train()
    x = X.double()
    assert torch.allclose(layer(x)[:1], layer(x[:1]), rtol=0, atol=1e-12)
    assert not has_batch_norm(nn.Sequential(nn.Conv2d(3, 6, 1), layer))


def test_batch_norm_does_mix_them() -> None:
    layer = make_norm("batch", 6).train()
    assert not torch.allclose(layer(X)[:1], layer(X[:1]), atol=1e-2)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("norm", "over"), [("batch", (0, 2, 3)), ("instance", (2, 3)), ("layer", (1, 2, 3))]
)
def test_each_norm_is_over_its_own_dimensions(norm: str, over: tuple[int, ...]) -> None:
    x = X.double()
    variance, mean = torch.var_mean(x, over, correction=0, keepdim=True)
    expected = (x - mean) / (variance + 1e-5).sqrt()
    assert torch.allclose(make_norm(norm, 6).train()(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_these_leave_the_feature_maps_alone(norm: str) -> None:
    assert torch.equal(make_norm(norm, 6)(X), X)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("norm", NORMS)
def test_without_scale_and_shift_nothing_is_learnt(norm: str) -> None:
    """At the start scale and shift are 1 and 0, so that the result is the same."""
    layer = make_norm(norm, 6, affine=False).train()
    assert list(layer.parameters()) == []
    x = X.double()
    assert torch.allclose(layer(x), make_norm(norm, 6).train()(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("norm", "parameters", "buffers"),
    [("batch", 12, 3), ("instance", 0, 0), ("layer", 12, 0), ("spectral", 0, 0), ("none", 0, 0)],
)
def test_what_each_norm_learns_and_keeps(norm: str, parameters: int, buffers: int) -> None:
    layer = make_norm(norm, 6)
    assert sum(p.numel() for p in layer.parameters()) == parameters
    assert len(list(layer.buffers())) == buffers


@pytest.mark.parametrize("norm", NORMS)
def test_a_bias_stays_where_the_norm_brings_no_shift(norm: str) -> None:
    assert needs_bias(norm) is (getattr(make_norm(norm, 6), "bias", None) is None)


@pytest.mark.parametrize("norm", ["Batch", "group", ""])
def test_an_unknown_norm_is_refused_with_its_option(norm: str) -> None:
    with pytest.raises(SettingError) as caught:
        make_norm(norm, 6, "generator.norm")
    assert f"generator.norm={norm}: found {norm!r}" in str(caught.value)
    assert "batch, instance, instance_affine, layer, spectral, none" in str(caught.value)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(2), nn.BatchNorm2d(2), nn.SyncBatchNorm(2)])
def test_every_kind_of_batch_norm_is_seen_at_any_depth(layer: nn.Module) -> None:
    assert has_batch_norm(nn.Sequential(nn.ReLU(), nn.Sequential(layer)))


def test_initial_weights_are_those_of_the_paper() -> None:
    """Isola et al. 2017, Sec. 6.2."""
    torch.manual_seed(0)
    plain = [nn.Conv2d(32, 32, 4), nn.ConvTranspose2d(32, 32, 4), nn.Linear(128, 128)]
    norms = [nn.BatchNorm2d(4096), nn.GroupNorm(1, 4096)]
    init_normal(
        nn.ModuleList([*plain, *norms, nn.InstanceNorm2d(4), nn.Conv2d(3, 3, 1, bias=False)])
    )
    for layer in plain:
        assert layer.weight.mean().item() == pytest.approx(0, abs=1e-3)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for layer in norms:
        assert layer.weight.mean().item() == pytest.approx(1, abs=2e-3)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert all(not layer.bias.any() for layer in [*plain, *norms])


def matrix(layer: nn.Module) -> np.ndarray:
    """The weight in use, one row an output channel."""
    weight = layer.weight.detach()
    if isinstance(layer, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    return weight.flatten(1).numpy()


LAYERS = {
    "conv": lambda: nn.Conv2d(3, 8, 3),
    "transposed": lambda: nn.ConvTranspose2d(8, 4, 4, 2, 1),
    "linear": lambda: nn.Linear(12, 5),
}
INPUTS = {"conv": (1, 3, 5, 5), "transposed": (1, 8, 5, 5), "linear": (1, 12)}


@pytest.mark.parametrize("kind", LAYERS)
def test_spectral_norm_makes_the_largest_singular_value_1(kind: str) -> None:
    """Miyato et al. 2018, Eq. 8, against numpy's decomposition of the weights before and after."""
    torch.manual_seed(0)
    network = nn.Sequential(LAYERS[kind]()).train()
    before = matrix(network[0])
    add_spectral_norm(network)
    with torch.no_grad():
        for _ in range(100):
            network(torch.zeros(INPUTS[kind]))
    largest = np.linalg.svd(before, compute_uv=False)[0]
    assert abs(largest - 1) > 0.05
    np.testing.assert_allclose(matrix(network[0]), before / largest, atol=1e-4)
    assert np.linalg.svd(matrix(network[0]), compute_uv=False)[0] == pytest.approx(1, abs=1e-3)


def test_spectral_norm_at_any_depth_once_and_nowhere_else() -> None:
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4), nn.Linear(2, 2))
    add_spectral_norm(network)
    names = [name for name, _ in network.named_parameters()]
    add_spectral_norm(network)
    assert [name for name, _ in network.named_parameters()] == names
    assert sorted(name for name in names if "original" in name) == [
        "0.0.parametrizations.weight.original",
        "2.parametrizations.weight.original",
    ]


def test_spectral_norm_is_still_in_evaluation_mode() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3))
    add_spectral_norm(network)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.ones(1, 3, 4, 4))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("size", "divisor", "smallest", "fits"),
    [
        ((8, 12), 4, 1, True), ((8, 10), 4, 1, False), ((6, 8), 4, 1, False),
        ((4, 8), 4, 8, False), ((8, 8), 4, 8, True),
    ],
)  # fmt: skip
def test_sizes_that_fit(size: tuple[int, int], divisor: int, smallest: int, fits: bool) -> None:
    x = torch.zeros(1, 3, *size)
    if fits:
        check_image_size(x, divisor, smallest)
        return
    least = f", at least {smallest}" if smallest > divisor else ""
    with pytest.raises(SettingError) as caught:
        check_image_size(x, divisor, smallest, ", or something else")
    assert str(caught.value) == (
        f"dataset.image_size: found {size[0]} x {size[1]} pixels; expected multiples of {divisor}"
        f"{least}. Change dataset.image_size, or something else."
    )


@pytest.mark.parametrize("p", [0.25, 0.5])
def test_noise_is_the_same_in_both_memory_layouts(p: float) -> None:
    x = torch.rand(2, 5, 4, 3) + 1
    dropped = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        dropped.append(Dropout(p)(x.contiguous(memory_format=layout)))
    torch.manual_seed(0)
    assert torch.equal(dropped[0], torch.nn.functional.dropout(x, p))
    assert torch.equal(dropped[1], dropped[0])
    assert dropped[1].is_contiguous(memory_format=torch.channels_last)
    assert 0 < int((dropped[0] == 0).sum()) < x.numel()
    assert torch.equal(Dropout(p).eval()(x), x)


def test_what_is_kept_is_scaled_in_full_precision() -> None:
    x = torch.full((2, 3, 4, 4), 3.0, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    assert set(Dropout(0.25)(x).unique().tolist()) == {0.0, 4.0}  # 3 / 0.75; not 3 * bf16(4 / 3)


def test_blurred_halving_is_a_binomial_of_every_second_pixel() -> None:
    x = torch.rand(2, 3, 7, 6, dtype=torch.float64)
    found = BlurDown().double()(x)
    assert found.shape == (2, 3, 4, 3)
    weights = {-1: 0.25, 0: 0.5, 1: 0.25}
    mirror = lambda i, side: abs(i) if i < side else 2 * (side - 1) - i  # noqa: E731
    for i in range(4):
        for j in range(3):
            expected = sum(
                a * b * x[:, :, mirror(2 * i + m, 7), mirror(2 * j + n, 6)]
                for m, a in weights.items()
                for n, b in weights.items()
            )
            assert torch.allclose(found[:, :, i, j], expected, rtol=1e-12)
    assert BlurDown().state_dict() == {}


def test_blurred_doubling_is_zeros_between_and_a_binomial_of_four() -> None:
    """By a transposed convolution with (1, 3, 3, 1) / 4, the borders repeated."""
    x = torch.rand(2, 3, 5, 4, dtype=torch.float64)
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 4
    kernel = torch.outer(line, line).expand(3, 1, 4, 4)
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
    wide = torch.nn.functional.conv_transpose2d(padded, kernel, stride=2, groups=3)
    assert torch.allclose(blur_up()(x), wide[:, :, 3:-3, 3:-3], rtol=1e-12)


def test_what_is_too_fine_for_half_the_size_is_gone() -> None:
    """Stripes of one pixel, which a stride would turn into black or white."""
    stripes = torch.ones(1, 1, 8, 8)
    stripes[..., ::2] = -1
    assert torch.equal(BlurDown()(stripes)[..., 1:], torch.zeros(1, 1, 4, 3))
