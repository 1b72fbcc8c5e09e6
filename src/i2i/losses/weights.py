"""Weights of the terms of a loss."""

import math

from i2i.errors import setting_error


def require_weights(**weights: float) -> None:
    """Refuses weights that are negative, infinite or no numbers.

    Args:
        weights: By their names under ``model``.

    Raises:
        SettingError: One is.
    """
    for name, value in weights.items():
        if not 0 <= value < math.inf:
            raise setting_error(
                f"model.{name}={value}", "that weight", "0 or more",
                f"Leave model.{name} out for its default; 0 leaves the term out.",
            )  # fmt: skip
