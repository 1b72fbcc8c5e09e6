"""Numbers that mean nothing are refused by the option's name, before anything is made of them."""

import math
from typing import Any

import pytest

from i2i.config.numbers import require_numbers, require_optimizers
from i2i.errors import SettingError


def config(key: str, value: Any) -> dict[str, Any]:
    node: Any = value
    for part in reversed(key.split(".")):
        node = {part: node}
    return node


REFUSED = {
    "trainer.max_steps": [0, -2, 1.5, math.nan, math.inf, "abc", True],
    "trainer.max_epochs": [0, -2, 0.5, math.nan],
    "trainer.limit_train_batches": [0, 0.0, -1, -0.5, 1.5, math.nan, "half"],
    "trainer.limit_val_batches": [-1, -0.5, 1.5, math.nan],
    "trainer.limit_test_batches": [-1, math.nan],
    "trainer.log_every_n_steps": [0, -1],
    "trainer.check_val_every_n_epoch": [0, -5, 1.5],
    "trainer.devices": [0, -2, 0.5, True, "a", "0", "1,a", [], [-1], ["0"]],
    "trainer.num_nodes": [0],
    "callbacks.often.every_n_train_steps": [-1, 0.5],
    "optimizer.generator.lr": [-1e-4, math.nan, math.inf, "fast"],
    "optimizer.discriminator.weight_decay": [-1.0],
    "optimizer.generator.betas": [[0.5, math.nan]],
    "model.lambda_l1": [-1.0, math.nan, math.inf],
    "model.discriminator_weight": [-0.5],
    "model.ema_decay": [1.0, -0.1],
    "model.clip_g": [0, -1.0, math.nan],
    "model.n_critic": [0, 1.5],
    "reconstruction.ssim.weight": [-1, math.nan],
    "reconstruction.perceptual.layers.relu1_1": [-1],
    "gan_loss.r1": [-1.0],
    "scheduler.flat_fraction": [1.5, -0.1],
    "dataset.batch_size": [0, -4, 2.5],
    "dataset.num_workers": [-1],
    "generator.dropout": [math.nan],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in REFUSED.items() for value in values]
)
def test_numbers_that_mean_nothing(key: str, value: Any) -> None:
    with pytest.raises(SettingError) as caught:
        require_numbers(config(key, value))
    told = str(caught.value)
    assert told.startswith(f"{key}={value}: found ") and "; expected " in told
    assert told.endswith(f"Leave {key} out for its default.")


TAKEN = {
    "trainer.max_steps": [-1, 1, 1e4, None],
    "trainer.limit_train_batches": [1, 7, 0.01, 1.0],
    "trainer.limit_val_batches": [0, 0.0, 3, 1.0, None],
    "trainer.devices": ["auto", "-1", -1, [0, 1], 2, "2", "0,", "1,3", None],
    "trainer.num_sanity_val_steps": [0, 2, -1],
    "trainer.check_val_every_n_epoch": [None, 5],
    "optimizer.generator.lr": [0, 2e-4],
    "model.ema_decay": [None, 0.999, 0],
    "model.lambda_l1": [0, 100.0],
    "reconstruction.lpips.weights_file": [None, "/a/b"],
    "callbacks.pruning.pruner.upper": [math.inf],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in TAKEN.items() for value in values]
)
def test_numbers_that_mean_something(key: str, value: Any) -> None:
    require_numbers(config(key, value))


ADAM = {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-4}
LINEAR = {"_target_": "i2i.training.schedules.LinearDecay", "_partial_": True}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"betas": [0.5, 1.0]}, "Invalid beta parameter at index 1: 1.0"),
        ({"betas": [-0.5, 0.9]}, "Invalid beta parameter at index 0: -0.5"),
        ({"betas": [0.5]}, ""),
        ({"eps": -1.0}, "Invalid epsilon value: -1.0"),
    ],
    ids=str,
)
def test_what_an_optimizer_refuses_is_told_at_start(options: dict, told: str) -> None:
    good = {"optimizer": {"generator": ADAM, "discriminator": ADAM}, "scheduler": LINEAR}
    require_optimizers(good)
    good["optimizer"]["discriminator"] = ADAM | options
    with pytest.raises(SettingError) as caught:
        require_optimizers(good)
    assert str(caught.value).startswith("optimizer.discriminator: found values that it does not")
    assert told in str(caught.value)
