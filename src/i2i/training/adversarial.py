"""What every two-player system shares; a system itself is only its losses."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from i2i.data.paired_dataset import PairBatch
from i2i.data.tasks.task import Task
from i2i.errors import setting_error
from i2i.inference.translate import INFERENCE_MODES, seed_noise, translate
from i2i.messages import say
from i2i.seeds import stable_seed
from i2i.training.ema import EMA
from i2i.training.fast_module import FastModule, frozen
from i2i.training.finite import FiniteTerms
from i2i.training.schedules import renewed, total_steps
from i2i.training.speed import Speed, require_moments

Terms = dict[str, Tensor]


def do_nothing() -> None:
    """Stands in for Lightning's count of an optimizer's steps."""


def take(batch: PairBatch, part: slice) -> PairBatch:
    """Some images of a batch."""
    return {key: value[part] for key, value in batch.items()}


class AdversarialModule(FastModule):
    """Two players, two optimizers, updated by hand; one step is one generator update.

    A system sets ``generator`` and ``discriminator`` and writes ``generate``,
    ``discriminator_terms`` and ``generator_terms``. Everything else is here: whose turn it is, the
    step count, gradient accumulation, clipping, schedules, EMA, inference, and what makes a run
    go on exactly after a stop.

    The noise of step t on process r is drawn from (seed, t, r) alone, so that no state of a random
    generator has to be saved.

    Attributes:
        discriminator_learns: Whether D has terms to minimise; where not, it is neither run for an
            update of its own nor stepped, and its schedule stands still.
        batches_seen: Batches this run has trained on; saved with the checkpoint.
        images_seen: Images, over all processes; saved with the checkpoint.
        config: The resolved configuration, as plain values; saved with the checkpoint.
        task: How tensors become pictures; that of the data.
    """

    generator: nn.Module
    discriminator: nn.Module
    discriminator_learns: bool = True

    def __init__(
        self,
        *,
        optimizer_g: Callable[..., Optimizer],  # called with the generator's parameters
        optimizer_d: Callable[..., Optimizer],
        scheduler: Callable[..., Any],  # called with an optimizer and total_steps
        n_critic: int = 1,  # discriminator updates, each on a batch of its own, a generator update
        accumulate: int = 1,  # parts a batch is worked on in; the update is that of the whole batch
        clip_g: float | None = None,  # largest norm of G's gradient; None does not clip
        clip_d: float | None = None,
        ema_decay: float | None = None,  # e.g. 0.999; None keeps no average
        inference: str = "paper",  # or eval
        speed: Speed | None = None,  # None: what Speed() says
        on_nan: str = "stop",  # or continue: where a term is NaN or infinite
        seed: int = 0,
        config: Mapping[str, Any] | None = None,  # the resolved configuration, as plain values
        task: Task | None = None,  # of the data; None: pairs as they are
    ):
        super().__init__(speed or Speed())
        if inference not in INFERENCE_MODES:
            raise setting_error(
                f"model.inference={inference}", repr(inference),
                f"one of {', '.join(INFERENCE_MODES)}", "Use paper for the noise of pix2pix.",
            )  # fmt: skip
        for name, value in (("n_critic", n_critic), ("accumulate", accumulate)):
            if value < 1:
                raise setting_error(f"model.{name}={value}", str(value), "at least 1", "Use 1.")
        self.automatic_optimization = False
        self.make_optimizer_g, self.make_optimizer_d = optimizer_g, optimizer_d
        self.make_scheduler = scheduler
        self.n_critic, self.accumulate = n_critic, accumulate
        self.clip_g, self.clip_d = clip_g, clip_d
        self.ema_decay, self.inference, self.seed = ema_decay, inference, seed
        self.batches_seen = self.images_seen = 0
        self.config, self.task = config or {}, task or Task()
        self.finite = FiniteTerms(on_nan)
        self.ema: EMA | None = None
        self.loaded: dict[str, Any] | None = None  # what on_save_checkpoint wrote, where resumed
        self.total_steps = 0  # generator steps of the schedules
        # For a run that goes on; set by the command.
        self.training_images = ""  # which they are
        self.rates_changed = False  # whether optimizers or schedule have other options than before

    def keep_average(self) -> None:
        """Starts the EMA; a system calls it once its generator stands."""
        if self.ema_decay is not None:
            self.ema = EMA(self.generator, self.ema_decay)

    # ---- what a system writes ----

    def generate(self, batch: PairBatch) -> Tensor:
        """G's images for a batch, with a graph where one is being recorded."""
        raise NotImplementedError

    def discriminator_terms(self, batch: PairBatch, y_hat: Tensor) -> Terms:
        """Weighted terms that D minimises; ``y_hat`` comes detached."""
        raise NotImplementedError

    def generator_terms(self, batch: PairBatch, y_hat: Tensor) -> Terms:
        """Weighted terms that G minimises."""
        raise NotImplementedError

    def rehearse(self, x: Tensor, y: Tensor) -> None:
        """Refuses what the terms cannot work on, before training; nothing to do by default.

        Args:
            x: An input of the size to train on, (1, C_in, H, W), any values.
            y: A target, (1, C_out, H, W).
        """

    # ---- the step ----

    def training_step(self, batch: PairBatch, batch_idx: int) -> None:
        """One D update; after every ``n_critic`` of them one G update (Isola et al. 2017)."""
        opt_g, opt_d = self.optimizers()
        batch = self.laid_out(batch)
        # Lightning counts every optimizer; a step is one update of G.
        opt_d._on_before_step = opt_d._on_after_step = do_nothing
        seed = stable_seed(self.seed, "noise", self.batches_seen, self.global_rank)
        seed_noise(seed, self.device)
        if self.speed.cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()  # what the last step made may be overwritten
        g_turn = (self.batches_seen + 1) % self.n_critic == 0
        # One forward serves both updates; in parts it is made again, so that one part's graph
        # is in memory at a time.
        y_hat = self.generate(batch) if g_turn and self.accumulate == 1 else None

        d_terms: Terms = {}
        if self.discriminator_learns:
            opt_d.zero_grad()
            d_terms = self.backward_in_parts(batch, y_hat, self.discriminator_terms, True)
            self.finite.note("d", d_terms, self.batches_seen // self.n_critic + 1)
            self.take_step(opt_d)

        if g_turn:
            opt_g.zero_grad()
            with frozen(self.d_parameters):
                g_terms = self.backward_in_parts(batch, y_hat, self.generator_terms, False)
            self.finite.note("g", g_terms, self.batches_seen // self.n_critic + 1)
            self.take_step(opt_g)
            self.after_generator_update()
            self.write_terms({"d": d_terms, "g": g_terms})
        self.batches_seen += 1
        self.images_seen += len(batch["name"]) * self.trainer.world_size

    def backward_in_parts(
        self,
        batch: PairBatch,
        y_hat: Tensor | None,
        terms_of: Callable[[PairBatch, Tensor], Terms],
        detach: bool,
    ) -> Terms:
        """Adds up the gradients of a batch's parts, each weighted by its share of the images.

        Args:
            batch: The whole batch of this process.
            y_hat: G's images for it, or None to make them part by part.
            terms_of: ``discriminator_terms`` or ``generator_terms``.
            detach: Whether the graph of G is cut: for D's update.

        Returns:
            The terms of the whole batch, without graph.
        """
        size = len(batch["name"])
        length = -(-size // self.accumulate)
        totals: Terms = {}
        for start in range(0, size, length):
            part = batch if length == size else take(batch, slice(start, start + length))
            share = len(part["name"]) / size
            if y_hat is None:
                with torch.set_grad_enabled(not detach):
                    made = self.generate(part)
            else:
                made = y_hat
            terms = terms_of(part, made.detach() if detach else made)
            loss = share * sum(terms.values())
            if start + length < size:
                self.manual_backward(loss)
            else:
                self.last_backward(loss, self.d_parameters if detach else self.g_parameters)
            for name, value in terms.items():
                totals[name] = totals.get(name, 0.0) + share * value.detach()
        return totals

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips; here the gradients are unscaled, whatever the precision."""
        limit = self.clip_g if optimizer is self.optimizers()[0].optimizer else self.clip_d
        if limit is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            clip_grad_norm_(parameters, limit)

    def after_generator_update(self) -> None:
        """Moves the average and the schedules, both of which count generator steps."""
        if self.ema is not None:
            self.ema.update(self.generator)
        for schedule in self.active_schedules().values():
            schedule.step()

    def active_schedules(self) -> dict[str, Any]:
        """The schedules of the players that learn, by player."""
        schedules = dict(zip("gd", self.lr_schedulers(), strict=True))
        return schedules if self.discriminator_learns else {"g": schedules["g"]}

    def on_train_batch_end(self, outputs: Any, batch: PairBatch, batch_idx: int) -> None:
        """Makes the last step of a run a validated one, and the loggers' x axis the step."""
        trainer = self.trainer
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step
        finished = 0 < trainer.max_steps <= trainer.global_step
        if finished:
            trainer.should_stop = True
        last_epoch = 0 < (trainer.max_epochs or 0) <= trainer.current_epoch + 1
        if (finished or last_epoch) and trainer.check_val_every_n_epoch is not None:
            trainer.check_val_every_n_epoch = 1

    # ---- optimizers and schedules ----

    def configure_optimizers(self) -> tuple[list[Optimizer], list[Any]]:
        """G's optimizer first, then D's; each with a schedule over generator steps."""
        self.g_parameters, opt_g = self.optimizer_for(self.generator, self.make_optimizer_g)
        self.d_parameters, opt_d = self.optimizer_for(self.discriminator, self.make_optimizer_d)
        total = self.total_steps = total_steps(self.trainer, self.n_critic)
        schedules = [self.make_scheduler(opt, total_steps=total) for opt in (opt_g, opt_d)]
        return [opt_g, opt_d], schedules

    def on_train_start(self) -> None:
        """Lets a run that goes on with other rates, or for longer, have them from here on."""
        super().on_train_start()
        if self.loaded is not None and (
            self.rates_changed or self.loaded.get("total_steps") != self.total_steps
        ):
            self.renew_rates()

    def renew_rates(self) -> None:
        """Takes what optimizers and schedules are set to from this run, and their state as it is.

        What Adam keeps of each weight stays. The schedule stands where this run's would stand.
        """
        fresh, _ = self.configure_optimizers()
        players = zip(
            "GD", self.optimizers(), fresh, self.trainer.lr_scheduler_configs, strict=True
        )
        for player, wrapped, new, schedule in players:
            optimizer, before = wrapped.optimizer, wrapped.optimizer.param_groups[0]["lr"]
            for group, other in zip(optimizer.param_groups, new.param_groups, strict=True):
                group.update({k: v for k, v in other.items() if k != "params"})
            schedule.scheduler = renewed(
                self.make_scheduler, optimizer, self.total_steps, schedule.scheduler.last_epoch
            )
            if (rate := optimizer.param_groups[0]["lr"]) != before:
                say(
                    f"Learning rate of {player}: {float(before):.3g} at step "
                    f"{self.trainer.global_step} until now, {float(rate):.3g} from here on; the "
                    f"schedule ends at step {self.total_steps}"
                )

    # ---- evaluation ----

    def require_finite(self) -> None:
        """Ends a run whose terms or weights are not finite; all processes come here together."""
        if self.finite.seen:
            players = {"the generator": self.g_parameters, "the discriminator": self.d_parameters}
            self.finite.require(self.trainer, players)

    def on_validation_start(self) -> None:
        """Gives every process the running statistics of process 0, which is what is saved."""
        self.require_finite()
        if self.trainer.world_size > 1:
            for buffer in self.buffers():
                torch.distributed.broadcast(buffer, src=0)

    on_train_epoch_end = on_test_start = on_validation_start

    def translate(self, x: Tensor, names: list[str]) -> Tensor:
        """Translates as at test time, with the average where one is kept.

        Args:
            x: (B, C, H, W) in [-1, 1], any H and W.
            names: One an image; the noise depends on it.

        Returns:
            (B, C_out, H, W) float32 in [-1, 1].
        """
        network = self.generator if self.ema is None else self.ema.network
        return translate(network, x, names, self.inference, self.seed)

    def validation_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """y_hat of a batch, for the callbacks that score and show it."""
        return self.finite.shown(self.translate(batch["input"], batch["name"]))

    test_step = validation_step

    # ---- logging and state ----

    def write_terms(self, players: dict[str, Terms]) -> None:
        """Sends train/d/* and train/g/* to the loggers and the progress bar, by generator step.

        They are means over all processes, which meet for them in the steps that are logged alone.
        """
        step = self.trainer.global_step
        if step > 1 and step % self.trainer.log_every_n_steps:
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
        checkpoint["i2i"] = {
            "format": 1,
            "config": dict(self.config),
            "batches_seen": self.batches_seen,
            "images_seen": self.images_seen,
            "processes": self.trainer.world_size,
            "total_steps": self.total_steps,
            "training_images": self.training_images,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.loaded = checkpoint["i2i"]
        for network, state in zip(
            (self.generator, self.discriminator), checkpoint.get("optimizer_states") or [],
            strict=False,
        ):  # fmt: skip
            require_moments(network, state)
        self.batches_seen = self.loaded["batches_seen"]
        self.images_seen = self.loaded["images_seen"]
