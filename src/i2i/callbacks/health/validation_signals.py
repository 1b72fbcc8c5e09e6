"""Signs of failure at a validation: numbers from what a system shows, and from what D says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from i2i.callbacks.health.picture_signals import (
    at_ends,
    checkerboard,
    colours,
    lightness,
    middle,
    spread_beside,
)
from i2i.callbacks.health.training_signals import LEAST
from i2i.data.batches import Batch, size, take
from i2i.data.collate import collate
from i2i.metrics.shown import Shown
from i2i.training.watching.answers import Answers, answers

LOW_IS_BAD = ("val_spread", "val_lightness")
CERTAIN = 2.0  # standard errors by which D has to tell training pictures from made ones


class Pass:
    """The first pictures of a validation, on each route, and what D says of the same samples.

    Attributes:
        most: Samples that D is asked about, and pictures that are kept: of all routes together, but
            two of each.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.made: dict[str, list[Tensor]] = {}
        self.real: dict[str, list[Tensor]] = {}
        self.sources: dict[str, list[Tensor]] = {}
        self.true: dict[str, bool] = {}
        self.seen: dict[str, Callable[[Tensor], Tensor]] = {}  # the channels that have colours
        self.said: list[Answers] = []  # of each batch
        self.asked = 0  # samples

    def add(self, system: Any, batch: Batch, shown: Mapping[str, Shown]) -> None:
        """Takes in a batch, if there are not enough pictures yet."""
        if self.asked < self.most:
            batch = take(batch, slice(0, self.most - self.asked))
            self.said.append(answers(system, batch))
            self.asked += size(batch)
        for route, one in shown.items():
            kept = sum(map(len, self.made.get(route, [])))
            most = max(2, self.most // len(shown))
            if kept >= most or not len(one.index):
                continue
            few = slice(0, most - kept)
            self.made.setdefault(route, []).append(middle(one.made[few]).float())
            self.real.setdefault(route, []).append(middle(one.real[few]).float())
            if one.source is not None:
                self.sources.setdefault(route, []).append(middle(one.source[few]).float())
            self.true[route], self.seen[route] = one.true, one.task.kinds["target"].seen

    def signals(self) -> dict[str, Tensor]:
        """The signs in the pictures, the worst of all routes; scalars by name."""
        of_routes = [self.of_route(route) for route in self.made]
        names = dict.fromkeys(name for found in of_routes for name in found)
        worst = {}
        for name in names:
            values = torch.stack([found[name] for found in of_routes if name in found])
            worst[name] = values.amin() if name in LOW_IS_BAD else values.amax()
        return worst

    def of_route(self, route: str) -> dict[str, Tensor]:
        """The signs in the pictures of one route."""
        made, real = torch.cat(self.made[route]), torch.cat(self.real[route])
        sources = [torch.cat(self.sources[route])] if route in self.sources else []
        looked_at = self.seen[route](made), self.seen[route](real)
        found = {"val_ends": at_ends(made, real), "val_colours": colours(*looked_at)}
        if min(made.shape[2:]) >= LEAST:
            found["val_checkerboard"] = checkerboard(made, real)
        if len(made) > 1 and len(real) > 1:
            found["val_spread"] = spread_beside(made, [real, *sources])
        if self.true[route]:
            found["val_lightness"] = lightness(*looked_at)
        return found

    def l1(self) -> Tensor | None:
        """The mean difference from the true answers, over the routes that have them."""
        routes = [route for route, true in self.true.items() if true]
        found = [(torch.cat(self.made[r]) - torch.cat(self.real[r])).abs().mean() for r in routes]
        return torch.stack(found).mean() if found else None


def overfitting(training: Pass, validation: Pass) -> dict[str, Tensor]:
    """What is known by heart: r_v of the worst discriminator, and the ratio of L1.

    r_v = (E[D_train] - E[D_validation]) / (E[D_train] - E[D_made]), Karras et al. 2020, Eq. 1;
    the made images are those of validation inputs.
    """
    found = {}
    of_train, of_val = together(training.said), together(validation.said)
    ratios = [
        (on_train.mean() - on_val.mean()) / (on_train.mean() - on_made.mean())
        for (on_train, _), (on_val, on_made) in zip(of_train, of_val, strict=False)
        if tells_apart(on_train, on_made)
    ]
    if of_train and of_val:  # where no D tells anything apart, a row of bad readings is over
        found["val_r_v"] = torch.stack(ratios).amax() if ratios else torch.tensor(torch.nan)
    mine, other = training.l1(), validation.l1()
    if mine is not None and other is not None:
        found["val_l1_ratio"] = other / mine.clamp(min=1e-3)
    return found


def tells_apart(one: Tensor, other: Tensor) -> bool:
    """Whether the mean of one is larger than that of the other by more than chance makes it."""
    if min(len(one), len(other)) < 2:
        return False
    error = (one.var() / len(one) + other.var() / len(other)).sqrt()
    return bool(one.mean() - other.mean() > CERTAIN * error)


def together(said: Sequence[Answers]) -> Answers:
    """What each discriminator said of the pictures of all batches."""
    return [tuple(map(torch.cat, zip(*of_one, strict=True))) for of_one in zip(*said, strict=True)]


def training_pass(system: Any, dataset: Any, most: int, at_once: int) -> Pass:
    """Translates some training pictures as a validation does, spread over the split.

    Args:
        system: See ``AdversarialModule``.
        dataset: The training split as evaluation sees it.
        most: Samples.
        at_once: Samples of a batch.
    """
    found, count, filled = Pass(most), min(most, len(dataset)), system.finite.filled
    places = [i * len(dataset) // count for i in range(count)]
    with torch.no_grad():
        for start in range(0, count, at_once):
            batch = collate([dataset[i] for i in places[start : start + at_once]])
            batch = system.transfer_batch_to_device(batch, system.device, 0)
            shown = system.shown(batch)
            routes = system.evaluates or shown
            found.add(system, batch, {r: system.translated(r, shown[r]) for r in routes})
    system.finite.filled = filled  # these pictures are none of a pass that is scored
    return found
