"""How many devices, and with them processes, the settings of a trainer mean on this machine."""

from collections.abc import Mapping
from typing import Any

import torch

from i2i.errors import setting_error


def resolve_accelerator(accelerator: str) -> str:
    """What ``auto`` means here: gpu where CUDA answers, else cpu."""
    if accelerator == "auto":
        return "gpu" if torch.cuda.is_available() else "cpu"
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise setting_error(
            f"trainer.accelerator={accelerator}", "no CUDA device", "at least one",
            "Use trainer=cpu, or trainer=auto to take what the machine has.",
        )  # fmt: skip
    return accelerator


def count_devices(devices: Any, accelerator: str, strategy: str) -> Any:
    """What ``devices=auto`` means: all GPUs; one CPU process, or two under ddp."""
    if devices not in ("auto", -1, "-1"):
        return devices
    if accelerator == "cpu":
        return 2 if strategy == "ddp" else 1
    return torch.cuda.device_count() if accelerator in ("gpu", "cuda") else 1


def number_of(devices: Any) -> int:
    """How many devices a Lightning ``devices`` value names."""
    if isinstance(devices, int):
        return devices
    if isinstance(devices, str) and devices in ("auto", "-1"):
        return max(torch.cuda.device_count(), 1)
    if isinstance(devices, str):
        return int(devices) if devices.isdigit() else len(devices.strip(",").split(","))
    return len(devices)


def processes_of(trainer: Mapping[str, Any]) -> int:
    """How many processes a trainer's node asks for, on all of its machines together.

    Args:
        trainer: The resolved node, with ``accelerator``, ``devices``, ``strategy`` and
            ``num_nodes``.
    """
    accelerator = resolve_accelerator(trainer["accelerator"])
    strategy = str(trainer.get("strategy", "auto"))
    devices = count_devices(trainer.get("devices", 1), accelerator, strategy)
    return number_of(devices) * int(trainer.get("num_nodes") or 1)
