"""Whether a checkpoint is one of the run that is to go on, and with which other options it does."""

from collections.abc import Mapping, Sequence
from typing import Any

from i2i.checkpoints.checkpoint import Checkpoint
from i2i.checkpoints.rebuilt import NOT_TAKEN
from i2i.cluster.devices import processes_of
from i2i.config.differences import differences, flat, without_copies
from i2i.config.plain_words import key_of
from i2i.errors import setting_error
from i2i.messages import say
from i2i.surroundings import below

# What makes a run the one that it is. Its state would not fit another data set's order of images,
# or another optimizer.
IDENTITY = (
    "dataset._target_", "dataset.name", "dataset.direction", "dataset.*_folder", "dataset.splits",
    "dataset.domains", "dataset.has_pairs", "dataset.pairing", "dataset.*_from_train",
    "dataset.has_labels", "dataset.attributes", "dataset.attribute_file", "dataset.partition_file",
    "dataset.*_range", "dataset.label_*", "dataset.id_map", "dataset.pair_by", "dataset.sizes",
    "dataset.classes", "dataset.single", "dataset.photo_side", "task",
    "model._target_", "optimizer.*._target_", "scheduler._target_",
)  # fmt: skip
# Of an optimizer these may change; other options need a state that was not kept.
RATES = ("lr", "weight_decay", "betas", "eps", "momentum", "alpha")
NOT_SAID = (*NOT_TAKEN, "dataset.root", "data_dir")


def check_same_run(config: dict[str, Any], content: Checkpoint, typed: Sequence[str]) -> set[str]:
    """Refuses a checkpoint of another run than the one that is to go on with it.

    Options that were typed for ``resume=`` may differ, take effect from here on, and are said. A
    job that SLURM started again has its own command line, and no difference.

    Args:
        config: The resolved configuration that was composed.
        content: The checkpoint.
        typed: The options on the command line, those of the run included.

    Returns:
        The keys of the options that are others from here on, of those that change the numbers.

    Raises:
        SettingError: Settings that may not change, or the number of processes differ.
    """
    setting, keys = f"resume={content.path}", {key_of(option) for option in typed}
    by_hand = "resume" in keys
    found = differences(content.config, config)
    was, now = flat(content.config), flat(config)
    found |= {key: (None, now[key]) for key in keys & now.keys() - was.keys() if by_hand}
    refused = [k for k in found if not by_hand or is_identity(k)]
    if refused:
        key, (was, asked) = refused[0], found[refused[0]]
        raise setting_error(
            setting, f"a run with {key}={was}", f"the same, and not {asked}" if by_hand
            else f"{asked}, as composed", "A run goes on with what it began with. Begin a new one "
            "from its weights: init_from=RUN_DIR instead of resume=RUN_DIR.",
        )  # fmt: skip
    require_new_run(config, keys, setting)
    if by_hand:
        require_further_steps(content, config, found)
        say_changes(content.config, config)
    number = processes_of(config["trainer"])
    if number != content.processes and not names_a_number(content.config, config, keys):
        raise setting_error(
            setting, f"a run of {content.processes} processes, each with a batch of its own",
            f"{number}, as there are now", f"Start {content.processes} processes, or name the "
            "number that you want (trainer.devices=, trainer.num_nodes=): the batches of a step, "
            "and with them the losses, will be others.",
        )  # fmt: skip
    return set(found)


def is_identity(key: str) -> bool:
    """Whether an option makes a run the one that it is."""
    of_optimizer = key.startswith("optimizer.") and key.rpartition(".")[2] not in RATES
    return of_optimizer or any(below(key, pattern) for pattern in IDENTITY)


def finished(content: Checkpoint, trainer: Mapping[str, Any]) -> tuple[str, str] | None:
    """How far a finished run is, and the option that trains it further; None where steps are left.

    Args:
        content: The checkpoint.
        trainer: The node, with the limits.
    """
    steps, epochs = trainer["max_steps"] or 0, trainer["max_epochs"] or 0
    if 0 < steps <= content.step:
        return f"step {content.step} of {steps}", f"trainer.max_steps={2 * content.step}"
    if 0 < epochs <= content.epochs:
        return f"{epochs} epochs, {content.step} steps", f"trainer.max_epochs={2 * content.epochs}"
    return None


def require_further_steps(
    content: Checkpoint, config: Mapping[str, Any], found: Mapping[str, Any]
) -> None:
    """Refuses options for further steps of a run that has none left.

    Raises:
        SettingError: There are such options.
    """
    if found and (end := finished(content, config["trainer"])):
        key, (_, asked) = next(iter(found.items()))
        raise setting_error(
            f"{key}={asked}", f"a run that is finished (step {content.step})",
            "steps that are left, in which it would count",
            f"Add {end[1]}, or begin a new run: init_from=RUN_DIR.",
        )  # fmt: skip


def require_same_images(content: Checkpoint, found: str) -> None:
    """Refuses other training images than the run began with: their order would be another.

    Args:
        content: The checkpoint.
        found: What there is now (``PairList.fingerprint``).

    Raises:
        SettingError: The run had others.
    """
    had = content.training_images
    if had not in ("", found):
        raise setting_error(
            f"resume={content.path}", f"a run on other training images ({had})",
            f"the same, and not these ({found})", "Name the folder that the run began with "
            "(dataset.root=), or begin a new run from its weights: init_from=RUN_DIR.",
        )  # fmt: skip


def require_new_run(config: Mapping[str, Any], keys: set[str], setting: str) -> None:
    """Refuses typed options that only the beginning of a run reads.

    Raises:
        SettingError: There is one.
    """
    for key in ("validate_first", "init_from"):
        if key in keys and config[key]:
            raise setting_error(
                f"{key}={config[key]}", f"a run that goes on ({setting})", "a new run",
                f"Leave {key} out, or leave resume out.",
            )  # fmt: skip


def say_changes(saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Tells which options of the run are others from here on."""
    was, now = flat(without_copies(saved)), flat(without_copies(asked))
    changed = [
        f"{key} {was.get(key, 'unset')} -> {now.get(key, 'unset')}"
        for key in dict.fromkeys([*was, *now])
        if was.get(key) != now.get(key) and not any(below(key, k) for k in NOT_SAID)
        and not str(was.get(key)).startswith("/")  # a place below the run folder, which has moved
    ]  # fmt: skip
    if changed:
        say(f"Goes on with other options than before: {', '.join(changed)}")


def names_a_number(saved: Mapping[str, Any], asked: Mapping[str, Any], keys: set[str]) -> bool:
    """Whether the command line asks for another number of processes than the run had.

    It holds the options that the run began with, too. All devices there are (``auto``) name no
    number, and neither do machines (``num_nodes``) that are as many as before.
    """
    before, now = saved.get("trainer") or {}, asked["trainer"]
    devices = "trainer.devices" in keys and now["devices"] not in ("auto", -1, "-1")
    machines = "trainer.num_nodes" in keys and now["num_nodes"] != before.get("num_nodes")
    return devices or machines
