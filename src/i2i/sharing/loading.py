"""From a run, a checkpoint or an exported folder to a model that Python code can call."""

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from i2i.sharing.model import Model


def load(
    path: str | os.PathLike,
    device: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto",
    max_megapixels: float | None = None,
) -> "Model":
    """Loads a trained model.

    Neither the data set nor Lightning nor Hydra is needed, and nothing in the file is run.

    Args:
        path: A run folder (its best checkpoint, else its last), a .ckpt file, or a folder that
            ``export.py format=safetensors`` wrote.
        device: Where it computes; auto: a GPU where there is one.
        max_megapixels: Millions of pixels that a picture may have; None: 268.

    Returns:
        A ``Model``.

    Raises:
        SettingError: There is no model that translates, or no such device.
    """
    from i2i.cluster.devices import resolve_accelerator, torch_device
    from i2i.config.saved_translations import load_translations
    from i2i.images.pixel_limit import DEFAULT_MEGAPIXELS
    from i2i.sharing.model import Model

    translations, _ = load_translations(str(path), key="path")
    place = torch_device(resolve_accelerator(device))
    most = DEFAULT_MEGAPIXELS if max_megapixels is None else max_megapixels
    return Model(translations, place, most)
