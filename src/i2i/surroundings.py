"""Options of a run's surroundings: its places, its machine and what it shows, not what was tried.

Runs that differ in nothing else are runs of one thing: a comparison counts them as its seeds, names
of runs leave these options out, and a run may go on with others of them.
"""

from fnmatch import fnmatchcase

# How much of a machine a run may take.
RESOURCES = ("dataset.num_workers", "dataset.cache_gb", "dataset.max_megapixels")
# What changes rounding only is of the machine too. The number of processes is not: each has a batch
# of its own. Nor is `speed`, nor the precision: they decide the cost, which a comparison tells.
MACHINE = (
    *RESOURCES, "dataset.eval_batch_size", "metrics.cache_dir", "metrics.cache_gb",
    "metrics.inception_batch_size", "trainer.accelerator", "trainer.benchmark",
    "trainer.deterministic", "trainer.strategy", "trainer.requeue",
)  # fmt: skip
PLACES = (
    "data_dir", "dataset.root", "hydra", "hydra/*", "metrics.classifier", "metrics.*_weights",
    "metrics.segmenter", "metrics.*.weights_file", "reconstruction.*.weights_file", "resume",
    "run_dir",
)  # fmt: skip
# Of the callbacks, `best` decides which checkpoint is scored, and others may stop a run.
SHOWN = (
    "baselines", "callbacks.health", "callbacks.last", "callbacks.often", "callbacks.progress",
    "callbacks.samples", "callbacks.test_pictures", "callbacks.throughput",
    "callbacks.val_pictures", "dataset.*_shown", "label", "logger", "project", "sweep_metric",
    "trainer.enable_*", "trainer.log_every_n_steps", "trainer.num_sanity_val_steps",
    "trainer.profiler", "validate_first",
)  # fmt: skip
SURROUNDINGS = (*MACHINE, *PLACES, *SHOWN)
# Whole parts of the surroundings, single options of which are tried; and the one that a preset of
# the part may bring.
PARTS = {"trainer": "trainer.precision", "metrics": None, "dataset.source": None}


def below(key: str, pattern: str) -> bool:
    """Whether a dotted key is the one that a pattern names, or stands below it."""
    return fnmatchcase(key, pattern) or fnmatchcase(key, f"{pattern}.*")


def tried(key: str) -> str | None:
    """The option that somebody tries who types one; None where that is of the surroundings."""
    if key in PARTS:
        return PARTS[key]
    return None if any(below(key, pattern) for pattern in SURROUNDINGS) else key
