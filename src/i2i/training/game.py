"""Optimizers and schedules of the players, and what makes a run go on exactly after a stop."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from i2i.cluster.gathering import on_first
from i2i.data.batches import Batch
from i2i.errors import setting_error
from i2i.inference.description import described
from i2i.messages import say
from i2i.training.fast_module import FastModule
from i2i.training.players import GENERATOR, Player
from i2i.training.rounds import Rounds, critics_first, require_all_before_g
from i2i.training.schedules import renewed, total_steps
from i2i.training.speed import Speed, require_moments
from i2i.training.watching.witness import Witness


class Game(FastModule):
    """One optimizer and one schedule for each player; all of them count generator steps.

    Attributes:
        batches_seen: Batches this run has trained on; saved with the checkpoint.
        images_seen: Images, over all processes; saved with the checkpoint.
        config: The resolved configuration, as plain values; saved with the checkpoint.
        n_critic: Updates of the others for one of ``g``, where ``rounds`` follow from it.
        newest: The newest terms of each player, who may have had no turn on the batch at hand.
        witness: What the steps that somebody watches leave.
    """

    def __init__(
        self,
        speed: Speed,
        make_scheduler: Callable[..., Any],  # called with an optimizer and total_steps
        n_critic: int,
        config: Mapping[str, Any],
    ):
        super().__init__(speed)
        self.automatic_optimization = False
        self.make_scheduler, self.n_critic, self.config = make_scheduler, n_critic, config
        self.batches_seen = self.images_seen = 0
        self.newest: dict[str, dict[str, Tensor]] = {}
        self.witness = Witness()
        self.loaded: dict[str, Any] | None = None  # what on_save_checkpoint wrote, where resumed
        self.total_steps = 0  # generator steps of the schedules
        # For a run that goes on; set by the command.
        self.training_images = ""  # which they are
        self.rates_changed = False  # whether optimizers or schedule have other options than before

    @property
    def rounds(self) -> Rounds:
        """Whose turn it is, batch by batch, as a pattern that repeats.

        It follows from ``n_critic``; a system may have a pattern of its own, in which every player
        has a turn before the first of ``g`` is over.
        """
        return critics_first(self.players, self.n_critic)

    def turns(self) -> list[Player]:
        """Who is updated on the batch at hand, in the order of the players."""
        names = self.rounds[self.batches_seen % len(self.rounds)]
        return [player for player in self.players if player.learns and player.name in names]

    @property
    def saved_order(self) -> list[Player]:
        """The players as optimizers and checkpoints list them: ``g`` first, whose steps count."""
        return sorted(self.players, key=lambda player: player.name != GENERATOR)

    def by_player(self, values: Any) -> dict[str, Any]:
        """What Lightning keeps in a list, for the players that learn, by name."""
        listed = zip(self.saved_order, values, strict=True)
        return {player.name: value for player, value in listed if player.learns}

    def configure_optimizers(self) -> tuple[list[Optimizer], list[Any]]:
        """G's optimizer first; each with a schedule over generator steps."""
        require_all_before_g(self.rounds, self.players)
        optimizers = [self.optimizer_for(player) for player in self.saved_order]
        total = self.total_steps = total_steps(self.trainer, self.rounds)
        return optimizers, [self.make_scheduler(opt, total_steps=total) for opt in optimizers]

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips; here the gradients are unscaled, whatever the precision."""
        for player, wrapped in zip(self.saved_order, self.optimizers(), strict=True):
            if wrapped.optimizer is optimizer:
                self.witness.before(player)
                if player.clip is not None:
                    clip_grad_norm_(player.parameters, player.clip)

    def active_schedules(self) -> dict[str, Any]:
        """The schedules of the players that learn, by player."""
        return self.by_player(self.lr_schedulers())

    def on_train_start(self) -> None:
        """Lets a run that goes on with other rates, or for longer, have them from here on."""
        super().on_train_start()
        if self.loaded is not None:
            self.take_up(self.loaded.pop("own_states", None))
            self.recall(self.loaded.pop("newest", None))
        if self.loaded is not None and (
            self.rates_changed or self.loaded.get("total_steps") != self.total_steps
        ):
            self.renew_rates()

    def require_own_states(self, states: Any) -> None:
        """Refuses what a checkpoint keeps of its processes' own, where this system cannot use it.

        Raises:
            SettingError: It is damaged, or there is none and the system keeps something.
        """
        empty = self.own_state()
        if states is None and not empty:
            return
        if not well_formed(states):
            raise setting_error(
                "resume", "a checkpoint with damaged states of its processes",
                "finite tensors by name, for each process", "Use another checkpoint of the run.",
            )  # fmt: skip
        for own in states:
            self.load_own_state(own)
        self.load_own_state(empty)

    def take_up(self, states: Any) -> None:
        """Takes up what this process kept of its own, where as many processes go on.

        Raises:
            SettingError: A checkpoint holds something else.
        """
        self.require_own_states(states)
        if not states:
            return
        if len(states) == self.trainer.world_size:
            self.load_own_state(states[self.global_rank])
        else:
            say(
                f"{len(states)} processes kept images of their own, and "
                f"{self.trainer.world_size} go on: these begin with none"
            )

    def recall(self, newest: Any) -> None:
        """Takes up the terms that the next row of the log has beside those of its own batch."""
        if isinstance(newest, dict) and well_formed(list(newest.values())):
            self.newest = {
                player: {name: value.to(self.device) for name, value in terms.items()}
                for player, terms in newest.items()
            }

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Makes the last step of a run a validated one, and the loggers' x axis the step."""
        trainer = self.trainer
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step
        finished = 0 < trainer.max_steps <= trainer.global_step
        if finished:
            trainer.should_stop = True
        last_epoch = 0 < (trainer.max_epochs or 0) <= trainer.current_epoch + 1
        if (finished or last_epoch) and trainer.check_val_every_n_epoch is not None:
            trainer.check_val_every_n_epoch = 1

    def renew_rates(self) -> None:
        """Takes what optimizers and schedules are set to from this run, and their state as it is.

        What Adam keeps of each weight stays. The schedule stands where this run's would stand.
        """
        fresh, _ = self.configure_optimizers()
        schedules = self.trainer.lr_scheduler_configs
        places = zip(self.saved_order, self.optimizers(), fresh, schedules, strict=True)
        for player, wrapped, new, schedule in places:
            optimizer, before = wrapped.optimizer, wrapped.optimizer.param_groups[0]["lr"]
            for group, other in zip(optimizer.param_groups, new.param_groups, strict=True):
                group.update({k: v for k, v in other.items() if k != "params"})
            schedule.scheduler = renewed(
                self.make_scheduler, optimizer, self.total_steps, schedule.scheduler.last_epoch
            )
            if (rate := optimizer.param_groups[0]["lr"]) != before:
                say(
                    f"Learning rate of {player.name.upper()}: {float(before):.3g} at step "
                    f"{self.trainer.global_step} until now, {float(rate):.3g} from here on; the "
                    f"schedule ends at step {self.total_steps}"
                )

    def own_state(self) -> dict[str, Tensor]:
        """What this process keeps of its own images beside weights; nothing by default.

        Tensors on the CPU, by name; a checkpoint holds those of each process.
        """
        return {}

    def load_own_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes up what ``own_state`` gave; called before the first step of a run that goes on."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        own = self.own_state()
        newest = {
            player: {n: self.trainer.strategy.reduce(v.clone()).cpu() for n, v in terms.items()}
            for player, terms in self.newest.items()
        }
        checkpoint["i2i"] = {
            "format": 1,
            "config": dict(self.config),
            "batches_seen": self.batches_seen,
            "images_seen": self.images_seen,
            "processes": self.trainer.world_size,
            "total_steps": self.total_steps,
            "training_images": self.training_images,
            "newest": newest,
            "translates": described(self),
        } | ({"own_states": on_first(own)} if own else {})

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.loaded = checkpoint["i2i"]
        states = checkpoint.get("optimizer_states") or []
        for player, state in zip(self.saved_order, states, strict=False):
            networks = [getattr(self, name) for name in player.networks]
            weights = [p for network in networks for p in network.parameters() if p.requires_grad]
            require_moments(weights, state)
        self.batches_seen = self.loaded["batches_seen"]
        self.images_seen = self.loaded["images_seen"]


def well_formed(states: Any) -> bool:
    """Whether a checkpoint's ``own_states`` are dictionaries of finite tensors of floats."""
    if not isinstance(states, list) or not all(isinstance(own, dict) for own in states):
        return False
    values = [value for own in states for value in own.values()]
    tensors = all(isinstance(v, Tensor) and v.is_floating_point() for v in values)
    return tensors and all(bool(v.isfinite().all()) for v in values)
