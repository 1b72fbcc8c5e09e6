"""How many devices and processes a trainer's settings mean."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from i2i.cluster.devices import count_devices, number_of, processes_of, resolve_accelerator
from i2i.errors import SettingError


def test_auto_takes_what_the_machine_has(gpus: Any) -> None:
    gpus(1)
    assert resolve_accelerator("auto") == "gpu"
    assert resolve_accelerator("cpu") == "cpu"
    gpus(0)
    assert resolve_accelerator("auto") == "cpu"


@pytest.mark.parametrize("accelerator", ["gpu", "cuda"])
def test_a_gpu_that_is_not_there_is_an_error(gpus: Any, accelerator: str) -> None:
    gpus(2)
    assert resolve_accelerator(accelerator) == accelerator
    gpus(0)
    with pytest.raises(SettingError, match=rf"trainer\.accelerator={accelerator}.*no CUDA device"):
        resolve_accelerator(accelerator)


@pytest.mark.parametrize("devices", ["auto", -1, "-1"])
def test_all_devices_of_a_kind(gpus: Any, devices: Any) -> None:
    gpus(3)
    assert count_devices(devices, "gpu", "auto") == 3
    assert count_devices(devices, "cpu", "auto") == 1
    assert count_devices(devices, "cpu", "ddp") == 2


@pytest.mark.parametrize("devices", [1, 4, [0, 2], "0,1", "2"])
def test_devices_that_were_named_stay(devices: Any) -> None:
    assert count_devices(devices, "gpu", "ddp") == devices


@pytest.mark.parametrize(
    ("devices", "n"),
    [(1, 1), (4, 4), ("2", 2), ("0,3", 2), ("1,", 1), ([0, 2, 5], 3), (OmegaConf.create([1]), 1)],
    ids=str,
)
def test_how_many_devices_a_value_names(devices: Any, n: int) -> None:
    assert number_of(devices) == n


@pytest.mark.parametrize(
    ("trainer", "n_gpus", "n"),
    [
        ({"accelerator": "cpu", "devices": 1}, 0, 1),
        ({"accelerator": "auto", "devices": "auto", "strategy": "ddp", "num_nodes": 1}, 0, 2),
        ({"accelerator": "auto", "devices": "auto", "strategy": "auto", "num_nodes": 3}, 4, 12),
        ({"accelerator": "gpu", "devices": [0, 2], "strategy": "ddp", "num_nodes": 2}, 4, 4),
    ],
)
def test_processes_on_all_machines(gpus: Any, trainer: dict, n_gpus: int, n: int) -> None:
    gpus(n_gpus)
    assert processes_of(trainer) == n
