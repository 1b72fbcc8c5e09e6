"""Whether the fast variants learn what the eager float32 loop learns, over 100 steps.

Two players amplify any disturbance, so that a bound on each step's loss would be a guess. The
tolerance is measured instead: the eager float32 run is repeated from weights rounded to bfloat16
once, and on images rounded to bfloat16. What a variant may differ by is twice what these differ by.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn import functional as F

from benchmarks.cell import Cell, composed, fit
from benchmarks.fresh_process import call
from benchmarks.machine import cores
from benchmarks.plan import BF16, EAGER, FUSED, OBJECTIVES, Plan, ladder

STEPS = 100
WINDOW = 10  # steps; single steps are noisy
SPACING = 2.0**-8  # of bfloat16, relative
RUNS_ON_GPU = 3  # at once
FACTOR = 2.0  # on the difference that rounding once makes
FIRST_STEP = 8 * SPACING  # the rounding of some dozen layers, one after the other

Curves = dict[str, list[float]]


class Recorder(Callback):
    """Keeps every term of every step; may round the weights once at the start."""

    def __init__(self, steps: int, round_weights: bool):
        self.steps, self.round_weights = steps, round_weights
        self.curves: Curves = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.round_weights:
            with torch.no_grad():
                for parameter in pl_module.parameters():
                    parameter.copy_(parameter.bfloat16())

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        length = len(next(iter(self.curves.values()), []))
        if trainer.global_step == length:
            return  # a critic's turn
        for name, value in trainer.callback_metrics.items():
            if name.startswith(("train/d/", "train/g/")):
                self.curves.setdefault(name[len("train/") :], []).append(value.item())
        trainer.should_stop = trainer.global_step >= self.steps


def smooth_pairs(cell: Cell, count: int) -> list[dict[str, Any]]:
    """Batches that can be learnt: smooth random targets, the input their negative."""
    random = torch.Generator().manual_seed(1)
    batches = []
    for index in range(count):
        coarse = torch.rand(cell.batch, 3, 4, 4, generator=random) * 2 - 1
        y = F.interpolate(coarse, cell.size, mode="bilinear").to(cell.device)
        names = [f"{index}-{i}" for i in range(cell.batch)]
        batches.append({"input": -y, "target": y, "name": names})
    return batches


def record(cell: Cell, steps: int, rounded: str) -> Curves:
    """The terms of a run, by name.

    Args:
        cell: What to train.
        steps: Generator updates.
        rounded: What bfloat16 rounds once, before training: weights, images or nothing.
    """
    if cell.device == "cpu":
        torch.set_num_threads(1)  # as many runs go on at once as there are cores
    cfg = composed(cell)
    batches = smooth_pairs(cell, 8)
    if rounded == "images":
        for batch in batches:
            batch |= {key: batch[key].bfloat16().float() for key in ("input", "target")}
    recorder = Recorder(steps, rounded == "weights")
    fit(cfg, batches, recorder)
    return recorder.curves


def differences(reference: Curves, curves: Curves, window: int = WINDOW) -> dict[str, float]:
    """How far a run strays from another, in shares of each term's mean size.

    Args:
        reference: The eager float32 run's.
        curves: The same terms, as many steps.
        window: Steps that are averaged before they are compared.

    Returns:
        {"first": largest over the terms at the first step, "windows": largest over terms and
        windows}.
    """
    first = windows = 0.0
    for name, values in reference.items():
        a, b = torch.tensor(values).double(), torch.tensor(curves[name]).double()
        scale = a.abs().mean()
        first = largest(first, ((a[0] - b[0]).abs() / scale).item())
        means = [t[: len(t) // window * window].view(-1, window).mean(1) for t in (a, b)]
        windows = largest(windows, ((means[0] - means[1]).abs().max() / scale).item())
    return {"first": first, "windows": windows}


def largest(one: float, two: float) -> float:
    """The larger one; a run that is no longer finite differs by infinitely much."""
    return max(one, two) if math.isfinite(two) else math.inf


def record_all(runs: dict[str, tuple[Cell, str]], steps: int) -> dict[str, Curves]:
    """Records several runs at once, each in a process of its own: nothing here is timed."""
    on_gpu = any(cell.device == "cuda" for cell, _ in runs.values())
    with ThreadPoolExecutor(RUNS_ON_GPU if on_gpu else cores()) as pool:
        futures = {
            name: pool.submit(call, record, cell, steps, rounded)
            for name, (cell, rounded) in runs.items()
        }
        return {name: future.result() for name, future in futures.items()}


def compare(cell: Cell, variants: dict[str, tuple[str, ...]], steps: int) -> dict[str, Any]:
    """Runs reference, controls and variants; each row says whether it agrees."""
    common = ("generator.dropout=0", "trainer.log_every_n_steps=1")
    eager = replace(cell, options=(*ladder()[EAGER], *common))
    controls = {f"float32, {what} rounded once": what for what in ("weights", "images")}
    found = record_all(
        {"reference": (eager, "nothing")}
        | {name: (eager, what) for name, what in controls.items()}
        | {k: (replace(cell, options=(*o, *common)), "nothing") for k, o in variants.items()},
        steps,
    )
    reference = found.pop("reference")
    if "error" in reference:
        return reference
    rows: dict[str, Any] = {
        name: curves if "error" in curves else differences(reference, curves)
        for name, curves in found.items()
    }
    bound = FACTOR * max(rows[name].get("windows", 0.0) for name in controls)
    bound = max(bound, SPACING)
    for name in variants:
        if "error" not in rows[name]:
            close = rows[name]["first"] <= FIRST_STEP and rows[name]["windows"] <= bound
            rows[name]["agrees"] = close
    return {
        "steps": steps, "tolerance_first": FIRST_STEP, "tolerance_windows": bound, "rows": rows,
        "reference": reference,
    }  # fmt: skip


def measure(plan: Plan, quick: bool) -> dict[str, Any]:
    """U-Net without dropout (its mask depends on the memory layout), each objective."""
    large = plan.device == "cuda" and not quick
    size, width, batch = (256, 64, 4) if large else (64, 8, 4)
    # Graphs hold what torch.compile alone would show, and compiling is what takes the time.
    fast = (BF16, "+ compile + graphs") if large else (FUSED,)
    variants = {name: ladder()[name] for name in fast}  # fused Adam stands on top of bf16
    steps = 20 if quick else STEPS
    return {
        objective: compare(
            Cell("unet", objective, batch, size, plan.device, width), variants, steps
        )
        for objective in OBJECTIVES
    }
