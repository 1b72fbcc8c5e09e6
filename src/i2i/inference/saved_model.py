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


def make_judge(evaluator: Any, datamodule: Any) -> Any:
    """The evaluator with what it takes to see pictures and classes, segmenter included."""
    from i2i.labels.segmenter import load_segmenter
    from i2i.metrics.scorer import Judge

    evaluator.name_data(datamodule.name)
    reader = datamodule.reader
    role = datamodule.task.label_role(reader)
    classes = None if role is None else reader.classes
    segmenter = load_segmenter(evaluator.segmenter, classes, role, datamodule.image_size)
    lossy = datamodule.has_lossy_labels
    return Judge(evaluator, datamodule.task, classes, role, segmenter, lossy)


def overlay(saved: dict[str, Any], chosen: Any) -> dict[str, Any]:
    """A saved node under what the command line says.

    Args:
        saved: The node of the checkpoint's configuration.
        chosen: The node of the command's configuration: a whole preset (it has a ``_target_``), or
            single values over the saved ones, None where nothing was said.

    Returns:
        The node to build.
    """
    from omegaconf import OmegaConf

    typed = OmegaConf.to_container(chosen, resolve=True)
    if "_target_" in typed:
        return typed
    return merged(saved, typed)


def merged(saved: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """Single values over saved ones, at any depth; None keeps what was saved."""
    result = dict(saved)
    for key, value in typed.items():
        if isinstance(value, dict):
            result[key] = merged(saved.get(key) or {}, value)
        elif value is not None:
            result[key] = value
    return result
