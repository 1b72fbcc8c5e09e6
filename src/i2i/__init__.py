"""Image-to-image translation with adversarial networks.

The public interface is ``load`` and the ``Model`` that it returns; everything else may change.
"""

__version__ = "0.1.0"
__all__ = ["Model", "load"]

import os
from typing import TYPE_CHECKING, Any

# Else importing albumentations asks the network for a newer version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

if TYPE_CHECKING:
    from i2i.sharing.loading import load
    from i2i.sharing.model import Model

PLACES = {"load": "i2i.sharing.loading", "Model": "i2i.sharing.model"}


def __getattr__(name: str) -> Any:
    """Imports the interface when it is asked for: PyTorch takes a second."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(PLACES[name]), name)
