"""What Lightning and our module cost a step, in milliseconds over the bare loop.

A step of a full network takes so long, and varies so much, that a millisecond is lost in it. Here
the networks have the depth of the table's and one channel: they compute next to nothing, and
hundreds of steps in turns with the bare loop show what is left. It does not depend on the width,
as it is Python's work: hooks, freezing D's parameters, seeding, the trainer's loop. On a CPU it is
CPU time on one thread, which other programs on the machine disturb little; on a GPU time on the
clock.
"""

from typing import Any

from benchmarks.cell import Cell
from benchmarks.fresh_process import call
from benchmarks.plan import EAGER, Plan, ladder
from benchmarks.training import measure_lightning

WARMUP = 20  # steps
BLOCK = {"cpu": 1, "cuda": 10}  # steps; a GPU runs behind Python within a block


def tiny_cell(plan: Plan, generator: str, objective: str) -> Cell:
    """The eager loop of one channel, at the smallest size of the table, which sets the depth."""
    size = min(group.size for group in plan.groups if group.generator == generator)
    return Cell(
        generator, objective, 1, size, plan.device, 1, plan.n_critic, ladder()[EAGER],
        warmup=WARMUP, seconds=0, least=plan.overhead_blocks, block=BLOCK[plan.device],
        alternate=True, cpu_time=plan.device == "cpu",
    )  # fmt: skip


def in_milliseconds(found: dict[str, Any]) -> dict[str, Any]:
    """The row of a table from what the turns gave; an error as it is."""
    if "error" in found:
        return found
    lower, upper = found["overhead_quartiles_s"]
    return {
        "step_ms": 1e3 * found["step_s"], "overhead_ms": 1e3 * found["overhead_s"],
        "lower_quartile_ms": 1e3 * lower, "upper_quartile_ms": 1e3 * upper,
        "pairs": found["pairs"],
    }  # fmt: skip


def measure(plan: Plan) -> dict[str, Any]:
    """A row for each generator and objective, as ``unet/vanilla``."""
    rows = {}
    for generator, objective in plan.work():
        found = call(measure_lightning, tiny_cell(plan, generator, objective))
        rows[f"{generator}/{objective}"] = in_milliseconds(found)
    return {"base_channels": 1, "batch": 1, "rows": rows}
