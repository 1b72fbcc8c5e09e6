"""What a checkpoint translates with: its generators, without the system that trained them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from i2i.checkpoints.allowed_classes import check_targets
from i2i.checkpoints.checkpoint import Checkpoint, read_checkpoint, same_weights
from i2i.checkpoints.saved_model import (
    built,
    load_model,
    on_no_device,
    require_finite,
    require_no_giant,
    saved_task,
)
from i2i.checkpoints.shared_folder import broken, read_shared
from i2i.errors import in_words, setting_error
from i2i.files.safetensors_file import safetensors_file
from i2i.inference.description import Described, understand_attributes, understand_routes
from i2i.inference.translate import seeded_noise
from i2i.inference.translations import Translations
from i2i.messages import say_once

NEEDED = ("direction", "input_channels", "target_channels", "image_size")
ADVICE = "Use another checkpoint of the run."


def load_translations(
    path: str, inference: str | None = None, seed: int | None = None, key: str = "checkpoint"
) -> tuple[Translations, Checkpoint]:
    """Builds the generators that a checkpoint translates with, and loads their weights.

    Neither Lightning nor Hydra is needed for it, nor the data set. A checkpoint that does not say
    what it translates with, as old ones do not, is loaded with the whole of its system.

    Args:
        path: A checkpoint, a run folder, or a folder of ``export.py format=safetensors``.
        inference: ``paper`` or ``eval``; None keeps the run's.
        seed: Of the noise; None keeps the run's.
        key: The option that named the path, for errors.

    Returns:
        The translations on the CPU, and the checkpoint.

    Raises:
        SettingError: The file cannot be used, does not fit the networks it names, its weights are
            NaN, or its system translates nothing.
    """
    shared = shared_weights(Path(path).expanduser())
    if shared is not None:
        checkpoint = read_shared(shared, f"{key}={shared}")
    else:
        checkpoint = read_checkpoint(path, key, built=())
    setting = f"{key}={checkpoint.path}"
    routes = understand_routes(checkpoint.translates, setting, ADVICE)
    if routes:
        with in_words(setting, "Use another checkpoint; I2I_TRACEBACK=1 shows where."):
            found = of_description(checkpoint, routes, setting, key)
    elif shared is not None:
        raise broken(setting, "a config.json without routes")
    else:
        if checkpoint.translates is None:
            say_once(
                f"{setting} is from before checkpoints said what they translate with: its whole "
                "system is loaded, which takes some seconds more."
            )
        found, checkpoint = of_system(path, key)
    return found.changed(inference, seed), checkpoint


def shared_weights(path: Path) -> Path | None:
    """The exported weights that a path names; None where it names a run or a checkpoint."""
    return None if (path / "checkpoints").is_dir() else safetensors_file(path)


def of_system(path: str, key: str) -> tuple[Translations, Checkpoint]:
    """The translations of a system that is loaded as a whole."""
    import torch

    with seeded_noise(0, torch.device("cpu")):  # the weights that are drawn are replaced
        model, checkpoint = load_model(path, {}, key)
    routes = model.translators() or {"": model.translator()}  # which says why there is none
    return found_in(type(model).__name__, routes, checkpoint, model.attributes), checkpoint


def of_description(
    checkpoint: Checkpoint, routes: Mapping[str, Described], setting: str, key: str
) -> Translations:
    """The translations that a checkpoint describes.

    Args:
        checkpoint: Its configuration has not been looked at.
        routes: One at least.
        setting: What the file is called in errors.
        key: The option that named it.

    Raises:
        SettingError: As in ``load_translations``.
    """
    from torch import nn

    from i2i.data.tasks.task import Task
    from i2i.labels.palette import ClassPalette

    options, networks = checkpoint.config["dataset"], {}
    if missing := [option for option in NEEDED if option not in options]:
        raise setting_error(
            setting, f"a checkpoint without dataset.{missing[0]}", "a whole one", ADVICE
        )
    for part, kinds in (("classes", (ClassPalette,)), ("task", (Task,))):
        check_targets({part: options.get(part)}, f"{setting} (dataset)", kinds)
    task = saved_task(options)
    for way in routes.values():
        if way.weights not in networks:
            node = checkpoint.config["model"].get(way.node)
            check_targets({way.node: node}, f"{setting} (model)", (nn.Module,))
            networks[way.weights] = network(checkpoint, way, node, setting, key)
    made = {r: way.translator(networks[way.weights], task) for r, way in routes.items()}
    system = str(checkpoint.config["model"].get("_target_")).rpartition(".")[2]
    return found_in(system, made, checkpoint, understand_attributes(checkpoint.translates))


def network(checkpoint: Checkpoint, way: Described, node: Any, setting: str, key: str) -> Any:
    """A generator with its weights, in eval mode.

    Raises:
        SettingError: It is none, or the weights are not its own.
    """
    prefix = f"{way.weights}."
    weights = {
        n.removeprefix(prefix): w for n, w in checkpoint.weights.items() if n.startswith(prefix)
    }
    if not weights:
        raise setting_error(
            setting, f"no weights whose names begin with {prefix[:80]!r}", "those of a generator",
            ADVICE,
        )  # fmt: skip
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise setting_error(
            setting, f"no network in model.{way.node}", "the options of a generator", ADVICE
        )
    require_no_giant(way.node, node, len(weights), setting)
    with on_no_device():
        made = built(node)
        same_weights(made, replace(checkpoint, weights=weights, absent=None), setting)
    if not hasattr(made, "divisor"):
        raise setting_error(
            setting, f"{type(made).__name__} in model.{way.node}", "a generator", ADVICE
        )
    require_finite(checkpoint, [prefix + name for name, _ in made.named_parameters()], key)
    return with_weights(made, weights, node).eval().requires_grad_(False)


def with_weights(made: Any, weights: Mapping[str, Any], node: Any) -> Any:
    """A network that gets its weights instead of drawing some first.

    Args:
        made: The network, on no device.
        weights: All that its state holds.
        node: Its options, for one that has tensors beside its state and so must be made again.
    """
    import torch

    types = {name: value.dtype for name, value in made.state_dict().items()}
    plain = {name: value.to(types[name]).contiguous() for name, value in weights.items()}
    made.load_state_dict(plain, assign=True)
    if any(value.is_meta for value in (*made.parameters(), *made.buffers())):
        with seeded_noise(0, torch.device("cpu")):  # the weights that are drawn are replaced
            made = built(node)
        made.load_state_dict(plain)
    return made


def found_in(
    system: str, routes: Mapping[str, Any], checkpoint: Checkpoint, attributes: Any
) -> Translations:
    """The translations of a checkpoint; those of domains know no attributes."""
    dataset = checkpoint.config["dataset"]
    known = attributes if dataset.get("attributes") is not None else None
    return Translations(system, routes, dataset, known)
