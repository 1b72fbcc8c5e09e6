"""A model rebuilt from its checkpoint alone."""

from typing import Any

from i2i.config.checkpoint import Checkpoint, read_checkpoint, same_weights


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
        SettingError: The file cannot be used, or does not fit the networks it names.
    """
    from hydra.utils import instantiate

    checkpoint = read_checkpoint(path, key)
    node = dict(checkpoint.config["model"])
    node |= {key: value for key, value in changes.items() if value is not None}
    task = saved_task(checkpoint.config["dataset"])
    model = instantiate(node, _partial_=True)(config=checkpoint.config, task=task)
    same_weights(model, checkpoint, f"{key}={checkpoint.path}")
    model.load_state_dict(checkpoint.weights)
    return model, checkpoint


def saved_task(node: dict[str, Any]) -> Any:
    """The task of a saved data set, of which no file is touched."""
    from hydra.utils import instantiate

    return instantiate(node | {"source": None}).task
