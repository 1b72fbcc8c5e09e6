"""Times training steps: the bare loop, and our module under a Lightning trainer."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from statistics import median
from typing import Any

import torch
from hydra.utils import instantiate
from lightning.pytorch import LightningModule, seed_everything
from omegaconf import DictConfig
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.bare_cyclegan import BareCycleGAN
from benchmarks.bare_loop import BareLoop
from benchmarks.cell import Cell, InMemory, composed, fit, random_batch
from benchmarks.machine import bfloat16_rate
from benchmarks.plan import BARE, Plan
from benchmarks.processes import call, peak_mib
from benchmarks.turns import Run, Stopwatch, compare

NETWORKS = {
    "pix2pix": ("generator", "discriminator"),
    "cyclegan": ("generator", "generator_back", "discriminator", "discriminator_back"),
}
Found = dict[str, Any]


def plain_copy(cfg: DictConfig, network: nn.Module, device: str) -> nn.Module:
    """A network as its preset makes it, NCHW, with another's weights; saves drawing new ones."""
    with torch.device("meta"):
        copy = instantiate(cfg)
    copy.to_empty(device=device).load_state_dict(network.state_dict())
    return copy


def parts_of(module: LightningModule | None, name: str) -> nn.Module | None:
    """The network of a module that an option of its system names; None without a module."""
    if module is None:
        return None
    player, _, back = name.partition("_")
    network = getattr(module, player)
    return network["back" if back else "there"] if isinstance(network, nn.ModuleDict) else network


def build_bare(cell: Cell, cfg: DictConfig, module: LightningModule | None = None) -> Run:
    """Builds the bare loop; returns what runs some of its steps.

    Args:
        cell: What to train; its options do not matter.
        cfg: Its configuration, of which the networks and learning rates are taken.
        module: Whose weights to begin with; None draws them.
    """
    networks = []
    for name in NETWORKS[cell.system]:
        its, node = parts_of(module, name), cfg.model[name]
        made = instantiate(node).to(cell.device) if its is None else None
        networks.append(made or plain_copy(node, its, cell.device))
    adam = [
        {"lr": cfg.optimizer[player].lr, "betas": tuple(cfg.optimizer[player].betas)}
        for player in ("generator", "discriminator")
    ]
    if cell.system == "cyclegan":
        loop = BareCycleGAN(*networks, *adam)
    else:
        loop = BareLoop(*networks, cell.objective, *adam, n_critic=cell.batches_a_step)
    batches = iter(InMemory([random_batch(cfg, cell.batch, cell.size, cell.device)] * 2))

    def run(steps: int) -> float:
        started = cell.now()
        for _ in range(steps * cell.batches_a_step):
            loop.on_batch(next(batches))
        return (cell.now() - started) / steps

    return run


def measure_bare(cell: Cell) -> Found:
    """Step time, peak memory and set-up time of the bare loop."""
    cfg = composed(cell)  # no part of a bare program's set-up
    seed_everything(0, verbose=False)
    started = time.perf_counter()
    run = build_bare(cell, cfg)
    run(1)
    set_up = time.perf_counter() - started
    run(cell.warmup)
    blocks: list[float] = []
    while len(blocks) < cell.least or sum(blocks) * cell.block < cell.seconds:
        blocks.append(run(cell.block))
    return summary(cell, blocks, set_up, peak_mib(cell.device))


def measure_lightning(cell: Cell) -> Found:
    """Step time, peak memory and set-up time of our module under a trainer."""
    started = time.perf_counter()
    cfg = composed(cell)

    def make_bare(module: LightningModule) -> Run:
        return build_bare(cell, cfg, module)

    stopwatch = Stopwatch(cell, started, make_bare if cell.in_turns else None)
    fit(cfg, [random_batch(cfg, cell.batch, cell.size, cell.device)] * 2, stopwatch)
    result = summary(cell, stopwatch.blocks, stopwatch.set_up, stopwatch.peak)
    if stopwatch.bare_blocks:
        result["bare_blocks_s"] = stopwatch.bare_blocks
        result |= compare(stopwatch.blocks, stopwatch.bare_blocks)
    return result


def summary(cell: Cell, blocks: list[float], set_up: float, peak: float) -> Found:
    """What both loops report; a step's images are those of all the batches it used up."""
    step = median(blocks)
    return {
        "step_s": step,
        "images_per_s": cell.batch * cell.batches_a_step / step,
        "peak_mib": peak,
        "set_up_s": set_up,
        "blocks_s": blocks,
    }


def step_flops(cell: Cell) -> Found:
    """Counts the convolutions and products of a step, both passes, without computing one.

    Networks and images stand on PyTorch's meta device. A multiplication and an addition are two.

    Args:
        cell: With the objective vanilla: PyTorch's counter cannot go through a gradient penalty.

    Returns:
        {"flops_per_image"}.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as count:
        build_bare(replace(cell, batch=1, device="meta"), composed(cell))(1)
    return {"flops_per_image": count.get_total_flops()}


def measure(plan: Plan, keep: Callable[[Found], None]) -> Found:
    """Measures every cell in a process of its own.

    Args:
        plan: Whose cells.
        keep: Is handed all that there is after each cell, so that a run that is cut keeps it.

    Returns:
        ``rows``, one per cell; on a GPU with the FLOP of a step's image, and ``matrix_rate``.
    """
    rows: list[Found] = []
    found: Found = {"rows": rows}
    on_gpu = plan.device == "cuda"
    if on_gpu:
        found["matrix_rate"] = call(bfloat16_rate).get("rate")
    flops: dict[tuple[Any, ...], Found] = {}
    for variant, cell in plan.cells():
        work = (cell.system, cell.generator, cell.objective, cell.size, cell.base_channels)
        if on_gpu and work not in flops and cell.objective == "vanilla":
            flops[work] = call(step_flops, cell)
        measured = call(measure_bare if variant == BARE else measure_lightning, cell)
        rows.append(asdict(cell) | {"variant": variant} | flops.get(work, {}) | measured)
        speed = measured.get("error") or f"{1e3 * measured['step_s']:.1f} ms per step"
        print(f"  {'/'.join(map(str, work))}, batch {cell.batch}, {variant}: {speed}", flush=True)
        keep(found)
    return found
