"""Gradients are averaged over processes, while the backward pass goes on."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn

from i2i.cluster import strategy
from i2i.cluster.strategy import averaged_gradients, messages
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator

TESTS = Path(__file__).resolve().parents[2]


def chain() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*[nn.Linear(4, 4, bias=False) for _ in range(4)])


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What goes out, as two equal processes would send it, one message a layer."""
    events: list[Any] = []

    def all_reduce(flat: torch.Tensor, async_op: bool) -> Any:
        assert async_op
        events.append(flat.clone())
        return SimpleNamespace(wait=lambda: events.append("wait") or flat.mul_(2))

    monkeypatch.setattr(strategy, "MESSAGE", 16)
    monkeypatch.setattr(dist, "all_reduce", all_reduce)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    return events


def test_messages_leave_while_the_pass_goes_on(sent: list[Any]) -> None:
    network = chain()
    network[0].weight.register_hook(lambda _: sent.append("first layer"))
    with averaged_gradients(list(network.parameters())):
        network(torch.ones(1, 4)).sum().backward()
        assert [e if isinstance(e, str) else "message" for e in sent] == [
            *["message"] * 3, "first layer", "message",
        ]  # fmt: skip
        expected = [layer.weight.grad.reshape(-1) for layer in reversed(network)]
    messages = [e for e in sent if isinstance(e, torch.Tensor)]
    assert all(torch.equal(a, b) for a, b in zip(messages, expected, strict=True))
    assert sent[-4:] == ["wait"] * 4
    sent.clear()
    network(torch.ones(1, 4)).sum().backward()
    assert sent == ["first layer"]  # no other hook is left


@pytest.mark.parametrize(
    ("network", "fewest"),
    [(ResnetGenerator, 4), (PatchDiscriminator, 2), (UNetGenerator, 8)],
)
def test_networks_of_full_width_have_several_messages(network: Any, fewest: int) -> None:
    """With but one, nothing would travel while the pass goes on; many small ones would be slow."""
    with torch.device("meta"):
        parameters = list(network(3, 3).parameters())
    groups = messages(parameters[::-1])
    assert fewest <= len(groups) <= 16
    sizes = [sum(p.numel() for p in group) for group in groups]
    assert sum(sizes) == sum(p.numel() for p in parameters)
    assert sizes[-1] < sum(sizes) / 4  # the rest is on its way before the pass is over
    assert min(sizes[:-1]) >= strategy.MESSAGE


def test_a_gradient_penalty_sends_each_gradient_once_and_whole(sent: list[Any]) -> None:
    network, plain = chain(), chain()

    def penalty(of: nn.Module) -> torch.Tensor:
        x = torch.ones(2, 4, requires_grad=True)
        (gradient,) = torch.autograd.grad(of(x).tanh().sum(), x, create_graph=True)
        return gradient.square().sum() + of(x).square().mean()

    penalty(plain).backward()
    with averaged_gradients(list(network.parameters())):
        loss = penalty(network)
        assert sent == []
        loss.backward()
    assert len(sent) == 8
    for one, two in zip(network.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_what_the_pass_does_not_reach_is_sent_at_its_end(sent: list[Any]) -> None:
    """The gradient of an earlier part of the batch; a weight without one is left out."""
    network = chain()
    network[3].weight.grad = torch.full((4, 4), 5.0)
    with averaged_gradients(list(network.parameters())):
        network[:2](torch.ones(1, 4)).sum().backward()
        assert sent == []  # the last layer's message leaves first in every process
    assert [float(e.max()) for e in sent[:1]] == [5.0]
    assert len(sent) == 6
    assert network[2].weight.grad is None


def test_an_error_in_the_pass_waits_for_nobody(sent: list[Any]) -> None:
    network = chain()
    with pytest.raises(KeyError), averaged_gradients(list(network.parameters())):
        raise KeyError
    assert sent == []


def test_two_processes_hold_the_same_mean(tmp_path: Path) -> None:
    program = [sys.executable, str(TESTS / "averages_on_two.py")]
    path = os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])
    processes = [
        subprocess.Popen(
            [*program, str(rank), str(tmp_path)], env=os.environ | {"PYTHONPATH": path}
        )
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0, 0]
    finally:
        for process in processes:  # where one has died, the other would wait for it
            process.kill()
            process.wait()
    one, two = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    for (own1, mean1), (own2, mean2) in zip(one, two, strict=True):
        for a, b, m1, m2 in zip(own1, own2, mean1, mean2, strict=True):
            assert torch.equal(m1, m2) and torch.equal(m1, (a + b) / 2)
            assert not torch.equal(a, b)


def test_gradients_are_sent_in_few_messages_of_one_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "MESSAGE", 10)
    gradients = [torch.zeros(n) for n in (4, 5, 2, 30, 1)] + [torch.zeros(3, dtype=torch.float64)]
    groups = messages(gradients)
    assert [[g.numel() for g in group] for group in groups] == [[4, 5, 2], [30], [1], [3]]
    assert [id(g) for group in groups for g in group] == [id(g) for g in gradients]
