"""Times training steps: the bare loop, and our module under a Lightning trainer."""

import time
from statistics import median
from typing import Any

import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningModule, seed_everything
from omegaconf import DictConfig
from torch import nn

from benchmarks.bare_loop import BareLoop
from benchmarks.cell import Cell, InMemory, composed, fit, random_batch
from benchmarks.fresh_process import peak_mib
from benchmarks.turns import Run, Stopwatch, compare, steps_a_block, warm_up

PLAYERS = ("generator", "discriminator")


def plain_copy(cfg: DictConfig, network: nn.Module, device: str) -> nn.Module:
    """A network as its preset makes it, NCHW, with another's weights; saves drawing new ones."""
    with torch.device("meta"):
        copy = instantiate(cfg)
    copy.to_empty(device=device).load_state_dict(network.state_dict())
    return copy


def build_bare(cell: Cell, cfg: DictConfig, module: LightningModule | None = None) -> Run:
    """Builds the bare loop; returns what runs some of its steps.

    Args:
        cell: What to train; its options do not matter.
        cfg: Its configuration, of which the networks and learning rates are taken.
        module: Whose weights to begin with; None draws them.
    """
    if module is None:
        networks = [instantiate(cfg[name]).to(cell.device) for name in PLAYERS]
    else:
        networks = [plain_copy(cfg[n], getattr(module, n), cell.device) for n in PLAYERS]
    adam = [
        {"lr": cfg.optimizer[player].lr, "betas": tuple(cfg.optimizer[player].betas)}
        for player in PLAYERS
    ]
    loop = BareLoop(*networks, cell.objective, *adam, n_critic=cell.batches_a_step)
    batches = iter(InMemory([random_batch(cfg, cell.batch, cell.size, cell.device)] * 2))

    def run(steps: int) -> float:
        started = cell.now()
        for _ in range(steps * cell.batches_a_step):
            loop.on_batch(next(batches))
        return (cell.now() - started) / steps

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
    estimate = warm_up(cell, run)
    steps = steps_a_block(cell, estimate)
    blocks = [estimate] if steps == 1 else []
    while len(blocks) < cell.least or sum(blocks) * steps < cell.seconds:
        blocks.append(run(steps))
    return summary(cell, blocks, steps, set_up, peak_mib(cell.device))


def measure_lightning(cell: Cell) -> dict[str, Any]:
    """Step time, peak memory and set-up time of our module under a trainer."""
    started = time.perf_counter()
    if cell.cpu_time:
        torch.set_num_threads(1)
    cfg = composed(cell)

    def make_bare(module: LightningModule) -> Run:
        return build_bare(cell, cfg, module)

    stopwatch = Stopwatch(cell, started, make_bare if cell.alternate else None)
    fit(cfg, [random_batch(cfg, cell.batch, cell.size, cell.device)] * 2, stopwatch)
    result = summary(cell, stopwatch.blocks, stopwatch.steps, stopwatch.set_up, stopwatch.peak)
    result["first_terms"] = stopwatch.terms
    if stopwatch.bare_blocks:
        result["bare_blocks_s"] = stopwatch.bare_blocks
        result |= compare(stopwatch.blocks, stopwatch.bare_blocks)
    return result


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
