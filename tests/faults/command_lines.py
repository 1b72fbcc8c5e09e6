"""Random command lines over the options that ``conf/`` has, with what people type wrong in them."""

import random
import string
from collections.abc import Sequence
from typing import Any

NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e-3", "nan", "inf", "-0.1", "7"]
WORDS = ["abc", "null", "true", "'a b'", "auto", "''", "none", "ü", "a=b", "[1", "x(1)", "it's"]
NODES = ["[1,2]", "{a: 1}", "[]", "{}", "[a,null]", "{_target_: os.system}", "{_target_: no.such}"]
PLACES = [
    "/no/such/place",
    "~/nothing",
    "a,b",
    "[x]",
    "12",
    "a=b",
    "with space",
    "ü/é",
    "'q'",
    "..",
]
GROUPS = {
    "generator": ["unet", "resnet6", "resunet", "unet_upsample", "spade", "none", "u net"],
    "discriminator": ["patch70", "patch16", "pixel", "global", "patch286", "no_such"],
    "gan_loss": ["vanilla", "lsgan", "wgan-gp", "hinge", "none", "wgan"],
    "reconstruction": ["[l1]", "none", "[l2]", "[l1,ssim]", "[pan]", "l1", "[no]"],
    "scheduler": ["linear", "constant", "cosine"],
    "augmentation": ["jitter", "none"],
    "task": ["none", "inpainting", "edges", "colorization"],
    "metrics": ["pairwise", "[ssim]", "[psnr,l1]", "[]", "[nothing]"],
    "trainer": ["cpu", "auto", "gpu", "slurm", "tpu"],
    "speed": ["auto", "eager", "max"],
    "logger": ["csv", "[csv]", "nothing"],
    "callbacks": ["default", "pruning", "x"],
    "experiments": ["first_run_", "null"],
}  # fmt: skip
# What a single test could not bear: networks and files without end, further processes, downloads.
LEFT_ALONE = (
    "dataset.source", "dataset.licence", "hydra", "trainer.num_nodes", "trainer.devices",
    "trainer.accelerator", "trainer.strategy", "trainer.max_epochs", "trainer.max_steps",
    "data_dir", "dataset.root", "dataset.num_workers", "metrics.cache_dir", "run_dir",
    "logger.csv.folder",
    "callbacks.last.dirpath", "callbacks.best.dirpath", "callbacks.often.dirpath",
    "callbacks.samples.folder", "trainer._target_", "trainer.enable_progress_bar",
)  # fmt: skip


def random_options(rng: random.Random, keys: Sequence[str], number: int) -> list[str]:
    """Some options, each of a random kind.

    Args:
        rng: Decides everything.
        keys: The dotted keys of the composed configuration.
        number: How many.
    """
    kinds = [known] * 6 + [misspelt, added, taken_away, group, group, nonsense]
    return [rng.choice(kinds)(rng, keys) for _ in range(number)]


def known(rng: random.Random, keys: Sequence[str]) -> str:
    """A key of the configuration with some value."""
    key = rng.choice([k for k in keys if not k.startswith(LEFT_ALONE)])
    return f"{rng.choice(['', '', '', '++'])}{key}={value(rng)}"


def value(rng: random.Random) -> str:
    """Mostly a number, which most options are."""
    return rng.choice(rng.choice([NUMBERS, NUMBERS, WORDS, NODES, PLACES]))


def misspelt(rng: random.Random, keys: Sequence[str]) -> str:
    """A key with a letter too many, too few, or two changed over."""
    key = rng.choice([k for k in keys if not k.startswith(LEFT_ALONE)])
    place = rng.randrange(1, len(key))
    changed = rng.choice([
        key[:place] + key[place + 1 :],
        key[:place] + rng.choice(string.ascii_letters) + key[place:],
        key[: place - 1] + key[place] + key[place - 1] + key[place + 1 :],
        key.partition(".")[2] or key,
    ])  # fmt: skip
    return f"{rng.choice(['', '+', '++'])}{changed}={rng.choice(NUMBERS)}"


def added(rng: random.Random, keys: Sequence[str]) -> str:
    """A key that is not there, below one that is."""
    above = rng.choice([k.rpartition(".")[0] for k in keys if not k.startswith(LEFT_ALONE)])
    return (
        f"+{above + '.' if above else ''}{rng.choice(['foo', 'lr', 'weight', 'name'])}={value(rng)}"
    )


def taken_away(rng: random.Random, keys: Sequence[str]) -> str:
    """A key without which some part has to do."""
    return f"~{rng.choice([k for k in keys if not k.startswith(LEFT_ALONE)])}"


def group(rng: random.Random, keys: Sequence[str]) -> str:
    """Another preset, or none that exists."""
    name = rng.choice([*GROUPS])
    return f"{rng.choice(['', '', '', '', '+'])}{name}={rng.choice(GROUPS[name])}"


def nonsense(rng: random.Random, keys: Sequence[str]) -> str:
    """What is no option at all."""
    words = [
        "--hlep",
        "maps",
        "=",
        "a=",
        "=b",
        "~",
        "+",
        "a b=c",
        "dataset.=1",
        ".x=1",
        "x..y=1",
        "-z",
    ]
    return rng.choice(words)


def meaning(option: str) -> tuple[str, Any] | None:
    """Key and value of an option as Hydra reads it; None where it sets no single value."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    override = OverridesParser.create().parse_override(option)
    if override.is_delete() or override.is_sweep_override():
        return None
    return override.key_or_group, override.value()
