"""A model rebuilt from its checkpoint alone."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from i2i.checkpoints.allowed_classes import entries
from i2i.checkpoints.checkpoint import (
    Checkpoint,
    read_checkpoint,
    same_weights,
    whole_neighbour,
)
from i2i.config.numbers import require_numbers
from i2i.errors import in_words, setting_error


def load_model(
    path: str, changes: dict[str, Any], key: str = "checkpoint"
) -> tuple[Any, Checkpoint]:
    """Builds the networks that a checkpoint names and loads their weights.

    Args:
        path: A checkpoint or a run folder.
        changes: Values under ``model`` that replace the saved ones; None keeps those.
        key: The option that named the path, for errors.

    Returns:
        The model on the CPU, and the checkpoint.

    Raises:
        SettingError: The file cannot be used, does not fit the networks it names, or its weights
            are NaN.
    """
    from hydra.utils import instantiate

    checkpoint = read_checkpoint(path, key)
    setting = f"{key}={checkpoint.path}"
    with in_words(setting, "Use another checkpoint; I2I_TRACEBACK=1 shows where."):
        node = dict(checkpoint.config["model"])
        node |= {key: value for key, value in changes.items() if value is not None}
        require_numbers({"seed": node.get("seed")})
        task = saved_task(checkpoint.config["dataset"])

        def make() -> Any:
            return instantiate(node, _partial_=True)(config=checkpoint.config, task=task)

        require_fitting(make, checkpoint, setting)
        model = make()
        require_finite(checkpoint, parameters_of(model), key)
        model.load_state_dict(with_absent(model, checkpoint))
        leave_out_absent(model, checkpoint, setting)
    return model, checkpoint


def with_absent(model: Any, checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint's weights, and those of absent networks as the model was made with them."""
    fresh = model.state_dict().items() if checkpoint.absent else ()
    return {name: value for name, value in fresh if checkpoint.lacks(name)} | checkpoint.weights


def leave_out_absent(model: Any, checkpoint: Checkpoint, setting: str) -> None:
    """Takes the routes away whose network a checkpoint does not hold, and the ways back by them.

    Args:
        model: Loaded; its absent networks never learnt anything.
        checkpoint: What it was loaded from.
        setting: What the file is called in errors.

    Raises:
        SettingError: No route is left.
    """
    if not checkpoint.absent:
        return
    untrained = {id(p) for name, p in model.named_parameters() if checkpoint.lacks(name)}
    ways = model.translators()
    gone = {
        route for route, way in ways.items()
        if any(id(p) in untrained for p in way.network.parameters())
    }  # fmt: skip
    model.routes = tuple(route for route in model.routes if route not in gone)
    model.ways_back = {a: b for a, b in model.ways_back.items() if not {a, b} & gone}
    if not model.routes:
        raise setting_error(
            setting, "no network that translates", "one or more", "Import the generator's weights."
        )


NETWORKS = (
    "i2i.generators.", "i2i.discriminators.", "i2i.encoders.", "i2i.networks.", "torch.nn.",
)  # fmt: skip
LARGEST = 2**14  # of the numbers in a network's options: channels, blocks, layers


def require_fitting(make: Callable[[], Any], checkpoint: Checkpoint, setting: str) -> None:
    """Compares a checkpoint's weights with the networks it asks for, before those take any memory.

    Args:
        make: Makes the model.
        checkpoint: What the weights and the numbers come from.
        setting: What the file is called in errors.

    Raises:
        SettingError: Names or shapes differ, or the file asks for an endless network.
    """
    model = checkpoint.config["model"]
    nodes = {part: node for part, node in model.items() if isinstance(node, dict)}
    for part in (p for p, node in nodes.items() if str(node.get("_target_")).startswith(NETWORKS)):
        require_no_giant(part, model[part], len(checkpoint.weights), setting)
    with on_no_device():
        same_weights(make(), checkpoint, setting)


def require_no_giant(part: str, node: Any, n_weights: int, setting: str) -> None:
    """Refuses the options of a network that no weights in the file could be of.

    Args:
        part: What the options are called.
        node: The options.
        n_weights: Tensors in the file.
        setting: What the file is called in errors.

    Raises:
        SettingError: A number is larger than that of the weights allows.
    """
    for key, value in entries(node):
        most = n_weights if key.startswith("n_") else LARGEST
        if isinstance(value, int | float) and abs(value) > most:
            raise setting_error(
                setting, f"{part}.{key}={value}", f"at most {most}, by its weights",
                "Do not use this file unless you know where it comes from.",
            )  # fmt: skip


def on_no_device() -> Any:
    """In whose block networks have shapes and no memory."""
    import torch

    return torch.device("meta")


def parameters_of(model: Any) -> list[str]:
    """The names of a model's weights; what else its state holds may be infinite on purpose."""
    return [name for name, _ in model.named_parameters()]


def require_finite(checkpoint: Checkpoint, names: Iterable[str], key: str) -> None:
    """Refuses a checkpoint whose weights are no numbers, and names another one where one is good.

    Args:
        checkpoint: What is to be loaded.
        names: The weights that will be.
        key: The option that named it.

    Raises:
        SettingError: Some are NaN or infinite.
    """
    if not (bad := not_finite(checkpoint, names)):
        return
    other = whole_neighbour(checkpoint.path, key)
    todo = "Use an earlier checkpoint, or train anew."
    if other is not None and not not_finite(other, names):
        todo = f"Beside it {key}={other.path} is good (step {other.step})."
        if key == "resume":
            todo += f" A new run may start from its weights, too: init_from={other.path}"
    raise setting_error(
        f"{key}={checkpoint.path}", f"weights that are NaN or infinite ({len(bad)}, such as "
        f"{bad[0]})", "finite ones", todo,
    )  # fmt: skip


def not_finite(checkpoint: Checkpoint, names: Iterable[str]) -> list[str]:
    """Those of some weights in a checkpoint that are NaN or infinite."""
    from i2i.files.weights import is_finite  # imports torch

    values = ((name, checkpoint.weights.get(name)) for name in names)
    return [name for name, value in values if value is not None and not is_finite(value)]


def saved_task(node: dict[str, Any]) -> Any:
    """The task of a saved data set, of which no file is touched.

    Args:
        node: The options, whose classes were checked.
    """
    from i2i.data.reading.reader_options import understood_task

    return understood_task(node, built(node.get("classes")), built(node.get("task")))


def built(node: Any) -> Any:
    """What a checked configuration of plain values names: its class, with its options.

    That is what Hydra does; but who translates has no need to wait for Hydra.
    """
    if isinstance(node, list | tuple):
        return [built(value) for value in node]
    if not isinstance(node, Mapping):
        return node
    options = {key: built(value) for key, value in node.items() if key != "_target_"}
    if "_target_" not in node:
        return options
    module, _, name = node["_target_"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**options)
