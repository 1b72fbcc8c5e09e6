"""What two configurations of one run disagree on."""

from collections.abc import Mapping
from typing import Any

from i2i.surroundings import SURROUNDINGS, below

# What may differ between two stretches of one run; everything else is compared. A setting may
# differ if it leaves what a training step computes as it is in exact arithmetic. What changes the
# order in which floating-point numbers are added (the kernels that `speed`, `benchmark` and
# `deterministic` choose) may differ, since another GPU changes it too. So may the number of
# devices, in which a machine's "auto" says nothing: the number of processes is compared instead.
MAY_DIFFER = (
    *SURROUNDINGS,
    # where it began and what of, and what it found in its files, which goes on with it
    "presets", "record", "init_from", "dataset.source", "dataset.pairs", "dataset.found",
    # how a step is computed
    "speed", "trainer._target_", "trainer.devices", "trainer.num_nodes",
    # how long to train: this is how a run is continued
    "trainer.max_steps", "trainer.max_epochs", "trainer.max_time",
    # scores and saving
    "metrics", "test_checkpoint", "model.inference", "callbacks", "trainer.limit_val_batches",
    "trainer.limit_test_batches", "trainer.check_val_every_n_epoch", "trainer.val_check_interval",
)  # fmt: skip


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """The values below a node by their dotted keys; a table of numbers is one value."""
    if not isinstance(node, Mapping) or not all(isinstance(key, str) for key in node):
        return {prefix: node}
    values: dict[str, Any] = {}
    for key, value in node.items():
        values |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return values


ABSENT = object()  # what select finds where there is nothing, not even null


def select(node: Any, key: str, otherwise: Any = None) -> Any:
    """The value at a dotted key; ``otherwise`` where there is none."""
    for word in key.split("."):
        if not isinstance(node, Mapping) or word not in node:
            return otherwise
        node = node[word]
    return node


def has(node: Any, key: str) -> bool:
    """Whether a configuration has a dotted key."""
    return select(node, key, ABSENT) is not ABSENT


def nodes_above(key: str) -> list[str]:
    """The keys of the nodes that a dotted key is in, from the top."""
    words = key.split(".")
    return [".".join(words[:n]) for n in range(1, len(words))]


def differences(saved: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What two configurations of one run disagree on, of what may not differ by itself.

    Args:
        saved: The configuration in a checkpoint.
        asked: The one just composed.

    Returns:
        The saved and the asked value by dotted key.
    """
    one, two = (flat(without_copies(config)) for config in (saved, asked))
    came_later = asked.keys() - saved.keys()  # whole nodes that this project did not have then
    return {
        key: (one.get(key), two.get(key))
        for key in sorted(one.keys() | two.keys())
        if one.get(key) != two.get(key)
        and key.partition(".")[0] not in came_later
        and not any(below(key, pattern) for pattern in MAY_DIFFER)
        and not is_newer(key, one, two)
    }


def without_copies(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what its model and its data set repeat of the other nodes."""
    once = dict(config)
    for part in ("model", "dataset"):
        node = config.get(part) or {}
        repeated = {key for key in node if key in config or key.startswith("optimizer_")}
        once[part] = {key: value for key, value in node.items() if key not in repeated}
    return once


def is_newer(key: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Whether an option, or a whole node of them, came to its class after a run began.

    Args:
        key: A dotted key.
        one: The flat configuration of that run.
        two: The one just composed.
    """
    if key in one:
        return False
    parent = key.rpartition(".")[0]
    while parent and parent not in one:  # a key that was null then has a value now: no newcomer
        if (owner := f"{parent}._target_") in one:
            return one[owner] == two.get(owner)
        parent = parent.rpartition(".")[0]
    return False
