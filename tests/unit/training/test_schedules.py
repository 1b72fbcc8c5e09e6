"""Learning rates over generator steps."""

from itertools import pairwise

import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from i2i.training.schedules import Constant, LinearDecay


def make_optimizer(rate: float = 0.1) -> Optimizer:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates(schedule: LRScheduler, steps: int) -> list[float]:
    """The rate of each update, and the one after the last."""
    found = [schedule.get_last_lr()[0]]
    for _ in range(steps):
        schedule.optimizer.step()
        schedule.step()
        found.append(schedule.get_last_lr()[0])
    return found


def test_linear_decay_by_hand() -> None:
    found = rates(LinearDecay(make_optimizer(), 8), 8)
    assert found == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.1, 0.075, 0.05, 0.025, 0.0])


@pytest.mark.parametrize("total", [2, 3, 10, 999])
@pytest.mark.parametrize("flat", [0.0, 0.5, 0.75])
def test_linear_decay_is_flat_then_falls_evenly_to_zero(total: int, flat: float) -> None:
    """Every update but the one after the last has a rate above zero."""
    found = rates(LinearDecay(make_optimizer(), total, flat_fraction=flat), total)
    assert found[: int(flat * total) + 1] == [0.1] * (int(flat * total) + 1)
    assert min(found[:-1]) > 0
    if total * (1 - flat) >= 1:
        assert found[-1] == pytest.approx(0, abs=1e-12)
    falls = [a - b for a, b in pairwise(found)]
    assert min(falls) >= 0
    steady = falls[int(flat * total) + 1 :]
    assert steady == pytest.approx([0.1 / (total - flat * total)] * len(steady))


def test_a_flat_fraction_of_1_never_falls() -> None:
    assert rates(LinearDecay(make_optimizer(), 5, flat_fraction=1.0), 5) == [0.1] * 6


def test_the_rate_never_goes_below_zero_after_the_end() -> None:
    assert rates(LinearDecay(make_optimizer(), 4), 9)[5:] == [0.0] * 5


def test_constant_stays() -> None:
    assert rates(Constant(make_optimizer(0.3), 4), 6) == [0.3] * 7


@pytest.mark.parametrize("kind", [LinearDecay, Constant])
def test_a_schedule_goes_on_from_its_state(kind: type) -> None:
    straight = rates(kind(make_optimizer(), 10), 10)
    first = kind(make_optimizer(), 10)
    rates(first, 6)
    second = kind(make_optimizer(), 10)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    assert rates(second, 4) == straight[6:]


def test_every_group_keeps_its_own_rate() -> None:
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [p], "lr": lr} for p, lr in zip(parameters, (0.1, 0.4), strict=True)]
    schedule = LinearDecay(SGD(groups), 4)
    rates(schedule, 3)
    assert schedule.get_last_lr() == pytest.approx([0.05, 0.2])
