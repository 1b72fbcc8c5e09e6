"""Values and gradients of every norm, whatever lies in memory as NHWC, against the equations."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from i2i.blocks import InstanceNorm, make_norm

EPS = 1e-5
LAYOUTS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}
OVER = {"batch": (0, 2, 3), "instance": (2, 3), "instance_affine": (2, 3), "layer": (1, 2, 3)}
SHAPES = [(1, 4, 6, 5), (2, 4, 6, 5), (1, 32, 8, 8), (2, 32, 8, 8)]

pytestmark = pytest.mark.numeric


def by_hand(norm: str, x: Tensor, g: Tensor, scale: Tensor, shift: Tensor) -> list[Tensor]:
    """The norm y = scale * (x - m) / s + shift, and the gradients of <y, g> for x, scale and shift.

    With n = (x - m) / s and h = scale * g, that of x is (h - mean(h) - n * mean(h * n)) / s; means
    are those over which m and s are taken.
    """
    mean = lambda t: t.mean(OVER[norm], keepdim=True)  # noqa: E731
    centred = x - mean(x)
    s = (mean(centred**2) + EPS).sqrt()
    n, w = centred / s, scale.view(1, -1, 1, 1)
    h = w * g
    dx = (h - mean(h) - n * mean(h * n)) / s
    return [w * n + shift.view(1, -1, 1, 1), dx, (g * n).sum((0, 2, 3)), g.sum((0, 2, 3))]


def drawn(shape: tuple[int, ...]) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    x, g = torch.randn(2, *shape, dtype=torch.float64, generator=draw)
    scale, shift = torch.rand(2, shape[1], dtype=torch.float64, generator=draw) + 0.5
    return [3 * x + 1, g, scale, shift]


def laid_out(tensor: Tensor, layout: str) -> Tensor:
    return tensor.clone().contiguous(memory_format=LAYOUTS[layout])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("of_x", "of_g"), itertools.product(LAYOUTS, LAYOUTS))
@pytest.mark.parametrize("norm", OVER)
def test_norm_and_its_gradients(norm: str, of_x: str, of_g: str, shape: tuple[int, ...]) -> None:
    x, g, scale, shift = drawn(shape)
    layer = make_norm(norm, shape[1]).double().train()
    learnt = list(layer.parameters())
    if not learnt:
        scale, shift = torch.ones_like(scale), torch.zeros_like(shift)
    for parameter, value in zip(learnt, (scale, shift), strict=False):
        parameter.data.copy_(value)
    given = laid_out(x, of_x).requires_grad_()
    y = layer(given)
    found = [y.detach(), *torch.autograd.grad(y, [given, *learnt], laid_out(g, of_g))]
    expected = by_hand(norm, x, g, scale, shift)
    for value, right in zip(found, expected, strict=False):
        torch.testing.assert_close(value, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("inplace", [False, True])
def test_a_network_in_either_layout_has_one_gradient(inplace: bool, size: int) -> None:
    """Convolutions whose weights lie as NHWC hand such gradients on; a ReLU may work in place."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), InstanceNorm(6, affine=True),
        nn.Conv2d(6, 6, 3, padding=1), InstanceNorm(6), nn.ReLU(inplace=inplace),
        nn.Conv2d(6, 3, 3, padding=1),
    ).double()  # fmt: skip
    x, g = torch.randn(size, 3, 12, 10).double(), torch.randn(size, 3, 12, 10).double()
    found = []
    for layout in LAYOUTS:
        net.to(memory_format=LAYOUTS[layout])
        y = net(laid_out(x, layout))
        found.append(torch.autograd.grad(y, list(net.parameters()), laid_out(g, layout)))
    for plain, other in zip(*found, strict=True):
        torch.testing.assert_close(other, plain, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("affine", [False, True])
def test_a_penalty_on_the_gradient_has_one_gradient_in_either_layout(affine: bool) -> None:
    x, g, _, _ = drawn((1, 4, 6, 5))
    layer, found = InstanceNorm(4, affine=affine).double(), []
    for layout in LAYOUTS:
        given = laid_out(x, layout).requires_grad_()
        y = layer(given).tanh()
        slope = torch.autograd.grad(y, given, laid_out(g, layout), create_graph=True)[0]
        found.append(torch.autograd.grad(slope.square().sum(), given)[0])
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nchw_is_torch_s_own_bit_for_bit(
    shape: tuple[int, ...], dtype: torch.dtype, affine: bool
) -> None:
    x, g, _, _ = (tensor.to(dtype) for tensor in drawn(shape))
    found = []
    for layer in (
        nn.InstanceNorm2d(shape[1], affine=affine),
        InstanceNorm(shape[1], affine=affine),
    ):
        given = x.clone().requires_grad_()
        y = layer.to(dtype)(given)
        found.append([y, *torch.autograd.grad(y, [given, *layer.parameters()], g)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
