"""From a run, a checkpoint or an exported folder to a model that Python code can call."""

import os
from typing import TYPE_CHECKING, Any

from i2i.errors import first_line, setting_error

if TYPE_CHECKING:
    import torch

    from i2i.sharing.model import Model


def load(
    path: str | os.PathLike,
    device: Any = "auto",
    max_megapixels: float | None = None,
) -> "Model":
    """Loads a trained model.

    Neither the data set nor Lightning nor Hydra is needed, and nothing in the file is run.

    Args:
        path: A run folder (its best checkpoint, else its last), a .ckpt file, or a folder that
            ``export.py format=safetensors`` wrote.
        device: Where it computes: auto (a GPU where there is one), cpu, gpu, cuda, cuda:1, mps, or
            a ``torch.device``.
        max_megapixels: Millions of pixels that a picture may have; None: 268.

    Returns:
        A ``Model``.

    Raises:
        SettingError: There is no model that translates, or no such device.
    """
    from i2i.checkpoints.saved_translations import load_translations
    from i2i.images.pixel_limit import DEFAULT_MEGAPIXELS
    from i2i.sharing.model import Model

    translations, _ = load_translations(str(path), key="path")
    most = DEFAULT_MEGAPIXELS if max_megapixels is None else max_megapixels
    return Model(translations, device_of(device), most)


def device_of(device: Any) -> "torch.device":
    """The device that is meant.

    Raises:
        SettingError: This machine has no such one.
    """
    import torch

    from i2i.cluster.devices import resolve_accelerator, torch_device

    if device == "auto":
        return torch_device(resolve_accelerator(device))
    try:
        found = torch.device("cuda" if device == "gpu" else device)
        torch.empty(0, device=found)  # asks the device itself
    except (RuntimeError, AssertionError, TypeError) as error:
        raise setting_error(
            f"device={device}", f"no such device ({first_line(error, 100)})",
            "auto, cpu, gpu, cuda:1, mps or a torch.device, of this machine",
            "Leave device out to take what the machine has.",
        ) from error  # fmt: skip
    return found
