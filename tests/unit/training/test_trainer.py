"""The trainer that fits the machine, and two optimizers by hand."""

from types import SimpleNamespace
from typing import Any

import pytest
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from i2i.cluster.strategy import PlayersDDP
from i2i.errors import SettingError
from i2i.training import trainer as module
from i2i.training.trainer import build_trainer

QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}


def made(calls: list[dict[str, Any]], options: dict[str, Any]) -> Any:
    calls.append(options)
    return SimpleNamespace(_signal_connector=SimpleNamespace())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Lightning is asked for, without asking it."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "Trainer", lambda **options: made(calls, options))
    return calls


def test_one_cpu_process() -> None:
    trainer = build_trainer(accelerator="cpu", devices=1, max_steps=3, **QUIET)
    assert isinstance(trainer.strategy, SingleDeviceStrategy)
    assert (trainer.num_devices, trainer.max_steps) == (1, 3)
    assert trainer._accelerator_connector.use_distributed_sampler is False


@pytest.mark.parametrize(
    ("strategy", "devices"), [("auto", 2), ("ddp", 2), ("ddp", 1), ("ddp", "auto")]
)
def test_several_processes_get_ddp_for_two_players(strategy: str, devices: Any) -> None:
    """The model averages each player's gradients itself, and sends the buffers."""
    trainer = build_trainer(accelerator="cpu", devices=devices, strategy=strategy, **QUIET)
    assert type(trainer.strategy) is PlayersDDP
    assert trainer.num_devices == (1 if devices == 1 else 2)


@pytest.mark.parametrize(
    ("devices", "nodes", "n_gpus", "strategy", "distributed", "sync"),
    [
        ("auto", 1, 4, "auto", True, True),
        ("auto", 1, 1, "auto", False, False),
        (1, 1, 4, "auto", False, False),
        (1, 1, 4, "ddp", True, False),
        (1, 2, 1, "auto", True, True),
        ([0, 1], 1, 4, "auto", True, True),
    ],
)
def test_gpus_get_ddp_and_synchronised_batch_norm_where_there_are_several(
    gpus: Any, asked: list[dict], devices: Any, nodes: int, n_gpus: int, strategy: str,
    distributed: bool, sync: bool,
) -> None:  # fmt: skip
    gpus(n_gpus)
    build_trainer("auto", devices, strategy, num_nodes=nodes, precision="bf16-mixed")
    (options,) = asked
    assert options["accelerator"] == "gpu"
    assert options["devices"] == (n_gpus if devices == "auto" else devices)
    assert isinstance(options["strategy"], DDPStrategy) is distributed
    assert options["sync_batchnorm"] is sync
    assert (options["precision"], options["num_nodes"]) == ("bf16-mixed", nodes)


def test_synchronised_batch_norm_can_be_refused(gpus: Any, asked: list[dict]) -> None:
    gpus(2)
    build_trainer("gpu", 2, sync_batchnorm=False)
    assert asked[0]["sync_batchnorm"] is False


def test_a_run_on_cpu_processes_says_what_batch_norm_does(
    asked: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(module, "say", said.append)
    build_trainer("cpu", 1)
    assert said == []
    build_trainer("cpu", 2)
    assert len(said) == 1 and "SyncBatchNorm" in said[0] and "process's own images" in said[0]
    assert [options["sync_batchnorm"] for options in asked] == [False, False]


def test_another_strategy_is_passed_on(asked: list[dict]) -> None:
    own = SimpleNamespace(name="mine")
    for strategy in ("ddp_spawn", own):
        build_trainer("cpu", 1, strategy)
    assert [options["strategy"] for options in asked] == ["ddp_spawn", own]


def test_weights_stay_in_float32(asked: list[dict]) -> None:
    """Also in evaluation, which builds a trainer but no configuration of a training run."""
    with pytest.raises(SettingError, match=r"trainer\.precision=bf16-true: found weights"):
        build_trainer("cpu", 1, precision="bf16-true")
    assert asked == []
