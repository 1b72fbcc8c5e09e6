"""Which cells are measured on which machine."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path

from benchmarks.cell import Cell

BARE = "bare loop"
EAGER = "Lightning eager"
CHANNELS_LAST = "+ channels-last"
BF16 = "+ bf16"
FUSED = "+ fused Adam"
# Each rung is added to those before it; the first switches off whatever a preset switches on.
RUNGS = {
    EAGER: ("speed=eager", "trainer.precision=32-true", "trainer.benchmark=false"),
    CHANNELS_LAST: ("speed.channels_last=true",),
    BF16: ("trainer.precision=bf16-mixed",),
    "+ cuDNN's search": ("trainer.benchmark=true",),  # of the fastest kernels; nothing on a CPU
    FUSED: ("speed.fused=true",),
}
DEFAULT = "speed=auto"  # what a run without any option takes
COMPILE, GRAPHS = ("speed.compile=true",), ("speed.cuda_graphs=true",)
COMPILED_DEFAULT = "speed=auto, compiled"
LADDER_ON_CPU = tuple(name for name in RUNGS if "cuDNN" not in name)
ASKED_FOR = (EAGER, CHANNELS_LAST, BF16)  # in every row, with torch.compile in some
OBJECTIVES = ("vanilla", "wgan-gp")


def combined(options: tuple[str, ...], further: tuple[str, ...]) -> tuple[str, ...]:
    """Options with further ones, which take the place of those with the same key."""
    keys = {option.split("=")[0] for option in further}
    return (*(o for o in options if o.split("=")[0] not in keys), *further)


def ladder() -> dict[str, tuple[str, ...]]:
    """Every variant's options, by name."""
    climbed = dict(zip(RUNGS, accumulate(RUNGS.values(), combined), strict=True))
    top = climbed[FUSED]
    default = ("speed=auto", "trainer.precision=32-true", "trainer.benchmark=false")
    return climbed | {
        DEFAULT: default,
        COMPILED_DEFAULT: default + COMPILE,
        "+ torch.compile": top + COMPILE,
        "+ compile + graphs": top + COMPILE + GRAPHS,
    }


@dataclass(frozen=True)
class Group:
    """Rows of the table with one network, one size of picture and the same variants."""

    generator: str
    size: int  # pixels
    batches: tuple[int, ...]
    variants: tuple[str, ...]
    objectives: tuple[str, ...] = OBJECTIVES
    # Further variants of single rows, by objective and batch.
    further: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Objective, batch and the variants measured with them."""
        for objective in self.objectives:
            for batch in self.batches:
                yield objective, batch, self.variants + self.further.get((objective, batch), ())


@dataclass(frozen=True)
class Plan:
    """What a run measures; every field can be narrowed on the command line."""

    device: str
    groups: tuple[Group, ...]
    n_critic: int  # of WGAN-GP
    base_channels: int = 64
    seconds: float = 1.5  # measured a cell
    least: int = 2  # measured blocks a cell
    warmup: int = 1
    warmup_seconds: float = math.inf
    block: int = 0  # steps a block; 0: as many as turns.BLOCK_SECONDS hold
    in_turns: tuple[str, ...] = (EAGER,)  # variants that take turns with the bare loop
    slow: tuple[str, ...] = ()  # variants of which one block is enough
    overhead_blocks: int = 100  # of each loop in the section overhead
    large: dict[str, int] = field(default_factory=dict)  # of the memory rows; see large_step.py
    wait: dict[str, int] = field(default_factory=dict)  # of waiting.py: batch, size, workers

    def cells(self) -> list[tuple[str, Cell]]:
        """Names of variants with their cells, the bare loop of a row first."""
        found: list[tuple[str, Cell]] = []
        for group in self.groups:
            for objective, batch, variants in group.rows():
                bare = Cell(
                    group.generator, objective, batch, group.size, self.device, self.base_channels,
                    self.n_critic, (), self.warmup, self.warmup_seconds, self.seconds, self.least,
                    self.block,
                )  # fmt: skip
                # Where all take turns with it, its own process tells memory and set-up alone.
                alone = set(variants) <= set(self.in_turns)
                found.append((BARE, replace(bare, seconds=0, least=1) if alone else bare))
                found += [(name, self.variant(bare, name)) for name in variants]
        return list(dict.fromkeys(found))  # --size may make two groups one

    def variant(self, cell: Cell, name: str) -> Cell:
        """A row's cell under a variant; the eager one, which is to differ little, takes longer."""
        seconds, least = cell.seconds, cell.least
        if name == EAGER:
            seconds, least = 2 * seconds, least + 1
        elif name in self.slow:
            seconds, least = 0, 1
        return replace(
            cell, options=ladder()[name], alternate=name in self.in_turns, seconds=seconds,
            least=least,
        )  # fmt: skip

    def work(self) -> list[tuple[str, str]]:
        """Every generator with every objective that is trained under it."""
        return list(dict.fromkeys((g.generator, o) for g in self.groups for o, _, _ in g.rows()))


def bfloat16_arithmetic() -> bool:
    """Whether the CPU multiplies bfloat16 by itself (AVX512-BF16, AMX; ARM counts as with it)."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "flags" not in flags or "avx512_bf16" in flags or "amx_bf16" in flags


def cpu_plan() -> Plan:
    """Two cores, full width, within ten minutes; pictures are small for that.

    U-Net at 128 pixels (generator=unet128) and, under WGAN-GP with one critic update a step, at 64;
    ResNet-9 at 64; the U-Net of 256 in one row, torch.compile in another. Every variant takes turns
    with the bare loop. On a CPU without bfloat16 arithmetic one block in it has to do: it takes up
    to four times as long.
    """
    return Plan(
        "cpu",
        (
            Group("unet", 256, (1,), (EAGER, DEFAULT), ("vanilla",)),
            Group(
                "unet", 128, (1, 4), (*ASKED_FOR, DEFAULT), ("vanilla",),
                {("vanilla", 1): (COMPILED_DEFAULT,)},
            ),
            Group("unet", 64, (1, 4), ASKED_FOR, ("wgan-gp",)),
            Group(
                "resnet9", 64, (1, 4), ASKED_FOR, OBJECTIVES, {("vanilla", 1): (DEFAULT,)},
            ),
        ),
        n_critic=1, seconds=0.6, block=1, overhead_blocks=50,
        in_turns=tuple(ladder()), slow=() if bfloat16_arithmetic() else (BF16,),
        large={"batch": 2, "size": 1024, "accumulate": 2, "base_channels": 32},
        wait={"batch": 2, "size": 128, "workers": 2, "steps": 8},
    )  # fmt: skip


def gpu_plan(full: bool) -> Plan:
    """One GPU, everything at 256 pixels with five critic updates.

    Compiling takes most of a minute a cell: without ``full`` the graphs are measured where there is
    a target (targets.GPU_LEAST), torch.compile without them at batch 16 alone. cuDNN's search has a
    row of its own under vanilla. Two sets of networks in one process would be in each other's way
    on the card: the eager loop alone takes turns. NOTES.md has it in parts of under ten minutes.
    """
    batches, graphs = (1, 4, 16, 64), "+ compile + graphs"
    compiled = {1: (graphs,), 16: ("+ torch.compile", graphs), 64: (graphs,)}
    if full:
        compiled = dict.fromkeys(batches, compiled[16])
    variants = {"vanilla": tuple(RUNGS), "wgan-gp": (*ASKED_FOR, FUSED)}
    groups = tuple(
        Group(
            generator, 256, batches, variants[objective], (objective,),
            {(objective, batch): names for batch, names in compiled.items()},
        )
        for generator in ("unet", "resnet9")
        for objective in OBJECTIVES
    )  # fmt: skip
    return Plan(
        "cuda", groups, n_critic=5, seconds=0.8, least=3, warmup=15, warmup_seconds=2.0,
        overhead_blocks=20,  # of ten steps
        large={"batch": 4, "size": 1024, "accumulate": 4, "base_channels": 64},
        wait={"batch": 16, "size": 256, "workers": 8, "steps": 100},
    )  # fmt: skip


def quick_plan(device: str) -> Plan:
    """Tiny networks and pictures: shows that everything runs; its numbers mean nothing."""
    variants = tuple(RUNGS) if device == "cuda" else (*LADDER_ON_CPU, DEFAULT)
    groups = tuple(Group(generator, 64, (1, 2), variants) for generator in ("unet", "resnet9"))
    return Plan(
        device, groups, n_critic=2, base_channels=4, seconds=0.1, warmup=3, overhead_blocks=5,
        in_turns=tuple(ladder()) if device == "cpu" else (EAGER,),
        large={"batch": 2, "size": 128, "accumulate": 2, "base_channels": 4},
        wait={"batch": 2, "size": 64, "workers": 2, "steps": 4},
    )  # fmt: skip
