"""What every adversarial system shares; a system itself is only its losses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from i2i.data.batches import Batch, size, take
from i2i.data.tasks.task import Task
from i2i.errors import setting_error
from i2i.inference.translate import INFERENCE_MODES, seed_noise
from i2i.metrics.shown import Shown
from i2i.seeds import stable_seed
from i2i.training.diffaugment import DiffAugment
from i2i.training.ema import EMA
from i2i.training.game import Game
from i2i.training.logged_steps import is_logged
from i2i.training.players import GENERATOR, Player, frozen
from i2i.training.rounds import steps_in
from i2i.training.routes import Routes
from i2i.training.speed import Speed
from i2i.training.watching.finite import FiniteTerms
from i2i.training.watching.where_it_began import where_it_began

Terms = dict[str, Tensor]
Made = dict[str, Tensor]


def detached(made: Made) -> Made:
    """The same images without their graph."""
    return {name: image.detach() for name, image in made.items()}


class AdversarialModule(Routes, Game):
    """A game between players, each updated by hand; one step is one update of the player ``g``.

    A system sets ``generator``, its other networks, ``players`` and ``routes``, and writes
    ``generate``, ``terms``, ``translator`` and ``judge``. Everything else is here, in ``Game`` and
    in ``Routes``: whose turn it is, the step count, gradient accumulation, clipping, schedules,
    EMA, evaluation, and what makes a run go on exactly after a stop.

    The noise of step t on process r is drawn from (seed, t, r) alone, so that no state of a random
    generator has to be saved.

    Attributes:
        generator: What is averaged and translates: a network, or an ``nn.ModuleDict`` of several.
        discriminator: What judges images, likewise; a system may have none.
        gan_loss: The objective of the game (``i2i.losses.gan``); None where there is none.
        pairings: The values of ``dataset.pairing`` that its terms can learn from.
        conditions_on_pictures: Whether what D is shown beside an image is a picture, which is
            augmented as the image is.
    """

    generator: nn.Module
    gan_loss: Any = None
    pairings: tuple[str, ...] = ("paired",)
    conditions_on_pictures = True

    def __init__(
        self,
        *,
        optimizer_g: Callable[..., Optimizer],  # called with the generator's parameters
        optimizer_d: Callable[..., Optimizer],
        scheduler: Callable[..., Any],  # called with an optimizer and total_steps
        discriminator_weight: float = 0.5,  # of D's terms: slows it down relative to G
        n_critic: int = 1,  # discriminator updates, each on a batch of its own, a generator update
        accumulate: int = 1,  # parts a batch is worked on in; the update is that of the whole batch
        clip_g: float | None = None,  # largest norm of G's gradient; None does not clip
        clip_d: float | None = None,
        ema_decay: float | None = None,  # e.g. 0.999; None keeps no average
        diffaugment: Sequence[str] = (),  # color, translation, cutout: what D's images go through
        inference: str = "paper",  # or eval
        speed: Speed | None = None,  # None: what Speed() says
        on_nan: str = "stop",  # or continue: where a term is NaN or infinite
        seed: int = 0,
        direction: str = "AtoB",  # of the data; names the routes
        config: Mapping[str, Any] | None = None,  # the resolved configuration, as plain values
        task: Task | None = None,  # of the data; None: pairs as they are
    ):
        super().__init__(speed or Speed(), scheduler, n_critic, config or {})
        if inference not in INFERENCE_MODES:
            raise setting_error(
                f"model.inference={inference}", repr(inference),
                f"one of {', '.join(INFERENCE_MODES)}", "Use paper for the noise of pix2pix.",
            )  # fmt: skip
        for name, value in (("n_critic", n_critic), ("accumulate", accumulate)):
            if value < 1:
                raise setting_error(f"model.{name}={value}", str(value), "at least 1", "Use 1.")
        self.of_g, self.of_d = (optimizer_g, clip_g), (optimizer_d, clip_d)
        self.discriminator_weight, self.accumulate = discriminator_weight, accumulate
        self.ema_decay, self.inference = ema_decay, inference
        self.seed, self.direction, self.task = seed, direction, task or Task()
        self.finite, self.diffaugment = FiniteTerms(on_nan), DiffAugment(diffaugment)
        self.ema: EMA | None = None

    def keep_average(self) -> None:
        """Starts the EMA and the augmentation; a system calls it once its networks stand."""
        self.diffaugment.attach(self, self.players)
        if self.ema_decay is not None:
            self.ema = EMA(self.generator, self.ema_decay)

    @property
    def evaluated(self) -> Any:
        """The generator, or its average where one is kept."""
        return self.generator if self.ema is None else self.ema.network

    # ---- what a system writes ----

    def generate(self, batch: Batch) -> Made:
        """What G makes of a batch, by name, with a graph where one is being recorded."""
        raise NotImplementedError

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        """Weighted terms that a player minimises; ``made`` comes detached for all but ``g``."""
        raise NotImplementedError

    def judge(self, x: Tensor, y: Tensor) -> None:
        """Shows the discriminators images of the data's shapes, to see whether they take them.

        Args:
            x: Inputs, (B, C_in, H, W).
            y: Targets, (B, C_out, H, W).
        """

    def rehearse(self, x: Tensor, y: Tensor) -> None:
        """Refuses what the terms cannot work on, before training; nothing to do by default.

        Args:
            x: An input of the size to train on, (1, C_in, H, W), any values.
            y: A target, (1, C_out, H, W).
        """

    # ---- the step ----

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Updates the players whose turn it is, one after the other, on one batch."""
        batch = self.laid_out(batch)
        self.start_step()
        turns = self.turns()
        with_g = any(player.name == GENERATOR for player in turns)
        # What was made of each part of the batch, by its first sample. One forward serves all
        # updates; in parts G makes its own again, so that one part's graph is in memory at a time.
        made = {0: self.generate(batch)} if with_g and self.accumulate == 1 else {}
        terms = {player.name: self.update(player, batch, made) for player in turns}
        self.newest |= terms
        self.witness.keep(batch, made)
        if with_g:
            self.end_step()
            self.write_terms(self.newest)
        self.batches_seen += 1
        self.images_seen += size(batch) * self.trainer.world_size

    def start_step(self) -> None:
        """Draws the noise of this step from its number, and keeps Lightning from miscounting."""
        for optimizer in self.optimizers()[1:]:  # Lightning counts each; a step is one of G's
            optimizer._on_before_step = optimizer._on_after_step = lambda: None
        seed = stable_seed(self.seed, "noise", self.batches_seen, self.global_rank)
        seed_noise(seed, self.device)
        if self.speed.cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()  # what the last step made may be overwritten

    def update(self, player: Player, batch: Batch, made: dict[int, Made]) -> Terms:
        """Takes one step of a player's optimizer, the others being frozen."""
        optimizer = self.by_player(self.optimizers())[player.name]
        optimizer.zero_grad()
        others = [p for other in self.players if other is not player for p in other.parameters]
        with frozen(others), self.witness.hearing(player, self.gan_loss):
            terms = self.backward_in_parts(player, batch, made)
        self.finite.note(player.name, terms, steps_in(self.rounds, self.batches_seen) + 1)
        if self.may_read() and self.finite.stops(terms):
            self.require_finite(where_it_began(self, player, batch))
        self.take_step(optimizer)
        self.witness.after(player)
        return terms

    def may_read(self) -> bool:
        """Whether numbers can be read after each update: no device and nobody is waited for."""
        return self.device.type == "cpu" and self.trainer.world_size == 1

    def backward_in_parts(self, player: Player, batch: Batch, made: dict[int, Made]) -> Terms:
        """Adds up the gradients of a batch's parts, each weighted by its share of the images.

        Args:
            player: Whose terms they are.
            batch: The whole batch of this process.
            made: What G made of its parts, by their first sample; what is missing is added.

        Returns:
            The terms of the whole batch, without graph.
        """
        whole, of_g = size(batch), player.name == GENERATOR
        length = -(-whole // self.accumulate)
        totals: Terms = {}
        for start in range(0, whole, length):
            part = batch if length == whole else take(batch, slice(start, start + length))
            share = size(part) / whole
            images = made.get(start)
            if images is None or (of_g and self.accumulate > 1):  # what is kept has no graph
                with torch.set_grad_enabled(of_g):
                    images = self.generate(part)
                made[start] = detached(images)
            with self.diffaugment.drawn(size(part), self.device):
                terms = self.terms(player.name, part, images if of_g else detached(images))
            loss = share * sum(terms.values())
            if start + length < whole:
                self.manual_backward(loss)
            else:
                self.last_backward(loss, player.parameters)
            for name, value in terms.items():
                totals[name] = totals.get(name, 0.0) + share * value.detach()
        return totals

    def end_step(self) -> None:
        """Moves the average and the schedules, both of which count generator steps."""
        if self.ema is not None:
            self.ema.update(self.generator)
        for schedule in self.active_schedules().values():
            schedule.step()

    # ---- evaluation ----

    def require_finite(self, place: str = "") -> None:
        """Ends a run whose terms or weights are not finite; all processes come here together.

        Args:
            place: Where in a network that began, if anybody knows.
        """
        if self.finite.seen:
            weights = {player.title: self.weights_of(player) for player in self.players}
            self.finite.require(self.trainer, weights, place)

    def on_validation_start(self) -> None:
        """Gives every process the running statistics of process 0, which is what is saved."""
        self.require_finite()
        if self.trainer.world_size > 1:
            for buffer in self.buffers():
                torch.distributed.broadcast(buffer, src=0)

    on_train_epoch_end = on_test_start = on_validation_start

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Shown]:
        """A batch translated on each route, for the callbacks that score and show it."""
        shown = self.shown(batch)
        return {route: self.translated(route, shown[route]) for route in self.evaluates or shown}

    test_step = validation_step

    # ---- logging and state ----

    def write_terms(self, players: dict[str, Terms]) -> None:
        """Sends train/d/* and train/g/* to the loggers and the progress bar, by generator step.

        They are means over all processes, which meet for them in the steps that are logged alone.
        """
        if not is_logged(self.trainer):
            return
        terms = {f"train/{p}/{n}": v for p, terms in players.items() for n, v in terms.items()}
        # Read back once, and shown as CPU tensors: Lightning reads what it shows after every batch,
        # and plain numbers too would become tensors of the GPU, each of which it would wait for.
        mine = torch.stack([value.float() for value in terms.values()])
        numbers = self.trainer.strategy.reduce(torch.cat([mine, self.finite.marks()])).cpu()
        numbers, marks = numbers.tensor_split([len(terms)])
        self.log_dict(dict(zip(terms, numbers.unbind(), strict=True)), prog_bar=True, logger=False)
        values = dict(zip(terms, numbers.tolist(), strict=True))
        rates = {
            f"train/lr_{player}": schedule.get_last_lr()[0]
            for player, schedule in self.active_schedules().items()
        }
        self.write(values | rates)
        if any(marks.tolist()):  # in all processes, or in none
            self.require_finite()

    def write(self, values: Mapping[str, float]) -> None:
        """Sends numbers to every logger, with the generator step as x."""
        for logger in self.trainer.loggers:
            logger.log_metrics(dict(values), step=self.trainer.global_step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.require_finite()
        super().on_save_checkpoint(checkpoint)
