"""Which cells are measured on which machine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path

from benchmarks.training import Cell

BARE = "bare loop"
EAGER = "Lightning eager"
FUSED = "+ fused Adam"
# Each rung is added to those before it; the first switches off whatever a preset switches on.
RUNGS = {
    EAGER: ("speed=eager", "trainer.precision=32-true", "trainer.benchmark=false"),
    "+ channels-last": ("speed.channels_last=true",),
    "+ bf16": ("trainer.precision=bf16-mixed",),
    "+ cuDNN's search": ("trainer.benchmark=true",),  # of the fastest kernels; nothing on a CPU
    FUSED: ("speed.fused=true",),
}
DEFAULT = "speed=auto"  # what a run without any option takes
COMPILE, GRAPHS = ("speed.compile=true",), ("speed.cuda_graphs=true",)
COMPILED_DEFAULT = "speed=auto, compiled"
ON_CPU = (*(name for name in RUNGS if "cuDNN" not in name), DEFAULT)
WITHOUT_BF16 = tuple(name for name in ON_CPU if name not in ("+ bf16", FUSED))


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
class Plan:
    """What a run measures; every field can be narrowed on the command line."""

    device: str
    batches: tuple[int, ...]
    sizes: dict[str, int]  # pixels, by generator
    n_critic: int  # of WGAN-GP
    variants: tuple[str, ...]
    compiled: tuple[tuple[str, str, int], ...]  # cells in which torch.compile is measured too
    compiled_variants: tuple[str, ...]
    objectives: tuple[str, ...] = ("vanilla", "wgan-gp")
    base_channels: int = 64
    seconds: float = 1.5  # measured a cell
    least: int = 2  # measured blocks a cell
    warmup: int = 1
    large: dict[str, int] = field(default_factory=dict)  # of the memory rows; see large_step.py

    def cells(self) -> list[tuple[str, Cell]]:
        """Names of variants with their cells, the bare loop of a row first."""
        found: list[tuple[str, Cell]] = []
        for generator, size in self.sizes.items():
            for objective in self.objectives:
                for batch in self.batches:
                    bare = Cell(
                        generator, objective, batch, size, self.device, self.base_channels,
                        self.n_critic, (), self.warmup, self.seconds, self.least,
                    )  # fmt: skip
                    found.append((BARE, bare))
                    found += [(name, self.variant(bare, name)) for name in self.names(bare)]
        return found

    def names(self, cell: Cell) -> Sequence[str]:
        """The variants measured in a row of the table."""
        if (cell.generator, cell.objective, cell.batch) in self.compiled:
            return (*self.variants, *self.compiled_variants)
        return self.variants

    def variant(self, cell: Cell, name: str) -> Cell:
        """A row's cell under a variant; the eager one takes turns with the bare loop."""
        eager = name == EAGER
        return replace(
            cell, options=ladder()[name], alternate=eager,
            seconds=cell.seconds * (2 if eager else 1), least=cell.least + (2 if eager else 0),
        )  # fmt: skip


def bfloat16_arithmetic() -> bool:
    """Whether the CPU multiplies bfloat16 by itself (AVX512-BF16, AMX; ARM counts as with it)."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "flags" not in flags or "avx512_bf16" in flags or "amx_bf16" in flags


def cpu_plan() -> Plan:
    """Two cores, full width; ResNet-9 at 128 pixels and one critic update a step, for the time.

    A CPU without bfloat16 arithmetic takes three times as long with it: one cell shows that.
    """
    native = bfloat16_arithmetic()
    return Plan(
        "cpu", (1, 4), {"unet": 256, "resnet9": 128}, n_critic=1,
        variants=ON_CPU if native else WITHOUT_BF16, compiled=(("unet", "vanilla", 4),),
        compiled_variants=(*(() if native else ("+ bf16",)), COMPILED_DEFAULT),
        large={"batch": 2, "size": 1024, "accumulate": 2},
    )  # fmt: skip


def gpu_plan(full: bool) -> Plan:
    """One GPU; torch.compile, which takes a minute a cell, in all cells only where ``full``."""
    sizes, batches = {"unet": 256, "resnet9": 256}, (1, 4, 16, 64)
    objectives = ("vanilla", "wgan-gp")
    chosen = [(g, o, b) for g in sizes for o in objectives for b in (1, 16)]
    every = [(g, o, b) for g in sizes for o in objectives for b in batches]
    return Plan(
        "cuda", batches, sizes, n_critic=5, variants=tuple(RUNGS),
        compiled=tuple(every if full else chosen),
        compiled_variants=("+ torch.compile", "+ compile + graphs"), seconds=1.0, least=3,
        warmup=15, large={"batch": 4, "size": 1024, "accumulate": 4},
    )  # fmt: skip


def quick_plan(device: str) -> Plan:
    """Tiny networks and pictures: shows that everything runs; its numbers mean nothing."""
    variants = tuple(RUNGS) if device == "cuda" else ON_CPU
    return Plan(
        device, (1, 2), {"unet": 64, "resnet9": 64}, n_critic=2, variants=variants,
        compiled=(), compiled_variants=(), base_channels=4, seconds=0.1, warmup=3,
        large={"batch": 2, "size": 128, "accumulate": 2},
    )  # fmt: skip
