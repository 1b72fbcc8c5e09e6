"""The count of a step's operations, against PyTorch's own counter and against arithmetic."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.step_flops import FlopCount


def test_a_forward_and_backward_pass_counts_what_torch_counts() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 2, 4, 2))
    x = torch.zeros(2, 3, 16, 16)
    with FlopCounterMode(display=False) as theirs:
        network(x).sum().backward()
    with FlopCount() as ours:
        network(x).sum().backward()
    assert ours.total == theirs.get_total_flops() > 0


def test_the_gradient_of_a_gradient_is_counted() -> None:
    """With y = W x and the penalty |dy/dx|^2: products of (1, 4) with (4, 5), 40 each."""
    weight = torch.ones(4, 5, device="meta", requires_grad=True)
    x = torch.ones(1, 4, device="meta", requires_grad=True)
    with FlopCount() as count:
        (gradient,) = torch.autograd.grad((x @ weight).sum(), x, create_graph=True)
        assert count.total == 2 * 40  # forward, and the gradient with respect to x
        gradient.square().sum().backward()
    assert count.total == 3 * 40  # the gradient of the latter with respect to W
