"""Threads that use one network: none sees it in the mode that another one has given it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from i2i.checkpoints.saved_translations import with_weights
from i2i.inference.receptive_field import normalises_over_the_picture, receptive_radius
from i2i.inference.translate import ONE_AT_A_TIME, seeded_noise, translate

CPU = torch.device("cpu")


def others_wait() -> bool:
    """Whether another thread would have to wait for its turn now."""

    def took() -> bool:
        if taken := ONE_AT_A_TIME.acquire(blocking=False):
            ONE_AT_A_TIME.release()
        return taken

    with ThreadPoolExecutor(1) as another:
        return not another.submit(took).result()


class Watched(nn.BatchNorm2d):
    """Notes, whenever somebody looks at what modes change, whether the others wait."""

    divisor = 4

    def __init__(self) -> None:
        self.seen: list[bool] = []
        super().__init__(3)

    def __getattr__(self, name: str) -> Any:
        if name == "running_mean":
            self.seen.append(others_wait())
        return super().__getattr__(name)


USES: dict[str, Callable[[Watched], Any]] = {
    "translate in eval mode": lambda network: translate(network, picture(), ["a"], "eval", 0),
    "translate in paper mode": lambda network: translate(network, picture(), ["a"], "paper", 0),
    "receptive field": receptive_radius,
    "what is normalised": lambda network: normalises_over_the_picture(network, "eval"),
}


def picture() -> Tensor:
    return torch.zeros(1, 3, 8, 8)


@pytest.mark.parametrize("use", USES)
def test_a_network_is_for_one_thread_at_a_time(use: str) -> None:
    network = Watched()
    network.seen.clear()
    USES[use](network)
    assert network.seen and all(network.seen)
    assert not others_wait()


def test_so_is_the_random_generator() -> None:
    with seeded_noise(0, CPU):
        assert others_wait()
    assert not others_wait()


class Blurring(nn.Linear):
    """Has a tensor beside its state, and so is made a second time, with weights that it draws."""

    drawn: list[bool]

    def __init__(self) -> None:
        Blurring.drawn.append(others_wait())
        super().__init__(2, 2)
        self.register_buffer("kernel", torch.ones(3), persistent=False)


def test_weights_that_are_drawn_to_be_replaced_take_no_number_of_another_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Blurring, "drawn", [], raising=False)
    monkeypatch.setattr("i2i.checkpoints.saved_translations.built", lambda node: Blurring())
    weights, before = Blurring().state_dict(), torch.get_rng_state()
    with torch.device("meta"):
        on_no_device = Blurring()
    made = with_weights(on_no_device, weights, {})
    assert torch.equal(made.weight, weights["weight"]) and not made.kernel.is_meta
    assert torch.equal(torch.get_rng_state(), before)
    assert Blurring.drawn == [False, False, True]
