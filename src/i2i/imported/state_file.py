"""A state dict out of a file of torch.save: tensors by name, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.files.weights import load_safely

EXPECTED = "the state dict of one network of pytorch-CycleGAN-and-pix2pix"
TODO = "Give a file that its training wrote, such as latest_net_G.pth, or one of its releases."
PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before each name
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
        found = "a folder" if file.is_dir() else "no such file"
        raise setting_error(setting, found, EXPECTED, TODO)
    content = load_safely(file, setting, EXPECTED, TODO)
    if is_checkpoint(content):
        raise setting_error(
            setting, "a checkpoint of i2i itself", EXPECTED,
            f"It needs no import: checkpoint={file}, or init_from={file}",
        )  # fmt: skip
    return state_of(content, setting)


def is_checkpoint(content: Any) -> bool:
    """Whether what a file holds is one of this package's own checkpoints."""
    return isinstance(content, Mapping) and isinstance(content.get("i2i"), Mapping)


FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def state_of(content: Any, setting: str) -> dict[str, Tensor]:
    """The tensors of what a file holds; see ``read_state``."""
    if not isinstance(content, Mapping):
        raise setting_error(setting, f"a saved {type(content).__name__}", EXPECTED, TODO)
    entries = {name: value for name, value in content.items() if name != "_metadata"}
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            kind = type(value).__name__
            raise setting_error(setting, f"an entry {name!r} that is a {kind}", EXPECTED, TODO)
        known = value.dtype in FLOATS or counts(name)
        if value.layout is not torch.strided or value.is_meta or not known:
            kind = f"{value.layout}, {value.dtype}" + (", without values" if value.is_meta else "")
            raise setting_error(
                setting, f"a weight {name} of another kind ({kind})", EXPECTED, TODO
            )
        if not value.isfinite().all():
            raise setting_error(
                setting, f"a weight {name} that is NaN or infinite", "finite ones",
                "Give the file of an earlier epoch.",
            )  # fmt: skip
    if not entries:
        raise setting_error(setting, "a state dict without any tensor", EXPECTED, TODO)
    while prefix := next((p for p in PREFIXES if all(n.startswith(p) for n in entries)), ""):
        entries = {name.removeprefix(prefix): value for name, value in entries.items()}
    plain = {name: value.detach() for name, value in entries.items()}
    return {name: v if counts(name) else v.float().contiguous() for name, v in plain.items()}


def counts(name: str) -> bool:
    """Whether it is the name of a batch norm's counter, a whole number."""
    return name.endswith(f".{COUNTER}")
