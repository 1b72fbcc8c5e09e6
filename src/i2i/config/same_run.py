"""Whether a checkpoint is one of the run that is to go on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.cluster.devices import processes_of
from i2i.config.checkpoint import read_checkpoint, same_weights
from i2i.config.differences import differences
from i2i.config.resume import key_of
from i2i.errors import setting_error


def check_same_run(
    model: Any, config: dict[str, Any], checkpoint: Path, typed: Sequence[str]
) -> int:
    """Refuses a checkpoint of another run than the one that is to go on with it.

    Args:
        model: The network that was composed.
        config: The resolved configuration that was composed.
        checkpoint: The file.
        typed: The options on the command line, which are wanted whatever the run had.

    Returns:
        The checkpoint's step.

    Raises:
        SettingError: Weights, settings that change the numbers, or the number of processes differ.
    """
    content = read_checkpoint(checkpoint)
    setting, keys = f"resume={checkpoint}", {key_of(option) for option in typed}
    same_weights(model, content, setting)
    found = differences(content.config, config, keys)
    if found:
        key, (saved, asked) = next(iter(found.items()))
        raise setting_error(
            setting, f"a run with {key}={saved} ({len(found)} such)", f"{key}={asked}, as composed",
            "Resume the run's folder, which brings its options, or repeat them.",
        )  # fmt: skip
    number = processes_of(config["trainer"])
    if number != content.processes and not names_a_number(content.config, config, keys):
        raise setting_error(
            setting, f"a run of {content.processes} processes, each with a batch of its own",
            f"{number}, as there are now", f"Start {content.processes} processes, or name the "
            "number that you want (trainer.devices=, trainer.num_nodes=): the batches of a step, "
            "and with them the losses, will be others.",
        )  # fmt: skip
    return content.step


def names_a_number(saved: Mapping[str, Any], asked: Mapping[str, Any], keys: set[str]) -> bool:
    """Whether the command line asks for a number of processes.

    It holds the options that the run began with, too. All devices there are (``auto``) name no
    number, and neither do machines (``num_nodes``) that are as many as before.
    """
    before, now = saved.get("trainer") or {}, asked["trainer"]
    devices = "trainer.devices" in keys and now["devices"] not in ("auto", -1, "-1")
    machines = "trainer.num_nodes" in keys and now["num_nodes"] != before.get("num_nodes")
    return devices or machines
