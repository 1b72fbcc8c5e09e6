"""Signs at a validation: what is known by heart, and what the pictures of each route show."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from i2i.callbacks.health import validation_signals as module
from i2i.callbacks.health.alarms import Streaks
from i2i.callbacks.health.validation_signals import Pass, overfitting, together
from i2i.data.tasks.task import Task
from i2i.images.picture_kind import PictureKind
from i2i.metrics.shown import Shown


def pictures(seed: int, n: int = 4) -> Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) - 0.5


def shown(y_hat: Tensor, y: Tensor, true: bool = True, x: Tensor | None = None) -> Shown:
    index, names = torch.arange(len(y_hat)), [str(i) for i in range(len(y_hat))]
    return Shown(index, names, x, y, Task(), true=true, y_hat=y_hat)


def a_pass(most: int = 16, **routes: Shown) -> Pass:
    found = Pass(most)
    batch = {"index": torch.arange(len(next(iter(routes.values())).index))}
    found.add(SimpleNamespace(gan_loss=None), batch, routes)
    return found


def numbers(found: Pass) -> dict[str, float]:
    return {name: float(value) for name, value in found.signals().items()}


def test_true_answers_are_compared_one_by_one_and_others_as_a_whole() -> None:
    made, real = pictures(0), pictures(1)
    with_truth = numbers(a_pass(one=shown(made, real, x=pictures(2))))
    without = numbers(a_pass(one=shown(made, real, true=False)))
    assert with_truth.keys() - without.keys() == {"val_lightness"}
    assert without.keys() == {"val_ends", "val_colours", "val_checkerboard", "val_spread"}
    assert without["val_colours"] == with_truth["val_colours"]


def test_the_worst_route_counts() -> None:
    made, real = pictures(0), pictures(1)
    black, same = torch.full_like(made, -1.0), made[:1].expand(4, -1, -1, -1)
    found = numbers(a_pass(there=shown(made, real), back=shown(black, real), c=shown(-real, real)))
    assert found["val_ends"] == 1 and found["val_lightness"] < -0.9 and found["val_spread"] == 0
    assert found["val_colours"] > 30
    assert numbers(a_pass(there=shown(same, real)))["val_spread"] == pytest.approx(0, abs=1e-6)


def test_colours_are_those_of_the_channels_that_are_shown() -> None:
    made, real = pictures(0), pictures(1)
    five = [torch.cat([p.flip(1), torch.zeros_like(p[:, :2])], 1) for p in (made, real)]
    bands = shown(*five)
    bands.task.kinds = {"input": PictureKind(), "target": PictureKind(shown=(2, 1, 0))}
    expected, found = numbers(a_pass(one=shown(made, real))), numbers(a_pass(one=bands))
    for name in ("val_colours", "val_lightness"):
        assert found[name] == pytest.approx(expected[name], rel=1e-6)


def test_a_system_that_makes_no_picture_on_a_batch_has_no_signs() -> None:
    nothing = shown(pictures(0)[:0], pictures(1)[:0])
    assert numbers(a_pass(one=nothing)) == {}


def test_only_the_first_pictures_are_kept() -> None:
    found = a_pass(6, one=shown(pictures(0), pictures(1)))
    found.add(
        SimpleNamespace(gan_loss=None), {"index": torch.arange(4)},
        {"one": shown(pictures(2), pictures(3))},
    )  # fmt: skip
    assert [len(part) for part in found.made["one"]] == [4, 2]
    assert found.asked == 6 and len(found.said) == 2


def test_many_routes_share_the_number_of_pictures() -> None:
    routes = {str(i): shown(pictures(i), pictures(9)) for i in range(3)}
    found = a_pass(9, **routes)
    assert [len(made[0]) for made in found.made.values()] == [3, 3, 3]
    found = a_pass(2, **routes)
    assert [len(made[0]) for made in found.made.values()] == [2, 2, 2]


def judged(train: float, val: float, made: float) -> dict[str, float]:
    one, two = Pass(4), Pass(4)
    spread = torch.tensor([-0.1, 0.1, -0.1, 0.1])
    one.said = [[(train + spread, spread - 9.0)]]
    two.said = [[(val + spread, made + spread)]]
    return {name: float(value) for name, value in overfitting(one, two).items()}


@pytest.mark.parametrize(
    ("train", "val", "made", "r_v"),
    [(2.0, 2.0, -1.0, 0.0), (2.0, 0.5, -1.0, 0.5), (2.0, -1.0, -1.0, 1.0), (2.0, 2.3, -1.0, -0.1)],
)
def test_r_v_is_that_of_the_paper(train: float, val: float, made: float, r_v: float) -> None:
    assert judged(train, val, made) == {"val_r_v": pytest.approx(r_v)}


def test_a_discriminator_that_tells_nothing_apart_has_none() -> None:
    for train, made in ((0.1, 0.2), (0.1, 0.1), (0.15, 0.0)):  # the last by no more than chance
        assert math.isnan(judged(train, 0.0, made)["val_r_v"])
    assert judged(0.2, 0.0, 0.0)["val_r_v"] == pytest.approx(1)


def test_one_that_knows_nothing_raises_no_alarm() -> None:
    """Its answers on all pictures are drawn from one distribution."""
    torch.manual_seed(0)
    raised = 0
    for _ in range(50):
        streaks = Streaks()
        for _ in range(60):
            one, two = Pass(16), Pass(16)
            one.said = [[(torch.randn(16), torch.randn(16))]]
            two.said = [[(torch.randn(16), torch.randn(16))]]
            found = {name: float(value) for name, value in overfitting(one, two).items()}
            raised += len(streaks.take(found, lambda _: 3))
    assert raised == 0


def test_answers_of_all_batches_are_put_together_for_each_discriminator() -> None:
    a, b = [(torch.tensor([i]), torch.tensor([i, i + 1.0])) for i in (1.0, 3.0)]
    found = [[side.tolist() for side in sides] for sides in together([[a, b], [b, a]])]
    assert found == [[[1, 3], [1, 2, 3, 4]], [[3, 1], [3, 4, 1, 2]]]
    assert together([]) == together([[]]) == []


def test_the_ratio_of_l1_is_that_of_both_splits() -> None:
    real = pictures(1)
    mine, other = a_pass(one=shown(real + 0.1, real)), a_pass(one=shown(real + 0.4, real))
    assert overfitting(mine, other)["val_l1_ratio"].item() == pytest.approx(4)
    unpaired = a_pass(one=shown(real + 0.1, real, true=False))
    assert overfitting(unpaired, unpaired) == {}


def test_training_pictures_are_taken_from_all_over_the_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []

    class Data:
        def __len__(self) -> int:
            return 10

        def __getitem__(self, place: int) -> dict:
            taken.append(place)
            return {"input": pictures(place, 1)[0], "index": place, "name": str(place)}

    class System(SimpleNamespace):
        gan_loss, evaluates, device = None, None, "cpu"
        finite = SimpleNamespace(filled=False)

        def transfer_batch_to_device(self, batch: dict, *_: object) -> dict:
            return batch

        def shown(self, batch: dict) -> dict[str, Shown]:
            return {"one": shown(batch["input"], batch["input"])}

        def translated(self, route: str, one: Shown) -> Shown:
            self.finite.filled = True  # as where NaN was filled in
            return one

    found = module.training_pass(System(), Data(), 4, 3)
    assert taken == [0, 2, 5, 7] and [len(p) for p in found.made["one"]] == [3, 1]
    assert not System.finite.filled
    taken.clear()
    module.training_pass(System(), Data(), 99, 99)
    assert taken == list(range(10))
