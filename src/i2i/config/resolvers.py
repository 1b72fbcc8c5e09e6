"""Values that conf/ computes: channels of a side, processes of a job, names of folders."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from i2i.cluster import environment as cluster
from i2i.errors import setting_error


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
    if label_side and role == label_role and label_as == "onehot" and classes is not None:
        return len(classes["colours"])
    return 3


def domain(domains: Sequence[str], side: str) -> str:
    """The domain that side A or B of a pair shows.

    Args:
        domains: That of A, then that of B.
        side: A or B.

    Raises:
        SettingError: There are not two of them.
    """
    if len(domains) != 2:
        raise setting_error(
            f"dataset.domains=[{','.join(map(str, domains))}]", f"{len(domains)} of them",
            "two, that of side A first", "Name both, such as dataset.domains=[photo,map].",
        )  # fmt: skip
    return domains["AB".index(side)]


def launched(what: str, otherwise: int | str) -> int | str:
    """Processes a machine (``devices``) or machines (``nodes``), as torchrun or srun started them.

    Args:
        what: devices or nodes.
        otherwise: The value where this program starts its processes by itself.
    """
    found = cluster.launched()
    return otherwise if found is None else found[("devices", "nodes").index(what)]


def direction(score: str, *, _root_: Any) -> str:
    """Where an optimising sweep has to go: maximize for val/ssim, minimize for val/l1.

    Args:
        score: Its split and name.
        _root_: The whole configuration, whose ``metrics`` say which scores there are.

    Raises:
        SettingError: It names no score.
    """
    split, _, name = score.partition("/")
    if split not in ("val", "test") or not name:
        raise setting_error(
            f"sweep_metric={score}", "no split and score", "such as val/ssim or val/l1",
            "Pruning needs val/.",
        )  # fmt: skip
    known = scores_of(_root_.metrics)
    if name not in known:
        raise setting_error(
            f"sweep_metric={score}", f"a score called {name}",
            f"one of {', '.join(sorted(known))}, which metrics= computes",
            "Correct the name, or add its metric to metrics=[...].",
        )  # fmt: skip
    return "maximize" if known[name] else "minimize"


def scores_of(metrics: Mapping[str, Any]) -> dict[str, bool]:
    """Whether more is better, by name of the scores that a node ``metrics`` computes."""
    from hydra.utils import get_class  # the classes bring torch, which few jobs need here

    from i2i.labels.class_scores import SCORES as OF_CLASSES
    from i2i.metrics.inception_scores import SCORES as OF_INCEPTION

    found = {
        name: get_class(node["_target_"]).more_is_better
        for name, node in metrics.items()
        if isinstance(node, Mapping)
    }
    further = [*(OF_CLASSES if metrics["segmentation"] else ())]
    further += OF_INCEPTION if metrics["distribution"] else ()
    directed = {score.name: score.more_is_better for score in further}
    return found | {name: more for name, more in directed.items() if more is not None}


def in_sweep() -> bool:
    """Whether this job is one of several."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def register() -> None:
    """Makes the functions of this file known to OmegaConf."""
    for resolver in (side_channels, domain, launched, direction, in_sweep):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)
    # One answer a program, which the jobs of a sweep take along.
    for name in ("started", "moment"):
        resolver = getattr(cluster, name)
        OmegaConf.register_new_resolver(name, resolver, use_cache=True, replace=True)
