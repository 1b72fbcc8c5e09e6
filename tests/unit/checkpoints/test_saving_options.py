"""A run saves what it is resumed and scored from, where those look for it."""

from typing import Any

import pytest
import yaml

from conftest import CONF
from i2i.config.checks import FILES, validate_saving
from i2i.errors import SettingError


def saving(**changes: dict) -> dict[str, Any]:
    """The part of a configuration that says where checkpoints are written."""
    presets = yaml.safe_load((CONF / "callbacks" / "default.yaml").read_text())
    nodes = {name: presets[name] | {"dirpath": "/r/checkpoints"} for name in FILES}
    for name, values in changes.items():
        nodes[name] = values and nodes[name] | values
    return {"run_dir": "/r", "callbacks": nodes}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("last", "filename", "x"), ("last", "dirpath", "/e"), ("last", "save_last", True),
        ("last", "save_top_k", 0), ("last", "save_weights_only", True), ("often", "filename", "x"),
        ("last", "monitor", "val/l1"), ("last", "enable_version_counter", True),
        ("best", "filename", "{step}"), ("best", "dirpath", None), ("best", "save_top_k", 3),
        ("best", "save_last", "link"), ("best", "save_weights_only", True),
    ],
)  # fmt: skip
def test_what_resuming_looks_for_is_saved_as_it_is(name: str, option: str, value: Any) -> None:
    validate_saving(saving())
    with pytest.raises(SettingError) as caught:
        validate_saving(saving(**{name: {option: value}}))
    kept = "best" if name == "best" else "last"
    told = f"callbacks.{name}.{option}={value}: found another way to save {kept}.ckpt; expected "
    assert str(caught.value).startswith(told)
    assert f"Leave callbacks.{name}.{option} out." in str(caught.value)


def test_what_a_run_may_save_otherwise() -> None:
    validate_saving(saving(best=None, often=None))
    validate_saving(saving(best={"monitor": "val/l1", "mode": "min", "save_last": False}))
    validate_saving(saving(last={"every_n_epochs": 3}, often={"every_n_train_steps": 9}))
    with pytest.raises(SettingError, match=r"^callbacks\.last: found none; expected the checkpoin"):
        validate_saving(saving(last=None))
    without = saving()
    del without["callbacks"]["best"]["filename"]  # Lightning then makes one of epoch and step
    with pytest.raises(SettingError, match=r"^callbacks\.best\.filename=None: found another way"):
        validate_saving(without)
