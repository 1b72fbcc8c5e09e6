"""Signs in a training step, of what a witness of it noted."""

import math

import pytest
import torch
from torch import Tensor

from i2i.callbacks.health.training_signals import MOST, idle, of_step
from i2i.training.watching.witness import Witness, said


def pictures(seed: int, n: int = 4, channels: int = 3, side: int = 32) -> Tensor:
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(seed)) - 0.5


def watched(made: Tensor, real: Tensor | None = None, source: Tensor | None = None) -> Witness:
    """A witness of a step with these images."""
    witness = Witness()
    witness.asked = True
    batch = {
        "input": pictures(1) if source is None else source,
        "target": pictures(2) if real is None else real,
        "index": torch.arange(4), "name": list("abcd"),
    }  # fmt: skip
    witness.keep(
        batch, {0: {"y_hat": made, "z": torch.zeros(4, 8), "mirrored": torch.tensor(True)}}
    )
    return witness


def numbers(witness: Witness, balance: float | None = 0.0) -> dict[str, float]:
    return {name: float(value) for name, value in of_step(witness, balance).items()}


def test_a_healthy_step_has_no_bad_sign() -> None:
    found = numbers(watched(pictures(3)))
    assert list(found) == ["ends", "checkerboard", "spread"]
    assert found["ends"] == 0 and found["spread"] == pytest.approx(1, abs=0.1)


def test_one_picture_for_all_inputs_has_no_spread() -> None:
    found = numbers(watched(pictures(3)[:1].expand(4, -1, -1, -1)))
    assert found["spread"] == pytest.approx(0, abs=1e-6)


def test_a_single_sample_says_nothing_of_the_spread() -> None:
    assert "spread" not in numbers(watched(pictures(3)[:1], pictures(2)[:1], pictures(1)[:1]))


def test_black_pictures_are_at_the_ends() -> None:
    assert numbers(watched(torch.full((4, 3, 32, 32), -1.0)))["ends"] == 1


def test_what_is_at_the_ends_in_an_image_of_the_batch_may_be_there() -> None:
    one_hot = torch.where(pictures(2) > 0, 1.0, -1.0)
    assert numbers(watched(one_hot.flip(0), one_hot))["ends"] <= 0


def test_small_pictures_say_nothing_of_lines() -> None:
    small = [pictures(i, side=8) for i in range(3)]
    assert "checkerboard" not in numbers(watched(*small))


def test_images_of_another_shape_are_not_compared_with_it() -> None:
    found = numbers(watched(pictures(3, channels=2), source=pictures(1, channels=1)))
    assert found == {}  # neither image of the batch has two channels


def test_a_step_that_made_nothing_has_no_pictures() -> None:
    witness = watched(pictures(3))
    witness.made = {}
    assert numbers(witness) == {}
    assert numbers(Witness()) == {}


def test_no_more_than_some_pictures_are_looked_at() -> None:
    made, real = pictures(3, n=MOST + 4), pictures(2, n=MOST + 4)
    worse = made.clone()
    worse[MOST:] = 1.0
    one, two = (numbers(watched(m, real, real)) for m in (made, worse))
    assert one == two


def test_what_d_said_is_counted_on_the_right_side_of_its_balance() -> None:
    real, fake = [torch.tensor([2.0, 1.0, 0.2, -1.0])], [torch.tensor([-1.0, 0.4])]
    assert said(real, fake, 0.0)[0].item() == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert said(real, fake, 0.5)[0].item() == pytest.approx((2 / 4 + 2 / 2) / 2)
    assert said(real, fake, None)[0].item() == pytest.approx((3 / 4 + 1 / 2) / 2)  # 0.125
    assert said(real, fake, 0.0)[1].item() == pytest.approx(0.55 + 0.3)
    _, gap = said([real[0], real[0] + 4], [fake[0], fake[0]], 0.0)
    assert gap.item() == pytest.approx(0.85 + 2)


def test_of_several_discriminators_the_one_counts_that_is_above_most() -> None:
    witness = watched(pictures(3))
    witness.numbers = {f"right_d_{i}": torch.tensor(r) for i, r in enumerate((0.6, 0.9, 0.7))}
    witness.numbers["gap_d_0"] = torch.tensor(1.0)
    assert numbers(witness, 0.5)["d_right"] == pytest.approx(0.9)


def test_the_gap_of_a_critic_is_in_parts_of_the_distance_of_the_images() -> None:
    real, made = pictures(2), pictures(2) + 0.5
    witness = watched(made, real, pictures(1)[:, :1])
    witness.numbers = {"right_d_0": torch.tensor(1.0), "gap_d_0": torch.tensor(55.0)}
    found = numbers(witness, None)
    assert "d_right" not in found
    assert found["critic_gap"] == pytest.approx(55 / (0.5 * math.sqrt(3 * 32 * 32)))


def test_terms_that_are_exactly_zero_are_counted_but_those_of_g() -> None:
    zero, other = torch.zeros(()), torch.tensor(0.3)
    newest = {"d": {"real": zero, "pan": zero, "fake": other}, "g": {"l1": zero}, "e": {}}
    assert idle(newest) == {"idle_d": torch.tensor(2)}
