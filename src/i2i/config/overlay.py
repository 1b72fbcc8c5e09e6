"""Values typed for a command over those that a checkpoint saved."""

from typing import Any


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
        old = saved.get(key) or {}
        options = isinstance(value, dict) and all(isinstance(name, str) for name in value)
        if options and isinstance(old, dict):  # a table of numbers is one value
            result[key] = merged(old, value)
        elif value is not None:
            result[key] = value
    return result
