"""The players of an adversarial game, and what is common to the networks of each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import nn
from torch.optim import Optimizer

GENERATOR = "g"  # the player whose updates are the steps of a run


@dataclass(eq=False)
class Player:
    """Networks that are updated together: one optimizer, one schedule, one loss.

    Attributes:
        name: In logs (``train/NAME/TERM``) and in ``terms``; one player is ``g``.
        networks: The system's attributes that hold its networks: modules, or an ``nn.ModuleDict``
            of several.
        make_optimizer: Called with the parameters that learn.
        clip: Largest norm of the gradient; None does not clip.
        learns: Whether it has terms to minimise. Where not, it is neither run for an update of its
            own nor stepped, and its schedule stands still.
        parameters: Those that its optimizer steps; set when the optimizers are made.
    """

    name: str
    networks: tuple[str, ...]
    make_optimizer: Callable[..., Optimizer]
    clip: float | None = None
    learns: bool = True
    parameters: list[nn.Parameter] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What messages call it: "the generator", "the generator and the encoder"."""
        return " and ".join(f"the {name}" for name in self.networks)


def members(network: nn.Module) -> list[nn.Module]:
    """The networks that are called one by one: a module itself, or those of a dictionary."""
    return list(network.values()) if isinstance(network, nn.ModuleDict) else [network]


@contextmanager
def frozen(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Gradients pass through to what comes before, but none is computed for these parameters."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
