"""A state dict out of a file of torch.save: tensors by name, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import SettingError, setting_error
from i2i.files.weights import load_safely

EXPECTED = "the state dict of one network of pytorch-CycleGAN-and-pix2pix"
ADVICE = (
    "Give a file that its training wrote, such as latest_net_G.pth of a generator or "
    "latest_net_D.pth of a discriminator, or one of its releases."
)
PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before each name
STATE_DICTS = (".pth", ".pt")
COUNTER = "num_batches_tracked"


def read_state(file: Path, setting: str) -> dict[str, Tensor]:
    """The tensors of a state dict, on the CPU, as float32.

    Args:
        file: Of torch.save, of any age.
        setting: What it is called in errors.

    Returns:
        They, by name, without the prefixes of DataParallel and torch.compile.

    Raises:
        SettingError: There is no such file, it cannot be loaded as tensors alone, or it holds
            something else, or numbers that are NaN or infinite.
    """
    if not file.is_file():
        raise absent(file, setting)
    content = load_safely(file, setting, EXPECTED, ADVICE)
    if is_checkpoint(content):
        raise setting_error(
            setting, "a checkpoint of i2i itself", EXPECTED,
            f"It needs no import: checkpoint={file}, or init_from={file}",
        )  # fmt: skip
    return state_of(content, setting)


def absent(file: Path, setting: str) -> SettingError:
    """The error of a path that names no file; of a folder it says which files are in there."""
    if not file.is_dir():
        return setting_error(setting, "no such file", EXPECTED, "Correct the path.")
    inside = state_dicts(file)
    return setting_error(
        setting, "a folder", EXPECTED,
        f"Name one of its files: {', '.join(inside[:5])}." if inside else ADVICE,
    )  # fmt: skip


def state_dicts(folder: Path) -> list[str]:
    """Names of the files in a folder that may be state dicts."""
    return sorted(path.name for path in folder.iterdir() if path.suffix in STATE_DICTS)


def is_checkpoint(content: Any) -> bool:
    """Whether what a file holds is one of this package's own checkpoints."""
    return isinstance(content, Mapping) and isinstance(content.get("i2i"), Mapping)


FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def state_of(content: Any, setting: str) -> dict[str, Tensor]:
    """The tensors of what a file holds; see ``read_state``."""
    if not isinstance(content, Mapping):
        raise setting_error(setting, f"{kind(content)}, and no tensors by name", EXPECTED, ADVICE)
    entries = {name: value for name, value in content.items() if name != "_metadata"}
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise no_tensor(name, value, setting)
        known = value.dtype in FLOATS or counts(name)
        if value.layout is not torch.strided or value.is_meta or not known:
            odd = "without values" if value.is_meta else f"of {value.dtype}".replace("torch.", "")
            odd = odd if value.layout is torch.strided else "that is sparse"
            raise setting_error(
                setting, f"a weight {name} {odd}", "floating-point numbers, each with its value",
                "Give weights as training wrote them, before any compression.",
            )  # fmt: skip
        if not value.isfinite().all():
            raise setting_error(
                setting, f"a weight {name} that is NaN or infinite", "finite ones",
                "Give the file of an earlier epoch.",
            )  # fmt: skip
    if not entries:
        raise setting_error(setting, "a state dict without any tensor", EXPECTED, ADVICE)
    while prefix := next((p for p in PREFIXES if all(n.startswith(p) for n in entries)), ""):
        entries = {name.removeprefix(prefix): value for name, value in entries.items()}
    plain = {name: value.detach() for name, value in entries.items()}
    return {name: v if counts(name) else v.float().contiguous() for name, v in plain.items()}


def no_tensor(name: Any, value: Any, setting: str) -> SettingError:
    """The error of an entry that is no tensor with a name."""
    if isinstance(value, Mapping) and any(isinstance(each, Tensor) for each in value.values()):
        return setting_error(
            setting, f"tensors one level down, in the entry {name!r:.60}", EXPECTED,
            f"Save that entry alone: torch.save(torch.load(FILE)[{name!r:.60}], NEW_FILE).",
        )  # fmt: skip
    return setting_error(setting, f"an entry {name!r:.60} that is {kind(value)}", EXPECTED, ADVICE)


def kind(value: Any) -> str:
    """What a value is, in words."""
    kinds = ((Tensor, "one tensor"), (Mapping, "a dictionary"), (list | tuple, "a list"),
             (str, "a text"), (bool, "true or false"), (int | float, "a number"))  # fmt: skip
    known = next((words for types, words in kinds if isinstance(value, types)), None)
    return known or ("nothing" if value is None else f"a value of type {type(value).__name__}")


def counts(name: str) -> bool:
    """Whether it is the name of a batch norm's counter, a whole number."""
    return name.endswith(f".{COUNTER}")
