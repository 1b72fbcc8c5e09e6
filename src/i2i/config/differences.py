"""What two configurations of one run disagree on."""

from collections.abc import Mapping
from typing import Any


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """The values below a node by their dotted keys."""
    if not isinstance(node, Mapping):
        return {prefix: node}
    values: dict[str, Any] = {}
    for key, value in node.items():
        values |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return values


# What a run's training depends on, as a whole.
PARTS = (
    "seed",
    "generator",
    "discriminator",
    "gan_loss",
    "reconstruction",
    "optimizer",
    "scheduler",
    "augmentation",
    "dataset",
)
# What may differ between two stretches of one run: places and the machine, not the training.
OF_THE_MACHINE = (
    "dataset.root",
    "dataset.num_workers",
    "dataset.cache_gb",
    "dataset.source",
    "dataset.eval_batch_size",
)
# Plain values of the model that change what a step does.
OF_THE_UPDATE = (
    "lambda_l1",
    "discriminator_weight",
    "n_critic",
    "clip_g",
    "clip_d",
    "ema_decay",
)


def differences(
    saved: Mapping[str, Any], asked: Mapping[str, Any], typed: set[str]
) -> dict[str, tuple[Any, Any]]:
    """What two configurations of one run disagree on without anybody having asked for it.

    Args:
        saved: The configuration in a checkpoint.
        asked: The one just composed.
        typed: Keys on the command line; a value that was typed is wanted. A preset is not: its
            other values have to be those of the run.

    Returns:
        The saved and the asked value by dotted key.
    """
    found = {}
    # Runs from before terms had names trained on L1 alone, whose weight the model has.
    if "reconstruction" in asked and "reconstruction" not in saved:
        saved = {**saved, "reconstruction": {"l1": asked["reconstruction"].get("l1", "L1")}}
    for part in PARTS:
        found |= differing(flat(saved.get(part), part), flat(asked.get(part), part), typed)
    # The model's node holds the others' nodes again; only its own plain values are compared here.
    one, two = (
        {f"model.{key}": config.get("model", {}).get(key) for key in OF_THE_UPDATE}
        for config in (saved, asked)
    )
    found |= differing(one, two, typed)
    one, two = (
        {"trainer.precision": (config.get("trainer") or {}).get("precision")}
        for config in (saved, asked)
    )
    return dict(sorted((found | differing(one, two, typed)).items()))


def differing(
    one: Mapping[str, Any], two: Mapping[str, Any], typed: set[str]
) -> dict[str, tuple[Any, Any]]:
    """What two flat configurations disagree on, but for what was typed or is the machine's."""
    found = {}
    for key in one.keys() | two.keys():
        wanted = any(key == t or ("." in t and key.startswith(f"{t}.")) for t in typed)
        free = any(key == k or key.startswith(f"{k}.") for k in OF_THE_MACHINE)
        if one.get(key) != two.get(key) and not (wanted or free or is_newer(key, one, two)):
            found[key] = (one.get(key), two.get(key))
    return found


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
