"""Options that nobody reads are errors, with the nearest one that somebody does."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from omegaconf import OmegaConf

from i2i.config.composing import composed
from i2i.config.differences import flat, select
from i2i.config.no_effect import require_effect
from i2i.config.plain_words import value_text
from i2i.config.value_kinds import require_kinds
from i2i.errors import SettingError, setting_error
from i2i.resources import root_dir

# Nodes that are read whole: parts may be added to them, each with a class of its own.
NAMES = ("attributes",)  # whose keys are names that the model knows
OPEN = ("callbacks", "logger", "reconstruction")
# In the other commands these are laid over those of the checkpoint, whose parts then take them.
OVERLAYS = ("dataset", "metrics")
OF_RUNS = ("config", "import_weights")  # commands that compose all of a run, and overlay nothing


def require_read(cfg: Any, config_name: str) -> None:
    """Refuses every key that no part takes, at any depth.

    Hydra itself refuses keys that ``conf/`` does not have, but neither those that were added with a
    plus nor those of an experiment.

    Args:
        cfg: The composed configuration.
        config_name: The command's: config, evaluate or translate.

    Raises:
        SettingError: There is such a key.
    """
    if config_name != "config":
        require_values(cfg)
    values = OmegaConf.to_container(cfg, resolve=False)
    known = OmegaConf.to_container(with_presets(cfg, config_name), resolve=False)
    require_kinds(values, known)
    require_effect(values, known, config_name)
    for key in known:
        # An objective sets defaults of the model, which then stand there without it.
        if key in values and not has_lost_class(values[key], known[key]):
            continue
        raise setting_error(
            f"~{key}", "a configuration without it", f"{key}, which the command reads",
            "Leave ~ out, or set the option.",
        )  # fmt: skip
    for key, node in values.items():
        if key not in known:
            raise no_part_takes(key, known)
        if not isinstance(node, Mapping) or (config_name not in OF_RUNS and key in OVERLAYS):
            continue
        if key in OPEN:
            require_parts(key, node)
        elif "_target_" not in node and key not in NAMES:
            for unread in node.keys() - (known[key] or {}).keys():
                raise no_part_takes(f"{key}.{unread}", known)
        for where, part in parts(node, key):
            require_taken(where, part)


def has_lost_class(node: Any, known: Any) -> bool:
    """Whether a node that is an object in ``conf/`` is only options here."""
    both = isinstance(node, Mapping) and isinstance(known, Mapping)
    return both and "_target_" in known and "_target_" not in node


def require_values(cfg: Any) -> None:
    """Refuses a command line without an option that the command cannot do without.

    Raises:
        SettingError: One is missing.
    """
    kinds = {"checkpoint": "a run folder or a .ckpt file", "input": "a picture or a folder"}
    kinds["project"] = "a project of W&B"
    there = list(cfg.keys())  # "in" leaves those out that have no value
    needed = [key for key in ("checkpoint", "input", "project") if key in there]
    needed += ["output"] if {"input", "class", "format"} & set(there) else []
    for key in [k for k in needed if OmegaConf.is_missing(cfg, k) or cfg[k] is None]:
        kind = kinds.get(key, "a folder")
        raise setting_error(key, "no value", kind, f"Add {key}=... to the command line.")


def with_presets(cfg: Any, config_name: str) -> Any:
    """What a command's presets are without the options that were typed over them."""
    from hydra.errors import HydraException

    from i2i.config.plain_config import presets

    named = presets(cfg) if config_name in OF_RUNS else {}
    chosen = [
        f"{group}={value_text(name)}" if isinstance(name, list) else f"{group}={name}"
        for group, name in named.items()
        if name and not group.startswith("experiments")
    ]
    try:
        return composed(config_name, tuple(chosen))
    except HydraException:  # presets of a folder of the user's own
        return composed(config_name)


def parts(node: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every node below one, itself included, that names a class."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield where, node
        for key, value in node.items():
            yield from parts(value, f"{where}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from parts(value, f"{where}[{i}]")


def require_parts(key: str, node: Mapping[str, Any]) -> None:
    """Refuses values among the parts of a node.

    Raises:
        SettingError: One is neither null nor names a class.
    """
    for name, part in node.items():
        if part is None or (isinstance(part, Mapping) and "_target_" in part):
            continue
        option = f"{name}.{next(iter(part))}" if isinstance(part, Mapping) and part else name
        near = get_close_matches(name, [n for n in node if n != name], 1)
        raise setting_error(
            f"{key}.{option}", f"no part of {key} called {name}",
            f"one of {', '.join(n for n in node if n != name) or 'those that a preset brings'}",
            f"Did you mean {key}.{near[0]}?" if near else f"Add {name} to {key}=, or leave the "
            "option out.",
        )  # fmt: skip


def require_taken(where: str, node: Mapping[str, Any]) -> None:
    """Refuses an option that the class or function of a node does not take.

    Raises:
        SettingError: There is one.
    """
    takes = parameters(str(node["_target_"]))
    if takes is None:
        return
    for key in node:
        if key not in takes and not (key.startswith("_") and key.endswith("_")):
            near = get_close_matches(key, sorted(takes), 1)
            raise setting_error(
                f"{where}.{key}",
                f"an option that {str(node['_target_']).rpartition('.')[2]} does not have",
                f"one of {', '.join(sorted(takes))}",
                f"Did you mean {where}.{near[0]}?" if near else
                f"An experiment, another preset or a + set it: ~{where}.{key} drops it.",
            )  # fmt: skip


def parameters(target: str) -> set[str] | None:
    """The keyword arguments of a class or function by its dotted name.

    Those of a class that passes on what it does not know are its bases' too.

    Returns:
        Their names; None where they cannot be told, and the call itself will tell.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import get_object

    try:
        found = get_object(target)
    except (ValueError, ImportError, AttributeError, InstantiationException):
        return None
    names: set[str] = set()
    for owner in inspect.getmro(found) if inspect.isclass(found) else (found,):
        call = owner.__dict__.get("__init__") if inspect.isclass(owner) else owner
        if call is None:
            continue
        try:
            signature = inspect.signature(call).parameters.values()
        except (ValueError, TypeError):
            return None
        names |= {p.name for p in signature if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
        if not any(p.kind is p.VAR_KEYWORD for p in signature):
            return names - {"self"}
    return None


def chosen_presets(config_name: str) -> Any:
    """What the presets are that the command line names, without its other options."""
    from hydra.errors import HydraException

    words = [w for w in sys.argv[1:] if (root_dir() / "conf" / w.partition("=")[0]).is_dir()]
    try:
        return composed(config_name, tuple(words))
    except HydraException:  # one of them is misspelt, too, or stands in a folder of the user's own
        return composed(config_name)


def absent_option(message: str, config_name: str) -> str | None:
    """What to type instead of an option that Hydra refused; None for a message of another kind.

    Args:
        message: Hydra's, which advises to add a plus whether or not anybody would read the option.
        config_name: The command's: config, evaluate or translate.
    """
    found = re.match(r"Could not override '([^']+)'", message)
    if found is None:
        return None
    key, known = found[1], OmegaConf.to_container(chosen_presets(config_name), resolve=False)
    where, _, name = key.rpartition(".")
    target = select(known, f"{where}._target_")
    takes = parameters(target) if target else set()
    near = nearest(key, known)
    if (takes is None and not near) or name in (takes or ()):
        return str(setting_error(
            key, "an option that conf/ does not list", "a plus before it, if "
            f"{str(target).rpartition('.')[2]} takes it", f"Write +{key}=VALUE.",
        ))  # fmt: skip
    return str(no_part_takes(key, known))


def no_part_takes(key: str, known: Mapping[str, Any]) -> SettingError:
    """The error of a key that nobody reads.

    Args:
        key: Dotted.
        known: What the command composes by itself.
    """
    near, beside = nearest(key, known), options_beside(key, known)
    expected = near or (f"one of {', '.join(beside)}" if beside else "one that --cfg job lists")
    return setting_error(
        key, "an option that no part takes", expected,
        f"Did you mean {near}?" if near else "Correct its name, or leave it out.",
    )  # fmt: skip


def options_beside(key: str, known: Mapping[str, Any]) -> list[str]:
    """The options of the part that a key names, such as of ``generator`` for ``generator.x``."""
    where = key.rpartition(".")[0]
    node = select(known, where) if where else None
    names = node if isinstance(node, Mapping) else ()
    return [f"{where}.{name}" for name in names if not name.startswith("_")]


def nearest(key: str, known: Mapping[str, Any]) -> str | None:
    """The key that was probably meant: the same last word elsewhere, else a similar one."""
    keys = [*flat(known), *known, "experiments"]
    keys += [
        f"{name}.{part}" for name, node in known.items() if isinstance(node, dict) for part in node
    ]
    keys = [k for k in keys if not key.startswith(f"{k}.")]  # the part itself is no option of it
    last = key.rpartition(".")[2]
    inside = [k for k in keys if k.partition(".")[0] == key.partition(".")[0]]
    for candidates in (inside, keys):
        same = [k for k in candidates if k.rpartition(".")[2] == last]
        if same:
            return min(same, key=lambda k: (k.count("."), keys.index(k)))
    if words := get_close_matches(last, [k.rpartition(".")[2] for k in inside], 1):
        return next(k for k in inside if k.rpartition(".")[2] == words[0])
    # The part's own name would count for most of the letters that are alike.
    outside = [k for k in keys if k not in inside]
    return next(iter(get_close_matches(key, outside, 1, 0.7)), None)
