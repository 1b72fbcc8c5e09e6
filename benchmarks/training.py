"""Times training steps: the bare loop, and our module under a Lightning trainer.

Random batches stand ready on the device, so that the loops are compared and nothing else.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from omegaconf import DictConfig

from benchmarks.bare_loop import BareLoop
from benchmarks.fresh_process import peak_mib
from i2i.commands.launch import quieten
from i2i.commands.resolvers import register
from i2i.resources import root_dir

BLOCK_SECONDS = 0.25  # steps are timed in blocks of about that long
ENDLESS = 1_000_000  # steps; the stopwatch ends the run


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    generator: str  # a preset
    objective: str  # vanilla or wgan-gp
    batch: int  # images
    size: int  # pixels
    device: str = "cpu"  # or cuda
    base_channels: int = 64
    n_critic: int = 1  # critic updates a step, under wgan-gp
    options: tuple[str, ...] = ()  # of Hydra; the variant
    warmup: int = 1  # steps
    seconds: float = 1.5  # measured, at least
    least: int = 2  # measured blocks, at least
    block: int = 0  # steps a block; 0: as many as BLOCK_SECONDS hold
    alternate: bool = False  # every block is followed by one of the bare loop

    @property
    def batches_a_step(self) -> int:
        """Batches a generator update uses up."""
        return self.n_critic if self.objective == "wgan-gp" else 1


class InMemory:
    """A loader that hands out the same batches for ever."""

    def __init__(self, batches: list[dict[str, Any]]):
        self.batches = batches

    def __len__(self) -> int:
        return 10 * ENDLESS

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for index in range(len(self)):
            yield self.batches[index % len(self.batches)]


def random_batch(cfg: DictConfig, batch: int, size: int, device: str) -> dict[str, Any]:
    """Pairs of noise in [-1, 1]."""
    channels = {"input": cfg.dataset.input_channels, "target": cfg.dataset.target_channels}
    images = {k: (torch.rand(batch, c, size, size) * 2 - 1).to(device) for k, c in channels.items()}
    return images | {"name": [str(i) for i in range(batch)]}


def composed(cell: Cell) -> DictConfig:
    """The configuration of a cell, from ``conf/`` as a user's command line would make it."""
    quieten()
    register()
    os.environ["I2I_ROOT"] = str(root_dir())
    options = [
        "run_dir=.", f"generator={cell.generator}", f"gan_loss={cell.objective}",
        f"generator.base_channels={cell.base_channels}",
        f"discriminator.base_channels={cell.base_channels}", "trainer.max_epochs=-1",
        f"trainer.max_steps={ENDLESS}", "trainer.limit_val_batches=0",
        "trainer.enable_progress_bar=false",
    ]  # fmt: skip
    if not any(option.startswith("trainer=") for option in cell.options):
        options.append(f"trainer={'gpu' if cell.device == 'cuda' else 'cpu'}")
    if cell.generator == "unet" and cell.size < 256:
        options.append(f"generator.n_downs={cell.size.bit_length() - 1}")
    if cell.objective == "wgan-gp":
        options.append(f"model.n_critic={cell.n_critic}")
    with initialize_config_dir(str(root_dir() / "conf"), version_base="1.3"):
        return compose("config", [*options, *cell.options])


def wait_for(device: str) -> None:
    """Returns once the device has done all it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def steps_a_block(cell: Cell, step_seconds: float) -> int:
    """Steps that take about BLOCK_SECONDS."""
    return cell.block or max(1, round(BLOCK_SECONDS / max(step_seconds, 1e-6)))


def build_bare(cell: Cell, cfg: DictConfig) -> Callable[[int], float]:
    """Builds the bare loop; returns what runs some steps and gives the seconds a step took."""
    networks = [instantiate(cfg[name]).to(cell.device) for name in ("generator", "discriminator")]
    adam = [
        {"lr": cfg.optimizer[player].lr, "betas": tuple(cfg.optimizer[player].betas)}
        for player in ("generator", "discriminator")
    ]
    loop = BareLoop(*networks, cell.objective, *adam, n_critic=cell.batches_a_step)
    batches = iter(InMemory([random_batch(cfg, cell.batch, cell.size, cell.device)] * 2))

    def run(steps: int) -> float:
        wait_for(cell.device)
        started = time.perf_counter()
        for _ in range(steps * cell.batches_a_step):
            loop.on_batch(next(batches))
        wait_for(cell.device)
        return (time.perf_counter() - started) / steps

    return run


def measure_bare(cell: Cell) -> dict[str, Any]:
    """Step time, peak memory and set-up time of the bare loop."""
    started = time.perf_counter()
    cfg = composed(cell)
    seed_everything(0, verbose=False)
    composing = time.perf_counter() - started  # no part of a bare program
    run = build_bare(cell, cfg)
    run(1)
    set_up = time.perf_counter() - started - composing
    estimate = run(cell.warmup)
    steps, blocks = steps_a_block(cell, estimate), []
    while len(blocks) < cell.least or sum(blocks) * steps < cell.seconds:
        blocks.append(run(steps))
    return summary(cell, blocks, steps, set_up, peak_mib(cell.device))


class Stopwatch(Callback):
    """Times blocks of steps, alternately with the bare loop where asked, then ends the run.

    The clock runs from the end of one block's last batch to the end of the next one's: Lightning's
    own work between two batches is inside.
    """

    def __init__(self, cell: Cell, cfg: DictConfig, started: float):
        self.cell, self.cfg, self.started = cell, cfg, started
        self.batches = self.steps_left = self.steps = 0
        self.blocks: list[float] = []
        self.bare_blocks: list[float] = []
        self.bare: Callable[[int], float] | None = None
        self.set_up = self.peak = self.since = 0.0
        self.terms: dict[str, float] = {}

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.batches += 1
        if self.batches % self.cell.batches_a_step:
            return
        step = self.batches // self.cell.batches_a_step
        if step == 1:
            wait_for(self.cell.device)
            self.set_up = time.perf_counter() - self.started
            self.terms = {k: v.item() for k, v in trainer.callback_metrics.items()}
        if step <= self.cell.warmup:
            self.begin(1)
            return
        self.steps_left -= 1
        if self.steps_left == 0:
            self.end_block(trainer)

    def end_block(self, trainer: Trainer) -> None:
        """Notes a block, runs one of the bare loop, and begins the next."""
        wait_for(self.cell.device)
        seconds = (time.perf_counter() - self.since) / self.steps
        steps = steps_a_block(self.cell, seconds)
        if not self.blocks and steps > 2 * self.steps:  # it only told how long a block should be
            self.begin(steps)
            return
        self.blocks.append(seconds)
        self.peak = self.peak or peak_mib(self.cell.device)  # the bare loop is not built yet
        if self.cell.alternate:
            if self.bare is None:
                self.bare = build_bare(self.cell, self.cfg)
                self.bare(self.cell.warmup)
            self.bare_blocks.append(self.bare(self.steps))
        enough = sum(self.blocks) * self.steps >= self.cell.seconds
        if enough and len(self.blocks) >= self.cell.least:
            trainer.should_stop = True
        self.begin(self.steps)

    def begin(self, steps: int) -> None:
        """Starts the clock."""
        wait_for(self.cell.device)
        self.steps = self.steps_left = steps
        self.since = time.perf_counter()


def measure_lightning(cell: Cell) -> dict[str, Any]:
    """Step time, peak memory and set-up time of our module under a trainer."""
    started = time.perf_counter()
    cfg = composed(cell)
    stopwatch = Stopwatch(cell, cfg, started)
    fit(cell, cfg, [random_batch(cfg, cell.batch, cell.size, cell.device)] * 2, stopwatch)
    result = summary(cell, stopwatch.blocks, stopwatch.steps, stopwatch.set_up, stopwatch.peak)
    result["first_terms"] = stopwatch.terms
    if stopwatch.bare_blocks:
        pairs = zip(stopwatch.bare_blocks, stopwatch.blocks, strict=True)
        result["bare_blocks_s"] = stopwatch.bare_blocks
        result["ratio_in_turns"] = median(bare / ours for bare, ours in pairs)
    return result


def fit(cell: Cell, cfg: DictConfig, batches: list[dict[str, Any]], callback: Callback) -> Any:
    """Trains a cell's model on batches, with nothing around it; returns the trainer."""
    warnings.filterwarnings("ignore", module="lightning")  # no validation loader, no srun
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    seed_everything(cfg.seed, verbose=False)
    model = instantiate(cfg.model)
    trainer = instantiate(
        cfg.trainer, callbacks=[callback], logger=False, enable_checkpointing=False
    )
    trainer.fit(model, train_dataloaders=InMemory(batches))
    return trainer


def summary(
    cell: Cell, blocks: list[float], steps: int, set_up: float, peak: float
) -> dict[str, Any]:
    """What both loops report; a step's images are those of all the batches it used up."""
    step = median(blocks)
    return {
        "step_s": step,
        "images_per_s": cell.batch * cell.batches_a_step / step,
        "peak_mib": peak,
        "set_up_s": set_up,
        "blocks_s": blocks,
        "steps_a_block": steps,
    }
