"""A game that no paper has, for what the machinery promises to any number of players.

``d`` are two critics, ``e`` guesses from an image, ``idle`` has no terms, and ``g`` are two
generators and a head, in two attributes. Two routes, each of which is the other's way back.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from i2i.data.batches import Batch
from i2i.inference.translator import Translator
from i2i.metrics.shown import Shown
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player
from i2i.training.schedules import Constant

SGD = partial(torch.optim.SGD, lr=0.1)
CLIP_E = 0.003


class Mixing(nn.Module):
    """A convolution of one pixel."""

    divisor = 1

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x))


class ThreePlayers(AdversarialModule):
    """Notes who asks for terms, with which images, while which players can learn."""

    routes = ("AtoB", "BtoA")
    ways_back = {"AtoB": "BtoA", "BtoA": "AtoB"}  # noqa: RUF012

    def __init__(self, **shared: Any):
        super().__init__(**shared)
        self.generator = nn.ModuleDict({"there": Mixing(), "back": Mixing()})
        self.head, self.guesser, self.asleep = Mixing(), Mixing(), Mixing()
        self.critics = nn.ModuleDict({"a": Mixing(), "b": Mixing()})
        self.players = (
            Player("d", ("critics",), *self.of_d),
            Player("e", ("guesser",), self.of_d[0], CLIP_E),
            Player("idle", ("asleep",), *self.of_d, learns=False),
            Player("g", ("generator", "head"), *self.of_g),
        )
        self.keep_average()
        self.asked: list[tuple[str, bool, set[str]]] = []
        self.generated = 0

    def generate(self, batch: Batch) -> Made:
        self.generated += 1
        y_hat = self.run(self.generator["there"], batch["input"])
        x_hat = self.run(self.generator["back"], batch["target"])
        return {"y_hat": y_hat, "x_hat": x_hat}

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        able = {
            p.name for p in self.players if all(weight.requires_grad for weight in p.parameters)
        }
        graph = {image.requires_grad for image in made.values()}
        assert len(graph) == 1
        self.asked.append((player, graph.pop(), able))
        a, b = self.critics["a"], self.critics["b"]
        y_hat, x_hat, guess = made["y_hat"], made["x_hat"], self.guesser
        if player == "d":
            fake, real = a(y_hat).mean() + b(x_hat).mean(), a(batch["target"]) + b(batch["input"])
            return {"fake": fake, "real": -real.mean()}
        if player == "e":
            return {"guess": (guess(y_hat) - batch["input"]).square().mean()}
        return {
            "gan": -a(y_hat).mean() - b(self.head(x_hat)).mean(),
            "guess": (guess(y_hat) - batch["input"]).square().mean(),
        }

    def translator(self, route: str | None = None) -> Translator:
        name, side = ("back", "target") if route == "BtoA" else ("there", "input")
        return Translator(self.evaluated[name], self.task, side, self.inference, self.seed)

    def shown(self, batch: Batch) -> dict[str, Shown]:
        x, y, index, names = batch["input"], batch["target"], batch["index"], batch["name"]
        back = self.task.reversed()
        return {
            "AtoB": Shown(index, names, x, y, self.task),
            "BtoA": Shown(index, names, y, x, back),
        }


def make_game(**options: Any) -> ThreePlayers:
    """The system with SGD and constant rates, and always the same weights."""
    torch.manual_seed(0)
    shared = {"optimizer_g": SGD, "optimizer_d": SGD, "scheduler": Constant}
    return ThreePlayers(**shared | options)
