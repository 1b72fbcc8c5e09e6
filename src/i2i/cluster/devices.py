"""How many devices, and with them processes, the settings of a trainer mean on this machine."""

from collections.abc import Mapping
from typing import Any

import torch

from i2i.errors import setting_error


def has_mps() -> bool:
    """Whether Apple's GPU answers."""
    return torch.backends.mps.is_available()


def resolve_accelerator(accelerator: str, strategy: str = "auto", devices: Any = "auto") -> str:
    """What ``auto`` and ``gpu`` mean here: gpu where CUDA answers, mps on a Mac, else cpu.

    Apple's GPU works alone: several processes are those of the CPU.

    Args:
        accelerator: ``trainer.accelerator``: auto, gpu, cuda, mps or cpu.
        strategy: ``trainer.strategy``.
        devices: ``trainer.devices``.

    Raises:
        SettingError: There is no such device, or several processes are to share Apple's.
    """
    if accelerator not in ("auto", "cpu", "gpu", "cuda", "mps"):
        raise setting_error(
            f"trainer.accelerator={accelerator}", repr(accelerator), "auto, cpu, gpu or mps",
            "Use trainer=auto to take what the machine has.",
        )  # fmt: skip
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "gpu" if accelerator == "auto" else accelerator
    several = strategy == "ddp" or (devices not in ("auto", -1, "-1") and number_of(devices) > 1)
    if accelerator == "auto":
        return "mps" if has_mps() and not several else "cpu"
    if accelerator in ("gpu", "mps") and has_mps():
        if several:
            raise setting_error(
                f"trainer.accelerator={accelerator}",
                f"Apple's GPU, with trainer.strategy={strategy} trainer.devices={devices}",
                "one process, which is what it takes",
                "Use trainer=auto trainer.devices=1, or several processes of the CPU: trainer=ddp.",
            )  # fmt: skip
        return "mps"
    if accelerator in ("gpu", "cuda", "mps"):
        raise setting_error(
            f"trainer.accelerator={accelerator}",
            "no GPU of Apple's" if accelerator == "mps" else "no CUDA device", "at least one",
            "Use trainer=cpu, or trainer=auto to take what the machine has.",
        )  # fmt: skip
    return accelerator


def torch_device(accelerator: str) -> torch.device:
    """The device of one process on a resolved accelerator."""
    return torch.device("cuda" if accelerator == "gpu" else accelerator)


def check_mps_precision(accelerator: str, precision: Any) -> None:
    """Refuses mixed precision on Apple's GPU, where nobody has shown that a step survives it.

    Args:
        accelerator: A resolved one.
        precision: ``trainer.precision``.

    Raises:
        SettingError: It is another than float32.
    """
    if accelerator == "mps" and str(precision) not in ("None", "32", "32-true"):
        raise setting_error(
            f"trainer.precision={precision}", "Apple's GPU, on which it has not been tried",
            "float32", "Use trainer.precision=32-true, or trainer=cpu.",
        )  # fmt: skip


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
    strategy, devices = str(trainer.get("strategy", "auto")), trainer.get("devices", 1)
    accelerator = resolve_accelerator(trainer["accelerator"], strategy, devices)
    devices = count_devices(devices, accelerator, strategy)
    return number_of(devices) * int(trainer.get("num_nodes") or 1)
