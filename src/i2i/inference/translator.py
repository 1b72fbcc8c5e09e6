"""One translation that a system offers: what scores, translates and exports it sees this alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from i2i.blocks import beside, with_code
from i2i.data.batches import OTHER_SIDE
from i2i.data.reading.pair_reader import OTHER_WAY
from i2i.data.tasks.task import Task
from i2i.inference.translate import has_noise, translate
from i2i.seeds import stable_seed


@dataclass(frozen=True)
class Translator:
    """A network, what it is told beside an image, and what its images mean.

    All of it but the network is plain values, so that a checkpoint and an export can hold it.

    Attributes:
        network: Says its ``divisor``.
        task: How pictures become its input, and its output pictures.
        side: Which images of the data set it takes.
        inference: ``paper`` or ``eval``; see ``translate``.
        seed: Of the dropout noise.
        latent: Numbers of the code z that the network is given beside an image; 0: it is given
            none. One is drawn from N(0, 1) for each image.
        label: Numbers that the network is told beside each image, as planes; None: it is told none.
        node: The option of the system that says what the network is made of.
    """

    network: nn.Module
    task: Task
    side: Literal["input", "target"]
    inference: str
    seed: int
    latent: int = 0
    label: tuple[float, ...] | None = None
    node: str = "generator"

    @property
    def divisor(self) -> int:
        """Pixels that height and width are padded to multiples of."""
        return self.network.divisor

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def seen(self, dataset: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the data set as they are for this way: ``input`` is what it takes."""
        if self.side == "input":
            return dict(dataset)
        return exchanged(dataset) | {"direction": OTHER_WAY[dataset["direction"]]}

    @property
    def has_noise(self) -> bool:
        """Whether another seed gives other pictures."""
        return self.latent > 0 or (self.inference == "paper" and has_noise(self.network))

    def __call__(self, x: Tensor, names: Sequence[str], z: Tensor | None = None) -> Tensor:
        """Translates as at test time.

        Args:
            x: (B, C, H, W) in [-1, 1], any H and W.
            names: One an image; the noise and the code depend on it.
            z: Codes, (B, latent), in place of those that are drawn.

        Returns:
            (B, C_out, H, W) float32 in [-1, 1].
        """
        codes = [self.codes(names) if z is None else z.to(x)] if self.latent else []
        return translate(self.network, x, names, self.inference, self.seed, self.call, codes)

    def call(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """The network's output in the mode that it is in.

        Args:
            x: (B, C, H, W) in [-1, 1], H and W multiples of ``divisor``.
            z: Codes, (B, latent), where it takes some.

        Returns:
            (B, C_out, H, W) in [-1, 1].
        """
        if self.label is not None:
            x = beside(x, x.new_tensor(self.label).expand(len(x), -1))
        return self.network(*(with_code(self.network, x, z) if self.latent else (x,)))

    def codes(self, names: Sequence[str]) -> Tensor:
        """The codes drawn for images of these names: (B, latent) on the network's device."""
        return codes(self.latent, self.seed, names).to(self.device)

    def task_seed(self, name: str) -> int:
        """What the task draws from for an image of this name, such as a hole."""
        return stable_seed(self.seed, "task", name)

    def blank(self, x: Tensor) -> Tensor:
        """What comes out for images of a shape, without noise; for checks on the meta device."""
        return self.call(x, x.new_zeros(len(x), self.latent) if self.latent else None)

    def pictures(self, x: Tensor, names: Sequence[str], z: Tensor | None = None) -> Tensor:
        """The translations as pictures, (B, C, H, W) in [-1, 1]."""
        return self.task.output_picture(x, self(x, names, z))


def exchanged(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a data set in which each side has those of the other one."""
    found = dict(dataset)
    for key in dataset:
        side, underscore, option = key.partition("_")
        if underscore and side in OTHER_SIDE:
            found[key] = dataset.get(f"{OTHER_SIDE[side]}_{option}")
    if (sides := dataset.get("found")) is not None:
        found["found"] = {side: sides[OTHER_SIDE[side]] for side in sides}
    return found


def codes(n: int, seed: int, names: Sequence[str]) -> Tensor:
    """A code of n numbers from N(0, 1) for each name, (B, n), drawn from (seed, name) alone.

    They are drawn on the CPU, so that they are the same on every device.
    """
    seeds = (stable_seed(seed, name, "z") for name in names)
    random = (torch.Generator("cpu").manual_seed(own) for own in seeds)
    return torch.stack([torch.randn(n, generator=each) for each in random])
