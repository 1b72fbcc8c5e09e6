"""The metrics that evaluate scores with: those of the run, under what the command line says."""

from pathlib import Path
from typing import Any

from i2i.errors import setting_error
from i2i.messages import warn


def make_evaluator(cfg: Any, saved: dict[str, Any], seed: int) -> Any:
    """The evaluator of the run, with what the command line changes of it.

    Args:
        cfg: The composed configuration.
        saved: The checkpoint's ``metrics``.
        seed: Of KID's subsets and the Inception Score's splits.

    Raises:
        SettingError: An option is for metrics that the run did not have.
    """
    from hydra.utils import instantiate

    of_machine = {"cache_dir", "cache_gb"}  # asked of this one, whoever trained
    metrics = asked_metrics(cfg.metrics, {k: v for k, v in saved.items() if k not in of_machine})
    metrics["cache_dir"] = cfg.metrics.get("cache_dir")
    typed = cfg.metrics.get("seed")
    seed = seed if typed is None or "_target_" in cfg.metrics else typed
    return instantiate(usable(metrics, cfg.metrics) | {"seed": seed})


def asked_metrics(chosen: Any, saved: dict[str, Any]) -> dict[str, Any]:
    """The run's metrics with single values over them, or those of ``metrics=[...]`` instead.

    Args:
        chosen: The command line's ``metrics``.
        saved: The checkpoint's.

    Raises:
        SettingError: An option is for metrics that are not computed.
    """
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from i2i.config.overlay import merged

    typed = OmegaConf.to_container(chosen, resolve=True)
    if HydraConfig.get().runtime.choices.get("metrics", True):  # a list of several is not there
        saved = {"_target_": saved["_target_"]}
        # Those that evaluate.yaml names already, for their options, come after those of the lists.
        late = [name for name, node in nodes(typed).items() if next(iter(node)) != "_target_"]
        typed |= {name: typed.pop(name) for name in late}
    metrics = merged(saved, typed)
    for name, node in nodes(metrics).items():
        if "_target_" in node:
            continue
        if node:
            raise setting_error(
                f"metrics.{name}.{next(iter(node))}={next(iter(node.values()))}",
                f"metrics without {name}", f"{name} among them",
                f"Add a list that has it, such as 'metrics=[full,{name}]'.",
            )  # fmt: skip
        del metrics[name]
    for key in ("inception_weights", "kid_subset_size", "kid_subsets"):
        if typed[key] is not None and not metrics.get("distribution"):
            raise setting_error(
                f"metrics.{key}={typed[key]}", "metrics without FID and KID",
                "metrics=full beside it", "Add metrics=full.",
            )  # fmt: skip
    return metrics


def nodes(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics of one value per image by name, without the evaluator's own options."""
    return {name: node for name, node in metrics.items() if isinstance(node, dict)}


# Runs of other models that a metric asks, and what there is without them.
ASKED = {"segmenter": "segmentation scores", "classifier": "class_accuracy of made pictures"}


def usable(metrics: dict[str, Any], chosen: Any) -> dict[str, Any]:
    """The metrics without a segmenter or a classifier that is not wanted, or that is gone.

    Args:
        metrics: Those of the run, under what was typed.
        chosen: The command line's ``metrics``.
    """
    from i2i.metrics.class_accuracy import ITSELF

    for key, lacking in ASKED.items():
        path, typed = metrics.get(key), chosen[key]
        if typed == "none":
            metrics = metrics | {key: None}
        elif path and path != ITSELF and not typed and not Path(path).exists():
            warn(
                f"metrics.{key}={path} of the run is not there any more: no {lacking}. "
                f"Name it anew with metrics.{key}=, or silence this with metrics.{key}=none."
            )
            metrics = metrics | {key: None}
    return metrics
