"""How many devices and processes a trainer's settings mean."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from i2i.cluster.devices import (
    count_devices,
    number_of,
    processes_of,
    resolve_accelerator,
    torch_device,
)
from i2i.errors import SettingError
from i2i.training import trainer as module


@pytest.fixture(autouse=True)
def no_apple(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where these tests run on one."""
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)


@pytest.fixture
def apple(gpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the machine seem to be a Mac with a GPU."""
    gpus(0)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)


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


@pytest.mark.parametrize("accelerator", ["auto", "gpu", "mps"])
def test_a_mac_has_one_gpu(apple: None, accelerator: str) -> None:
    assert resolve_accelerator(accelerator) == "mps"
    assert count_devices("auto", "mps", "auto") == 1
    assert processes_of({"accelerator": accelerator, "devices": "auto"}) == 1
    assert torch_device(resolve_accelerator(accelerator)).type == "mps"


def test_several_processes_on_a_mac_are_those_of_the_cpu(apple: None) -> None:
    assert resolve_accelerator("auto", "ddp") == resolve_accelerator("auto", "auto", 2) == "cpu"
    assert processes_of({"accelerator": "auto", "devices": "auto", "strategy": "ddp"}) == 2
    assert processes_of({"accelerator": "auto", "devices": 3, "strategy": "auto"}) == 3
    for accelerator in ("gpu", "mps"):
        for strategy, devices in (("ddp", "auto"), ("auto", 2)):
            asked = rf"trainer\.accelerator={accelerator}: found Apple's.*={strategy} .*={devices};"
            with pytest.raises(SettingError, match=asked):
                resolve_accelerator(accelerator, strategy, devices)


def test_a_mac_has_no_cuda_and_others_no_mps(apple: None, monkeypatch: Any, gpus: Any) -> None:
    with pytest.raises(SettingError, match=r"accelerator=cuda: found no CUDA device"):
        resolve_accelerator("cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    gpus(1)
    assert resolve_accelerator("auto") == "gpu"
    with pytest.raises(SettingError, match=r"accelerator=mps: found no GPU of Apple's"):
        resolve_accelerator("mps")


@pytest.mark.parametrize(("name", "device"), [("gpu", "cuda"), ("cuda", "cuda"), ("cpu", "cpu")])
def test_the_device_of_an_accelerator(name: str, device: str) -> None:
    assert torch_device(name).type == device


@pytest.mark.parametrize("precision", [None, "32-true", 32, "bf16-mixed", "16-mixed"])
def test_apples_gpu_trains_in_float32(
    apple: None, monkeypatch: pytest.MonkeyPatch, precision: Any
) -> None:
    asked: list[dict] = []
    monkeypatch.setattr(module, "Trainer", lambda **options: asked.append(options))
    monkeypatch.setattr(module, "leave_signals_to_us", lambda trainer: None)
    if precision in (None, "32-true", 32):
        module.build_trainer(precision=precision)
        (options,) = asked
        assert (options["accelerator"], options["devices"]) == ("mps", 1)
        assert (options["strategy"], options["sync_batchnorm"]) == ("auto", False)
        return
    with pytest.raises(SettingError, match=rf"precision={precision}: found Apple's GPU.*32-true"):
        module.build_trainer(precision=precision)
