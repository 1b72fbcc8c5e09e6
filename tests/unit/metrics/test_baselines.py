"""The answers that cost nothing, scored like a model's."""

from itertools import pairwise

import pytest
import torch

from evaluators import full
from i2i.data.tasks.task import Task
from i2i.metrics.baselines import MOST_IMAGES, as_channels, mean_targets, score_baselines
from i2i.metrics.result import EvaluationResult
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown


class Targets:
    """A data set of tiny targets that notes which were read."""

    def __init__(self, n: int):
        self.n = n
        self.read: list[int] = []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        self.read.append(index)
        y = torch.full((3, 1, 2), index / self.n)
        return {"input": -y, "target": y, "name": str(index), "index": index}


def shown(batch: dict) -> dict[str, Shown]:
    """As pix2pix shows a batch."""
    x, y = batch["input"], batch["target"]
    return {"AtoB": Shown(batch["index"], batch["name"], x, y, Task())}


def mean_target(dataset: Targets) -> torch.Tensor:
    """That of a system of one route."""
    means = mean_targets(dataset, shown)
    assert list(means) == ["AtoB"]
    return means["AtoB"]


def test_mean_of_all_targets() -> None:
    targets = Targets(5)
    mean = mean_target(targets)
    assert mean.dtype == torch.float32 and mean.shape == (3, 1, 2)
    assert torch.allclose(mean, torch.full((3, 1, 2), (0 + 1 + 2 + 3 + 4) / 25))
    assert targets.read == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "n", [MOST_IMAGES, MOST_IMAGES + 1, 2975, 2 * MOST_IMAGES - 1, 6001, 40000]
)
def test_a_large_set_is_represented_by_evenly_spaced_images(n: int) -> None:
    """At most 2000 are read, from all over the set; their mean is near that of all."""
    targets = Targets(n)
    mean = mean_target(targets)
    assert len(targets.read) <= MOST_IMAGES
    assert len(targets.read) > MOST_IMAGES / 3
    gaps = {b - a for a, b in pairwise(targets.read)}
    assert max(gaps) - min(gaps) <= 1
    assert torch.allclose(mean, torch.tensor((n - 1) / 2 / n), atol=2e-3)


def test_mean_is_not_lost_in_rounding() -> None:
    """Float32 sums of 2000 values drift; the mean of equal images is that image."""

    class Same(Targets):
        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return super().__getitem__(index) | {"target": torch.full((1, 1, 1), 0.1)}

    assert mean_target(Same(MOST_IMAGES)).item() == pytest.approx(0.1, abs=1e-8)


def test_channels_are_matched() -> None:
    colour = torch.tensor([-1.0, 0.0, 0.4]).view(1, 3, 1, 1)
    assert as_channels(colour, 1).flatten().tolist() == pytest.approx([-0.2])
    assert as_channels(colour[:, :1], 3).flatten().tolist() == [-1.0] * 3
    assert as_channels(colour, 3) is colour


def make_batches(sizes: tuple[int, ...], in_channels: int = 3) -> list[dict]:
    draw = torch.Generator().manual_seed(0)
    batches, first = [], 0
    for n in sizes:
        x = torch.rand(n, in_channels, 16, 16, generator=draw) * 2 - 1
        y = torch.rand(n, 3, 16, 16, generator=draw) * 2 - 1
        index = torch.arange(first, first + n)
        batches.append({"input": x, "target": y, "name": [str(i) for i in index], "index": index})
        first += n
    return batches


def scores_of(batches: list[dict], mean: torch.Tensor) -> dict[str, EvaluationResult]:
    """The baselines of a system of one route."""
    scorers = {"AtoB": Scorer(full(distribution=False))}
    results = score_baselines(scorers, shown, batches, {"AtoB": mean})
    assert list(results) == ["AtoB"]
    return results["AtoB"]


@pytest.mark.parametrize("in_channels", [3, 1])
def test_scores_are_those_of_the_copied_input_and_of_the_mean(in_channels: int) -> None:
    batches = make_batches((2, 1), in_channels)
    mean = torch.full((3, 16, 16), 0.25)
    results = scores_of(batches, mean)
    assert list(results) == ["input copied", "mean training target"]
    x = torch.cat([b["input"] for b in batches]).expand(-1, 3, -1, -1)
    y = torch.cat([b["target"] for b in batches])
    level = 1 / 127.5
    for name, y_hat in (("input copied", x), ("mean training target", mean.expand_as(y))):
        result = results[name]
        assert result.n_images == 3
        l1 = (y_hat - y).abs().mean().item() / level
        assert result.values["l1"] == pytest.approx(l1, abs=0.6)  # each side is rounded to a level
    assert results["input copied"].values != results["mean training target"].values


def test_a_set_that_copies_its_input_is_scored_as_perfect() -> None:
    batches = make_batches((2,))
    batches[0]["target"] = batches[0]["input"]
    mean = batches[0]["target"].mean(0)
    results = scores_of(batches, mean)
    assert results["input copied"].values["ssim"] == 1
    assert results["mean training target"].values["ssim"] < 1


def both_ways(batch: dict) -> dict[str, Shown]:
    """As a system of two routes shows a batch."""
    x, y, index, names = batch["input"], batch["target"], batch["index"], batch["name"]
    return {"AtoB": Shown(index, names, x, y, Task()), "BtoA": Shown(index, names, y, x, Task())}


def test_each_route_has_the_mean_of_its_own_answers() -> None:
    means = mean_targets(Targets(5), both_ways)
    assert means["AtoB"].mean().item() == pytest.approx(0.4)
    assert means["BtoA"].mean().item() == pytest.approx(-0.4)


def test_each_route_has_baselines_of_its_own() -> None:
    batches = make_batches((2, 1))
    means = {
        route: torch.full((3, 16, 16), level) for route, level in (("AtoB", 0.25), ("BtoA", -1.0))
    }
    scorers = {route: Scorer(full(distribution=False)) for route in means}
    results = score_baselines(scorers, both_ways, batches, means)
    alone = scores_of(batches, means["AtoB"])
    assert results["AtoB"] == alone
    turned = [b | {"input": b["target"], "target": b["input"]} for b in batches]
    assert results["BtoA"] == scores_of(turned, means["BtoA"]) != alone


def test_a_limit_is_one_of_batches() -> None:
    scorers = {"AtoB": Scorer(full(distribution=False))}
    mean = {"AtoB": torch.zeros(3, 16, 16)}
    results = score_baselines(scorers, shown, make_batches((2, 1, 1)), mean, 2)
    assert {result.n_images for result in results["AtoB"].values()} == {3}


def of_nothing(batch: dict) -> dict[str, Shown]:
    """As a system shows a batch that makes pictures of nothing."""
    y, names = batch["target"], batch["name"]
    return {"": Shown(batch["index"], names, None, y, Task(), batch["index"], true=False)}


def test_without_an_input_there_is_none_to_copy() -> None:
    scorers = {"": Scorer(full(distribution=False))}
    mean = mean_targets(Targets(5), of_nothing)
    assert mean[""].mean().item() == pytest.approx(0.4)
    batches = make_batches((2, 1))
    results = score_baselines(scorers, of_nothing, batches, {"": torch.zeros(3, 16, 16)})
    assert list(results[""]) == ["mean training target"]
    assert results[""]["mean training target"].n_images == 3


def to_the_second(batch: dict) -> dict[str, Shown]:
    """As a system of two domains shows a batch whose even pictures are of the second domain."""
    index, x = batch["index"], batch["target"]
    away, there = index % 2 == 1, index % 2 == 0
    names = [str(i) for i in index[away].tolist()]
    return {"B": Shown(index[away], names, x[away], x[there], Task(), index[there], true=False)}


def test_the_mean_is_that_of_the_domain_that_is_asked_for() -> None:
    """Samples have a source on this route or an answer, never both."""
    mean = mean_targets(Targets(5), to_the_second)["B"]
    assert torch.allclose(mean, torch.full((3, 1, 2), (0 + 2 + 4) / 3 / 5))
