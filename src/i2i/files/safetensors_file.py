"""Weights in files of the safetensors package, an optional one: tensors by name, and no code."""

from pathlib import Path
from typing import Any

from torch import Tensor

from i2i.errors import setting_error
from i2i.files.weights import what_else

SUFFIX = ".safetensors"
NAME = f"model{SUFFIX}"  # in a folder, beside config.json
ADVICE = "Give a file of src/export.py format=safetensors, or that file's folder."


def safetensors_file(path: Path) -> Path | None:
    """The file that a path names, itself or the one in a folder; None where it is no such path."""
    if path.is_dir():
        inside = path / NAME
        return inside if inside.is_file() else None
    return path if path.suffix == SUFFIX and path.is_file() else None


def read_safetensors(file: Path, setting: str) -> dict[str, Tensor]:
    """The tensors of a file, on the CPU.

    Args:
        file: With the weights of one network, by the names in its module.
        setting: What it is called in errors.

    Raises:
        SettingError: The package is not installed, or the file is damaged or of another kind.
    """
    load_file = loader(setting)
    try:
        return load_file(file, device="cpu")
    except PermissionError as error:
        todo = "Change its permissions."
        raise setting_error(setting, str(error), "a file that may be read", todo) from error
    except Exception as error:  # the package has types of its own for damage
        found = what_else(file, error, "safetensors")
        raise setting_error(setting, found, "weights of one network", ADVICE) from error


def loader(setting: str) -> Any:
    """The package's function that reads a file.

    Raises:
        SettingError: It is not installed.
    """
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise setting_error(
            setting, "no package safetensors", "it beside this one, to read such a file",
            "Install it: pip install safetensors",
        ) from error  # fmt: skip
    return load_file
