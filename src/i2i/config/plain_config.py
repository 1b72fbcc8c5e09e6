"""From the composed configuration of a run to plain values that can be kept."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from i2i.config.plain_words import key_of
from i2i.errors import SettingError
from i2i.resources import root_dir

FILES_OF_METRICS = ("inception_weights", "segmenter")


def plain_config(cfg: Any) -> dict[str, Any]:
    """The resolved configuration as plain values, with the data root made absolute."""
    from omegaconf import OmegaConf

    from i2i.config.checks import validate_config

    if not OmegaConf.is_missing(cfg.dataset, "root") and cfg.dataset.root is None:
        cfg.dataset.root = "???"
    if OmegaConf.is_missing(cfg.dataset, "root") and cfg.dataset.get("pairs"):
        cfg.dataset.root = os.path.dirname(absolute(cfg.dataset.pairs))
    if not OmegaConf.is_missing(cfg.dataset, "root"):
        cfg.dataset.root = absolute(cfg.dataset.root)
        if pairs := cfg.dataset.get("pairs"):
            cfg.dataset.pairs = table_of_pairs(cfg.dataset.root, pairs)
    for key in FILES_OF_METRICS:
        if cfg.metrics.get(key):
            cfg.metrics[key] = absolute(cfg.metrics[key])
    for part in (*cfg.reconstruction.values(), *cfg.metrics.values()):
        if isinstance(part, Mapping) and part.get("weights_file"):
            part.weights_file = absolute(part.weights_file)
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise SettingError(
            f"{missing[0]}: found no value; expected one. Add {missing[0]}=... to the command line."
        )
    config = OmegaConf.to_container(cfg, resolve=True) | {"presets": presets(cfg)}
    validate_config(config)
    return config


def presets(cfg: Any) -> dict[str, Any]:
    """The presets that a run was composed of, by group: a name, or several where it is a list."""
    from hydra.core.hydra_config import HydraConfig

    chosen = dict(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}
    named = {group: name for group, name in chosen.items() if not group.startswith("hydra/")}
    lists: dict[str, list[str]] = {}
    for group, node in cfg.items():
        folder = root_dir() / "conf" / group
        if group not in named and folder.is_dir() and isinstance(node, Mapping):
            files = {file.stem for file in folder.glob("*.yaml")}
            lists[group] = [name for name in node if name in files] or ["none"][: "none" in files]
    return named | lists


def leave_out_what_is_missing(cfg: Any) -> None:
    """Takes terms that are not required out of a run where their weights cannot be had."""
    from hydra.utils import instantiate

    from i2i.messages import say

    for name, term in cfg.reconstruction.items():
        if not term or term.get("required", True):
            continue
        loss = instantiate(term)
        try:
            loss.prepare("cpu")
        except SettingError as error:
            if term.get("weights_file"):
                raise
            say(f"Trained without the term {name}, which is not required here. {error}")
            cfg.reconstruction[name] = None


def say_what_has_no_effect(cfg: Any, typed: Sequence[str]) -> None:
    """Tells of a typed weight whose term is not there; no error, as a sweep may leave it out."""
    from i2i.messages import say

    if "model.lambda_l1" in {key_of(option) for option in typed} and not cfg.reconstruction.get(
        "l1"
    ):
        say("model.lambda_l1 has no effect here: l1 is not among reconstruction=[...].")


def table_of_pairs(root: str, pairs: str) -> str:
    """``dataset.pairs`` as it is found from any working directory: below the root, or absolute."""
    return pairs if os.path.isfile(os.path.join(root, pairs)) else absolute(pairs)


def absolute(path: str) -> str:
    """The path as it is found from any working directory."""
    return os.path.abspath(os.path.expanduser(path))
