"""Whether the fast variants learn what the eager float32 loop learns, over 100 steps.

Two players amplify any disturbance, so that a bound on each step's loss would be a guess. The
tolerance is measured instead: the eager float32 run is repeated import math
from weights rounded to bfloat16
once, and on images rounded to bfloat16. What a variant may differ by is twice what these differ by.
"""

import math
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn import functional as F

from benchmarks.fresh_process import call
from benchmarks.plan import EAGER, FUSED, Plan, ladder
from benchmarks.training import Cell, composed, fit

STEPS = 100
WINDOW = 10  # steps; single steps are noisy
SPACING = 2.0**-8  # of bfloat16, relative
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
    cfg = composed(cell)
    batches = smooth_pairs(cell, 8)
    if rounded == "images":
        for batch in batches:
            batch |= {key: batch[key].bfloat16().float() for key in ("input", "target")}
    recorder = Recorder(steps, rounded == "weights")
    fit(cell, cfg, batches, recorder)
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


def compare(cell: Cell, variants: dict[str, tuple[str, ...]], steps: int) -> dict[str, Any]:
    """Runs reference, controls and variants; each row says whether it agrees."""
    common = ("generator.dropout=0", "trainer.log_every_n_steps=1")
    eager = replace(cell, options=(*ladder()[EAGER], *common))
    reference = call(record, eager, steps, "nothing")
    if "error" in reference:
        return reference

    def against(curves: Curves) -> dict[str, Any]:
        return curves if "error" in curves else differences(reference, curves)

    controls = {
        f"float32, {what} rounded once": against(call(record, eager, steps, what))
        for what in ("weights", "images")
    }
    bound = FACTOR * max(row.get("windows", 0.0) for row in controls.values())
    bound = max(bound, SPACING)
    rows: dict[str, Any] = dict(controls)
    for name, options in variants.items():
        row = against(call(record, replace(cell, options=(*options, *common)), steps, "nothing"))
        if "error" not in row:
            row["agrees"] = row["first"] <= FIRST_STEP and row["windows"] <= bound
        rows[name] = row
    return {
        "steps": steps, "tolerance_first": FIRST_STEP, "tolerance_windows": bound, "rows": rows,
        "reference": reference,
    }  # fmt: skip


def measure(plan: Plan, quick: bool) -> dict[str, Any]:
    """U-Net without dropout (its mask depends on the memory layout), each objective."""
    large = plan.device == "cuda" and not quick
    size, width, batch = (256, 64, 16) if large else (64, 8, 4)
    fast = ("+ torch.compile", "+ compile + graphs") if large else (FUSED,)
    variants = {name: ladder()[name] for name in ("+ bf16", *fast)}
    steps = 20 if quick else STEPS
    return {
        objective: compare(
            Cell("unet", objective, batch, size, plan.device, width), variants, steps
        )
        for objective in plan.objectives
    }
