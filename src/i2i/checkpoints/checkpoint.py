"""The configuration that a checkpoint carries, and the checks that it does no harm."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.checkpoints.allowed_classes import OURS, allowed_types, check_targets
from i2i.checkpoints.training_state import OF_LIGHTNING, whole_epochs, without_values
from i2i.errors import SettingError, setting_error

BUILT_FROM_FILE = ("model", "generator", "dataset", "metrics")
NOTED = ("processes", "training_images", "own_states", "translates", "absent")
_THEIRS = (
    "Weights of pytorch-CycleGAN-and-pix2pix are taken over by src/import_weights.py file=FILE."
)


@dataclass
class Checkpoint:
    """What a training run saved.

    Attributes:
        path: The file.
        config: The resolved configuration of the run, plain values.
        weights: The model's state dict.
        step: Generator steps.
        processes: How many trained it, each on a batch of its own.
        training_images: Which they are, as ``PairList.fingerprint`` says it; empty if not noted.
        epochs: Whole ones.
        written: When the file was, in nanoseconds.
        training: What Lightning kept, its tensors without their values; see ``training_state``.
        own_states: What each process kept of its own images, not looked at; see ``training.game``.
        translates: What it translates with, not looked at; see ``inference.description``.
        absent: Networks whose weights it does not hold, such as ``discriminator``, where weights
            were imported; None of a training, which has all.
    """

    path: Path
    config: dict[str, Any]
    weights: dict[str, Any]
    step: int
    processes: int = 1
    training_images: str = ""
    epochs: int = 0
    written: int = 0
    training: dict[str, Any] = field(default_factory=dict)
    own_states: Any = None
    translates: Any = None
    absent: Sequence[str] | None = None

    def lacks(self, name: str) -> bool:
        """Whether a weight is one of a network that is absent."""
        return name.startswith(tuple(f"{network}." for network in self.absent or ()))


def checkpoint_file(path: str | Path, key: str = "checkpoint") -> Path:
    """The checkpoint that a path names: a file, or the best (else the last) one of a run folder.

    Args:
        path: What was typed.
        key: The option that it was typed for.

    Raises:
        SettingError: There is none.
    """
    path = Path(path).expanduser()
    if path.is_file():
        return path
    candidates = [path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if (path / "model.safetensors").is_file():
        raise setting_error(
            f"{key}={path}", "exported weights alone", "a .ckpt file or the folder of a run",
            "Name the run that was exported: the folder lacks what training and scoring need.",
        )  # fmt: skip
    found = "a folder without checkpoints/best.ckpt and last.ckpt" if path.is_dir() else "nothing"
    raise setting_error(
        f"{key}={path}", f"{found} there", "a .ckpt file or the folder of a run",
        "Training writes them to RUN_DIR/checkpoints.",
    )  # fmt: skip


def read_checkpoint(
    path: str | Path, key: str = "checkpoint", built: Sequence[str] = BUILT_FROM_FILE
) -> Checkpoint:
    """Reads a checkpoint without running anything that stands in it.

    Args:
        path: A file or a run folder.
        key: The option that named it, for errors.
        built: The parts of its configuration that are to be made: they may name our classes only.

    Returns:
        Configuration, weights and step.

    Raises:
        SettingError: The file is none of ours, is damaged, or names classes that it may not name.
    """
    file = checkpoint_file(path, key)
    try:
        return checked(file, key, built)
    except SettingError as error:
        if (other := whole_neighbour(file, key, built)) is None:
            raise
        raise SettingError(
            f"{error} Beside it {key}={other.path} is whole (step {other.step})."
        ) from error


def whole_neighbour(
    file: Path, key: str, built: Sequence[str] = BUILT_FROM_FILE
) -> Checkpoint | None:
    """The best or last checkpoint in the same folder, where it can be used and is another one."""
    for name in ("last.ckpt", "best.ckpt"):
        other = file.with_name(name)
        if other.name != file.name and other.is_file():
            try:
                return checked(other, key, built)
            except SettingError:
                continue
    return None


def checked(file: Path, key: str, built: Sequence[str] = BUILT_FROM_FILE) -> Checkpoint:
    """Reads one file; see ``read_checkpoint``."""
    setting = f"{key}={file}"
    from i2i.files.weights import load_safely  # imports torch

    written = file.stat().st_mtime_ns
    content = load_safely(file, setting, "a checkpoint of i2i", OURS)
    if not isinstance(content, dict) or not isinstance(content.get("i2i"), dict):
        kind = "a checkpoint of something else" if isinstance(content, dict) else "other data"
        raise setting_error(
            setting, f"{kind}, without the configuration of a run", "a checkpoint of i2i",
            f"{OURS} {_THEIRS}" if isinstance(content, dict) else OURS,
        )  # fmt: skip
    config = content["i2i"].get("config")
    config = config if isinstance(config, dict) else {}
    missing = [part for part in BUILT_FROM_FILE if not isinstance(config.get(part), dict)]
    missing += [part for part in ("state_dict", "global_step") if part not in content]
    if missing:
        raise setting_error(
            setting, f"a checkpoint without {', '.join(missing)}", "a whole one",
            "Use another checkpoint of the run.",
        )  # fmt: skip
    for part in built:
        check_targets(config[part], f"{setting} ({part})", allowed_types(part))
    require_types(content, setting)
    noted = {key: content["i2i"][key] for key in NOTED if key in content["i2i"]}
    noted |= {"written": written, "epochs": whole_epochs(content)}
    noted["training"] = {key: without_values(content.get(key)) for key in OF_LIGHTNING}
    return Checkpoint(file, config, content["state_dict"], content["global_step"], **noted)


def require_types(content: dict[str, Any], setting: str) -> None:
    """Refuses weights and counts that are none.

    Raises:
        SettingError: There is one.
    """
    import torch
    from torch import Tensor

    weights, noted = content["state_dict"], content["i2i"]
    counts = {"global_step": content["global_step"]}
    counts |= {key: noted.get(key, 0) for key in ("processes", "batches_seen", "images_seen")}
    odd = [key for key, n in counts.items() if type(n) is not int or not 0 <= n < 2**63]
    absent = noted.get("absent", [])
    if not isinstance(absent, list) or not all(isinstance(name, str) and name for name in absent):
        odd.append("absent")
    if not isinstance(noted.get("training_images", ""), str):
        odd.append("training_images")
    if not isinstance(weights, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) and value.layout is torch.strided
        for name, value in weights.items()
    ):
        odd.append("state_dict")
    if odd:
        raise setting_error(
            setting, f"other values than a run writes ({', '.join(odd)})", "weights and counts",
            OURS,
        )  # fmt: skip


def same_weights(model: Any, checkpoint: Checkpoint, setting: str) -> None:
    """Checks that a checkpoint's weights fit a model, before they are loaded.

    Raises:
        SettingError: Names or shapes differ, beside those of networks that are absent; or numbers
            of another type would be cast.
    """
    from i2i.files.weights import OF_WEIGHTS, UNCOMPRESSED, odd_type  # imports torch

    state = {n: v for n, v in model.state_dict().items() if not checkpoint.lacks(n)}
    mine = {name: tuple(value.shape) for name, value in state.items()}
    its = {name: tuple(value.shape) for name, value in checkpoint.weights.items()}
    differing = sorted(n for n in mine.keys() | its.keys() if mine.get(n) != its.get(n))
    if differing:
        name = differing[0]
        raise setting_error(
            setting, f"weights of another architecture ({len(differing)} differ; {name} is "
            f"{its.get(name, 'absent')} in the file)",
            f"{mine.get(name, 'no such weight')} for {name}, as the options ask",
            "Leave out the network options that differ from the run's config.yaml.",
        )  # fmt: skip
    for name, value in state.items():
        if odd := odd_type(checkpoint.weights[name], whole=not value.is_floating_point()):
            raise setting_error(setting, f"a weight {name} {odd}", OF_WEIGHTS, UNCOMPRESSED)
