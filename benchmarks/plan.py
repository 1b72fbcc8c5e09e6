"""Which cells are measured on which machine."""

from dataclasses import dataclass, replace
from itertools import accumulate

from benchmarks.cell import Cell
from benchmarks.machine import cpu_model

BARE = "bare loop"
EAGER = "Lightning eager"
CHANNELS_LAST = "+ channels-last"
BF16 = "+ bf16"
FUSED = "+ fused Adam"
DEFAULT = "speed=auto"  # what a run without any option takes
COMPILED = "speed=auto, compiled"
# Each rung is added to those before it, so that a later value of a key replaces an earlier one; the
# first switches off whatever a preset switches on.
RUNGS = {
    EAGER: ("speed=eager", "trainer.precision=32-true", "trainer.benchmark=false"),
    CHANNELS_LAST: ("speed.channels_last=true",),
    BF16: ("trainer.precision=bf16-mixed",),
    "+ cuDNN's search": ("trainer.benchmark=true",),  # of the fastest kernels; nothing on a CPU
    FUSED: ("speed.fused=true",),
    "+ torch.compile": ("speed.compile=true",),
    "+ CUDA graphs": ("speed.cuda_graphs=true",),
}
VARIANTS = dict(zip(RUNGS, accumulate(RUNGS.values()), strict=True))
VARIANTS[DEFAULT] = ("speed=auto", "trainer.precision=32-true", "trainer.benchmark=false")
VARIANTS[COMPILED] = (*VARIANTS[DEFAULT], "speed.compile=true")
ON_CPU = (EAGER, CHANNELS_LAST, BF16)
ON_GPU = (EAGER, CHANNELS_LAST, BF16, FUSED, "+ CUDA graphs")


@dataclass(frozen=True)
class Group:
    """Rows of the table with one network, one size of picture and the same variants."""

    generator: str
    objective: str
    size: int  # pixels
    batches: tuple[int, ...]
    variants: tuple[str, ...]
    base_channels: int = 64
    system: str = "pix2pix"


@dataclass(frozen=True)
class Plan:
    """What a run measures."""

    groups: tuple[Group, ...]
    cell: Cell  # what all cells share: device, critic updates, and how long they are measured
    large: Cell  # of memory.py
    parts: int  # into which memory.py cuts the large batch
    waiting: Cell  # of waiting.py
    workers: int
    waiting_steps: int
    all_in_turns: bool = False  # whether all variants take turns with the bare loop, or EAGER alone
    slow: tuple[str, ...] = ()  # variants of which one block is enough
    quick: bool = False

    @property
    def device(self) -> str:
        return self.cell.device

    def cells(self) -> list[tuple[str, Cell]]:
        """Names of variants with their cells, the bare loop of a row first."""
        found: list[tuple[str, Cell]] = []
        for group in self.groups:
            for batch in group.batches:
                cell = replace(
                    self.cell, generator=group.generator, objective=group.objective, batch=batch,
                    size=group.size, base_channels=group.base_channels, system=group.system,
                )  # fmt: skip
                # Where all take turns with it, its own process tells memory and set-up alone.
                alone = replace(cell, seconds=0, least=1) if self.all_in_turns else cell
                found.append((BARE, alone))
                found += [(name, self.variant(cell, name)) for name in group.variants]
        return list(dict.fromkeys(found))

    def variant(self, cell: Cell, name: str) -> Cell:
        """A row's cell under a variant; the eager one, which is to differ little, takes longer."""
        cell = replace(cell, options=VARIANTS[name], in_turns=self.all_in_turns or name == EAGER)
        if name == EAGER:
            return replace(cell, seconds=2 * cell.seconds, least=cell.least + 1)
        return replace(cell, seconds=0, least=1) if name in self.slow else cell


def cpu_plan() -> Plan:
    """Two cores, full width, within ten minutes; pictures are small for that.

    The U-Net at 128 pixels is ``generator=unet128``. WGAN-GP has one critic update per step. Every
    variant takes turns with the bare loop. On a CPU without bfloat16 arithmetic one block in it has
    to do: it takes up to four times as long. Networks of one channel compute next to nothing: they
    show what Lightning and our module cost, in milliseconds.
    """
    groups = (
        Group("unet", "vanilla", 256, (1,), (EAGER, DEFAULT)),
        Group("unet", "vanilla", 128, (1,), (*ON_CPU, DEFAULT, COMPILED)),
        Group("unet", "vanilla", 128, (4,), (*ON_CPU, DEFAULT)),
        Group("unet", "wgan-gp", 64, (4,), ON_CPU),
        Group("resnet9", "vanilla", 64, (1, 4), (*ON_CPU, DEFAULT)),
        Group("resnet9", "wgan-gp", 64, (1,), ON_CPU),
        *(Group(name, "vanilla", 64, (1,), (EAGER,), 1) for name in ("unet", "resnet9")),
        Group("resnet9", "lsgan", 64, (1, 4), (EAGER, DEFAULT), system="cyclegan"),
    )  # fmt: skip
    return Plan(
        groups, Cell("unet", "vanilla", 1, 256, seconds=0.6),
        large=Cell("unet", "vanilla", 2, 1024, base_channels=32), parts=2,
        waiting=Cell("unet", "vanilla", 2, 128), workers=2, waiting_steps=8,
        all_in_turns=True, slow=() if "bf16" in cpu_model() else (BF16,),
    )  # fmt: skip


def gpu_plan() -> Plan:
    """One GPU, everything at 256 pixels, five critic updates per step under WGAN-GP.

    Two sets of networks in one process would be in each other's way on the card: the eager loop
    alone takes turns. Compiling takes most of a minute per cell. ``--generators`` and
    ``--objectives`` cut the table into parts.
    """
    players = ("unet", "resnet9")
    cell = Cell(
        "unet", "vanilla", 1, 256, "cuda", n_critic=5, seconds=0.4, least=3, warmup=10, block=5
    )  # fmt: skip
    groups = (
        *(Group(name, "vanilla", 256, (1, 16, 64), ON_GPU) for name in players),
        *(Group(name, "wgan-gp", 256, (16,), ON_GPU) for name in players),
        *(Group(name, "vanilla", 256, (1,), (EAGER,), 1) for name in players),
        Group("resnet9", "lsgan", 256, (1, 8), (EAGER, BF16), system="cyclegan"),
    )
    return Plan(
        groups, cell, large=replace(cell, batch=4, size=1024), parts=4,
        waiting=replace(cell, batch=16), workers=8, waiting_steps=60,
    )  # fmt: skip


def quick_plan(device: str) -> Plan:
    """Tiny networks and pictures: shows that everything runs; its numbers mean nothing."""
    plan = gpu_plan() if device == "cuda" else cpu_plan()
    variants = ON_GPU if device == "cuda" else (*ON_CPU, DEFAULT)
    groups = tuple(
        Group(name, objective, 64, (1,), variants, 4)
        for name in ("unet", "resnet9")
        for objective in ("vanilla", "wgan-gp")
    )
    groups = (*groups, Group("resnet9", "lsgan", 64, (1,), (EAGER,), 4, "cyclegan"))
    cell = replace(plan.cell, n_critic=2, seconds=0.1, warmup=3)
    small = {"base_channels": 4, "device": device}
    return replace(
        plan, groups=groups, cell=cell, large=Cell("unet", "vanilla", 2, 128, **small), parts=2,
        waiting=Cell("unet", "vanilla", 2, 64, **small), workers=2, waiting_steps=4, quick=True,
    )  # fmt: skip
