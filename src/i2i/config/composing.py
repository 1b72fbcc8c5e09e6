"""What ``conf/`` makes of options, beside the job that is running."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from i2i.resources import root_dir


@lru_cache(maxsize=32)  # a sweep asks for the same again and again
def composed(config_name: str, overrides: Sequence[str] = ()) -> Any:
    """Composes a command's configuration.

    Args:
        config_name: config, evaluate or translate.
        overrides: A tuple of options in Hydra's grammar.

    Returns:
        The configuration, whose interpolations of ``hydra`` have no value. It is not to be changed.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()  # there can be one only
    try:
        with initialize_config_dir(str(root_dir() / "conf"), version_base="1.3"):
            return compose(config_name, list(overrides))
    finally:
        GlobalHydra.instance().hydra = running
