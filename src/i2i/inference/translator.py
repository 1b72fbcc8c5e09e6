"""One translation that a system offers: what scores, translates and exports it sees this alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from i2i.data.pair_reader import OTHER_WAY
from i2i.data.tasks.task import Task
from i2i.inference.translate import has_noise, translate


@dataclass(frozen=True)
class Translator:
    """A network, the way in which it is called, and what its images mean.

    Attributes:
        network: Says its ``divisor``.
        task: How pictures become its input, and its output pictures.
        side: Which images of the data set it takes.
        inference: ``paper`` or ``eval``; see ``translate``.
        seed: Of the dropout noise.
        call: From padded inputs to outputs, where the network is given more than images, such as
            a label; None calls the network.
    """

    network: nn.Module
    task: Task
    side: Literal["input", "target"]
    inference: str
    seed: int
    call: Callable[[Tensor], Tensor] | None = None

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
        return dict(dataset) | {
            "direction": OTHER_WAY[dataset["direction"]],
            "input_channels": dataset["target_channels"],
            "target_channels": dataset["input_channels"],
        }

    @property
    def has_noise(self) -> bool:
        """Whether another seed gives other pictures."""
        return self.inference == "paper" and has_noise(self.network)

    def __call__(self, x: Tensor, names: Sequence[str]) -> Tensor:
        """Translates as at test time.

        Args:
            x: (B, C, H, W) in [-1, 1], any H and W.
            names: One an image; the noise depends on it.

        Returns:
            (B, C_out, H, W) float32 in [-1, 1].
        """
        return translate(self.network, x, names, self.inference, self.seed, self.call)

    def pictures(self, x: Tensor, names: Sequence[str]) -> Tensor:
        """The translations as pictures, (B, 1 or 3, H, W) in [-1, 1]."""
        return self.task.output_picture(x, self(x, names))
