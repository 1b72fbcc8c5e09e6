"""Values that conf/ computes: channels of a side, processes of a job, names of folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from i2i.cluster import environment as cluster
from i2i.errors import setting_error
from i2i.scores import RECONSTRUCTION, main_score


def side_channels(
    role: str,
    direction: str,
    label_side: str | None,
    label_as: str,
    classes: Mapping[str, Any] | None,
    task: Mapping[str, Any] | None,
) -> int:
    """Channels of one side of a pair: those of the task, one a class, or RGB.

    Args:
        role: input or target.
        direction: AtoB or BtoA.
        label_side: A, B or None.
        label_as: colours or onehot.
        classes: The node of the classes, with their ``colours``.
        task: The node of the task.

    Returns:
        The number; a wrong option is left to whoever takes it.
    """
    if task is not None:
        return task[f"{role}_channels"]
    label_role = "input" if (label_side == "A") == (direction == "AtoB") else "target"
    colours = classes.get("colours") if isinstance(classes, Mapping) else None
    if label_side and role == label_role and label_as == "onehot" and colours:
        return len(colours) if isinstance(colours, Mapping) else 3
    return 3


# Options of networks that belong to one side of the data, and the same of the other side.
SIDES = {
    "in_channels": "out_channels", "out_channels": "in_channels",
    "input_channels": "target_channels", "target_channels": "input_channels",
}  # fmt: skip


def exchanged(network: Any) -> Any:
    """A network for the way back: that of a preset, with the channels of both sides exchanged.

    Args:
        network: The node of a generator or a discriminator.
    """
    plain = OmegaConf.to_container(network, resolve=True)
    return OmegaConf.create({SIDES.get(key, key): value for key, value in plain.items()})


def n_labels(domains: Any) -> int:
    """How many domains, classes or attributes a data set has.

    Args:
        domains: Their names; None for the two sides of a set that has no names for them.
    """
    return 2 if domains is None else len(domains)


def label_names(domains: Any, direction: str) -> Any:
    """What the labels 0, 1, ... of a data set mean.

    Args:
        domains: ``dataset.domains``; None for A and B.
        direction: AtoB or BtoA: which of them is the first.
    """
    names = [str(name) for name in domains or ("A", "B")]
    return OmegaConf.create(names if direction == "AtoB" else names[::-1])


def plus(a: int, b: int) -> int:
    """The sum, such as the channels of a picture with those of its labels."""
    return a + b


def given_code(generator: Any, latent: int) -> Any:
    """A generator that a system gives a code.

    Args:
        generator: Its node. One with the option ``latent`` takes a code by itself; any other has so
            many more input channels.
        latent: Numbers of the code.

    Raises:
        SettingError: The generator is asked to take another one.
    """
    plain = OmegaConf.to_container(generator, resolve=True)
    if "in_channels" not in plain:  # it takes no picture, and says so when it is given one
        return OmegaConf.create(plain)
    if plain.get("latent", 0) not in (0, latent):
        raise setting_error(
            f"generator.latent={plain['latent']}", f"model.encoder.latent={latent} beside it",
            "codes of one length", f"Use model.encoder.latent={plain['latent']} instead.",
        )  # fmt: skip
    if "latent" in plain:
        return OmegaConf.create(plain | {"latent": latent})
    return OmegaConf.create(plain | {"in_channels": plain["in_channels"] + latent})


def launched(what: str, otherwise: int | str) -> int | str:
    """Processes a machine (``devices``) or machines (``nodes``), as torchrun or srun started them.

    Args:
        what: devices or nodes.
        otherwise: The value where this program starts its processes by itself.
    """
    found = cluster.launched()
    return otherwise if found is None else found[("devices", "nodes").index(what)]


def direction(score: str | None, *, _root_: Any) -> str:
    """Where an optimising sweep has to go: maximize for val/ssim, minimize for val/l1.

    Args:
        score: ``sweep_metric``: its split and name, with a route between them where there are
            several; None for the main score, see ``i2i.scores.MAIN``.
        _root_: The whole configuration, whose ``metrics`` say which scores there are.

    Raises:
        SettingError: It names no score.
    """
    metrics = _root_["metrics"]
    if score is None:
        known = scores_of(metrics, truth=_root_["dataset"].get("has_pairs", True))
        return "maximize" if known.get(main_score(known)) else "minimize"
    return "maximize" if more_is_better("sweep_metric", score, metrics) else "minimize"


def more_is_better(option: str, score: Any, metrics: Mapping[str, Any]) -> bool:
    """Whether more of a score is better.

    Args:
        option: Which option names it.
        score: Its split and name, such as val/ssim.
        metrics: The node that says which scores there are.

    Raises:
        SettingError: There is no such score.
    """
    split, _, name = str(score).partition("/")
    if split not in ("val", "test") or not name:
        raise setting_error(
            f"{option}={score}", "no split and score", "such as val/ssim or val/l1",
            "Pruning needs val/.",
        )  # fmt: skip
    known = scores_of(metrics)
    name = name.rpartition("/")[2].removeprefix(RECONSTRUCTION)
    if name not in known:
        raise setting_error(
            f"{option}={score}", f"a score called {name}",
            f"one of {', '.join(sorted(known))}, which metrics= computes",
            "Correct the name, or add its metric to metrics=[...].",
        )  # fmt: skip
    return known[name]


def scores_of(metrics: Mapping[str, Any], truth: bool = True) -> dict[str, bool]:
    """Whether more is better, by name of the scores that a node ``metrics`` computes.

    Args:
        metrics: The node.
        truth: Whether the true answers are known; else the way there and back is measured.
    """
    from hydra.utils import get_class  # the classes bring torch, which few jobs need here

    from i2i.labels.class_scores import SCORES as OF_CLASSES
    from i2i.metrics.class_accuracy import ClassAccuracy
    from i2i.metrics.inception_scores import SCORES as OF_INCEPTION

    prefix = "" if truth else RECONSTRUCTION
    found = {
        prefix + name: get_class(node["_target_"]).more_is_better
        for name, node in metrics.items()
        if isinstance(node, Mapping)
    }
    further = [*(OF_CLASSES if truth and metrics["segmentation"] else ())]
    further += [ClassAccuracy] if metrics.get("classifier") else []
    further += OF_INCEPTION if metrics["distribution"] else ()
    directed = {score.name: score.more_is_better for score in further}
    return found | {name: more for name, more in directed.items() if more is not None}


def learns_from() -> str:
    """For the help: what each system learns from, and which sets give nothing but labels."""
    from hydra.utils import get_class

    from i2i.resources import root_dir

    presets, lines = root_dir() / "conf", []
    for file in sorted((presets / "model").glob("*.yaml")):
        preset = OmegaConf.load(file)
        system = get_class(OmegaConf.select(preset, "model._target_") or preset._target_)
        lines.append(f"model={file.stem} learns from {' or '.join(system.pairings)} images")
    names = sorted(file.stem for file in (presets / "dataset").glob("*.yaml"))
    labelled = [name for name in names if has_labels(presets / "dataset", name)]
    lines.append(
        f"dataset={' or '.join(labelled)}: labelled images, and no other ones. Every set of two "
        "sides, or of several domains, can be labelled, too"
    )
    return "\n".join(lines)


def has_labels(presets: Path, name: str) -> bool:
    """Whether a preset of a data set, or the one that it begins with, is a set of labels."""
    preset = OmegaConf.load(presets / f"{name}.yaml")
    own = preset.get("dataset", preset)  # of the package _global_, if it sets more than itself
    if "has_labels" in own:
        return bool(own.has_labels)
    bases = [base for base in preset.get("defaults", []) if isinstance(base, str)]
    return any(has_labels(presets, b.partition("@")[0]) for b in bases if b != "_self_")


def in_sweep() -> bool:
    """Whether this job is one of several."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def register() -> None:
    """Makes the functions of this file known to OmegaConf."""
    of_networks = (side_channels, exchanged, given_code, n_labels, label_names, plus)
    for resolver in (*of_networks, launched, direction, learns_from, in_sweep):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)
    # One answer a program, which the jobs of a sweep take along.
    for name in ("started", "moment"):
        resolver = getattr(cluster, name)
        OmegaConf.register_new_resolver(name, resolver, use_cache=True, replace=True)
