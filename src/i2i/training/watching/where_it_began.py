"""Names the layer in which a training step first got numbers that are not finite."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from i2i.data.batches import Batch
from i2i.training.players import Player, frozen


class _Found(Exception):
    """Ends the pass at the layer that is looked for; its text is what to say of it."""


def where_it_began(system: Any, player: Player, batch: Batch) -> str:
    """Computes the terms of an update once more, before it is made, and looks into every layer.

    The noise is drawn anew from the number of the step, so that it is much the same. What a system
    keeps of its own, such as a pool of images, moves: this is for a run that ends.

    Args:
        system: With the weights of before the update.
        player: Whose terms were not finite.
        batch: Of the step.

    Returns:
        The end of a sentence, which begins with a comma.
    """
    others = [p for other in system.players if other is not player for p in other.parameters]
    system.forwards = {}  # compiled code calls no hook
    system.start_step()
    try:
        with frozen(others), looked_into(system):
            system.backward_in_parts(player, batch, {})
    except _Found as found:
        return str(found)
    return ", in the term itself: what all layers gave is finite"


@contextmanager
def looked_into(system: Any) -> Iterator[None]:
    """Raises ``_Found`` at the first layer whose output is not finite, in the order of calls."""
    names = {module: name for name, module in system.named_modules()}
    layers = [
        layer for player in system.players for network in system.networks(player)
        for layer in network.modules() if not any(layer.children())
    ]  # fmt: skip

    def look(layer: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and not bool(output.isfinite().all()):
            own = [n for n, w in layer.named_parameters() if not bool(w.detach().isfinite().all())]
            weights = f", whose {own[0]} was not finite before" if own else ""
            kind = type(layer).__name__
            raise _Found(f", in the output of {names[layer]} ({kind}){weights}")

    with ExitStack() as stack:
        for layer in dict.fromkeys(layers):
            stack.callback(layer.register_forward_hook(look).remove)
        yield
