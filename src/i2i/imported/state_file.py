"""A state dict out of a file: tensors by name, and nothing else."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from i2i.errors import SettingError, setting_error
from i2i.files.safetensors_file import SUFFIX, read_safetensors, safetensors_file
from i2i.files.weights import OF_WEIGHTS, UNCOMPRESSED, is_finite, load_safely, odd_type

EXPECTED = "the state dict of one network of pytorch-CycleGAN-and-pix2pix"
ADVICE = (
    "Give a file that its training wrote, such as latest_net_G.pth of a generator or "
    "latest_net_D.pth of a discriminator, or one of its releases."
)
PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before each name
STATE_DICTS = (".pth", ".pt", SUFFIX)
COUNTER = "num_batches_tracked"


def read_state(file: Path, setting: str) -> dict[str, Tensor]:
    """The tensors of a state dict, on the CPU, as float32.

    Args:
        file: Of torch.save, of any age, or of safetensors, or a folder with ``model.safetensors``.
        setting: What it is called in errors.

    Returns:
        They, by name, without the prefixes of DataParallel and torch.compile.

    Raises:
        SettingError: There is no such file, it cannot be loaded as tensors alone, or it holds
            something else, or numbers that are NaN or infinite.
    """
    content = read_content(file, setting)
    if is_checkpoint(content):
        raise setting_error(
            setting, "a checkpoint of i2i itself", EXPECTED,
            f"It needs no import: checkpoint={file}, or init_from={file}",
        )  # fmt: skip
    return state_of(content, setting)


def read_content(path: Path, setting: str) -> Any:
    """What a file holds, which is to be looked at; see ``read_state``."""
    if (tensors := safetensors_file(path)) is not None:
        return read_safetensors(tensors, setting)
    if not path.is_file():
        raise absent(path, setting)
    return load_safely(path, setting, EXPECTED, ADVICE)


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


def state_of(content: Any, setting: str, whole: Container[str] = ()) -> dict[str, Tensor]:
    """The tensors of what a file holds; see ``read_state``.

    Args:
        content: What it holds.
        setting: What it is called in errors.
        whole: Names of tensors of whole numbers, beside the counters of batch norms.
    """
    if not isinstance(content, Mapping):
        raise setting_error(setting, f"{kind(content)}, and no tensors by name", EXPECTED, ADVICE)
    state = {name: value for name, value in content.items() if name != "_metadata"}
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise no_tensor(name, value, setting)
    if not state:
        raise setting_error(setting, "a state dict without any tensor", EXPECTED, ADVICE)
    while prefix := next((p for p in PREFIXES if all(n.startswith(p) for n in state)), ""):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    found = {}
    for name, value in state.items():
        counted = counts(name) or name in whole
        if odd := odd_type(value, counted):
            raise setting_error(setting, f"a weight {name} {odd}", OF_WEIGHTS, UNCOMPRESSED)
        if not is_finite(value):
            raise setting_error(
                setting, f"a weight {name} that is NaN or infinite", "finite ones",
                "Give the file of an earlier epoch.",
            )  # fmt: skip
        found[name] = value.detach() if counted else value.detach().float().contiguous()
    return found


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
