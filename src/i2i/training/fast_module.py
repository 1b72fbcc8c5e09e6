"""How a step is computed here: memory layout, compilation, the gradients of all processes."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from i2i.cluster.strategy import averaged_gradients
from i2i.data.batches import Batch, images
from i2i.training.checkpointing import checkpoint_blocks
from i2i.training.players import Player, members
from i2i.training.speed import Speed, make_optimizer, settle


class FastModule(LightningModule):
    """What ``speed`` asks for, applied to the networks of all players.

    Attributes:
        speed: See ``i2i.training.speed``.
        players: Those of the game, in the order of their updates; a system sets them.
    """

    players: tuple[Player, ...] = ()

    def __init__(self, speed: Speed):
        super().__init__()
        self.speed = speed
        # The networks' forward passes once they are compiled.
        self.forwards: dict[nn.Module, Callable[..., Any]] = {}

    def networks(self, player: Player) -> list[nn.Module]:
        """The networks of a player, each of which can be called."""
        return [one for name in player.networks for one in members(getattr(self, name))]

    def weights_of(self, player: Player) -> dict[str, nn.Parameter]:
        """The weights of a player, by their names in a checkpoint."""
        networks = {name: getattr(self, name) for name in player.networks}
        return {f"{n}.{w}": p for n, net in networks.items() for w, p in net.named_parameters()}

    def optimizer_for(self, player: Player) -> Optimizer:
        """An optimizer for the weights of a player that learn, which it then knows."""
        of_all = [p for name in player.networks for p in getattr(self, name).parameters()]
        player.parameters = [p for p in of_all if p.requires_grad]
        scaled = str(self.trainer.precision).startswith("16")
        options = self.speed.optimizer_options(scaled)
        return make_optimizer(player.make_optimizer, player.parameters, options)

    def optimizers(self, use_pl_optimizer: bool = True) -> list[Any]:
        """Lightning's optimizers, in a list where there is one alone, too."""
        return listed(super().optimizers(use_pl_optimizer))

    def lr_schedulers(self) -> list[Any]:
        """Its schedules, likewise."""
        return listed(super().lr_schedulers())

    def on_fit_start(self) -> None:
        """Lays out and compiles the networks as ``speed`` asks."""
        if self.speed.wants_channels_last(self.device):
            self.to(memory_format=torch.channels_last)
        if self.speed.compile:
            torch.compiler.reset()  # what an earlier run of this process compiled counts otherwise
        for network in (n for player in self.players for n in self.networks(player)):
            if self.speed.checkpoint_activations:
                checkpoint_blocks(network)
            if self.speed.compile:
                self.forwards[network] = self.speed.compiled(network)

    def on_fit_end(self) -> None:
        """Lets go of the compiled code and its memory."""
        self.forwards.clear()
        if self.speed.compile:
            torch.compiler.reset()

    def on_train_start(self) -> None:
        """Gives what a checkpoint brought for the optimizers the form of this run's."""
        for optimizer in self.optimizers():
            settle(optimizer.optimizer)

    def laid_out(self, batch: Batch) -> Batch:
        """The batch with its images in memory as the weights are."""
        if not self.speed.wants_channels_last(self.device):
            return batch
        found = {key: value for key, value in images(batch).items() if value.ndim == 4}
        layout = torch.channels_last
        return batch | {k: v.contiguous(memory_format=layout) for k, v in found.items()}

    def last_backward(self, loss: Tensor, parameters: Sequence[nn.Parameter]) -> None:
        """The backward pass before a player's step: leaves the mean gradient of all processes.

        Float16's are scaled still, so that all processes find the same overflow.
        """
        several = self.trainer.world_size > 1
        with averaged_gradients(parameters) if several else nullcontext():
            self.manual_backward(loss)

    def take_step(self, optimizer: Any) -> None:
        """Updates one player, and gives the memory of its gradients to the rest of the step.

        Not on a CPU: there the memory would go back to the system, which clears each page before
        the next backward pass gets it again. It is that pass which takes it there.
        """
        optimizer.step()
        if self.device.type != "cpu":
            optimizer.zero_grad()

    def run(self, network: nn.Module, *inputs: Tensor, **options: Any) -> Any:
        """A network's output in training, computed as ``speed`` asks."""
        return self.forwards.get(network, network)(*inputs, **options)


def listed(found: Any) -> list[Any]:
    """What Lightning hands over bare where it is one."""
    return found if isinstance(found, list) else [found]
