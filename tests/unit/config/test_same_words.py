"""Options that commands have in other places are taken by either word."""

import pytest

from i2i.config.same_words import in_own_words

OWN = {"config": "trainer.accelerator", "evaluate": "trainer.accelerator",
       "translate": "accelerator", "sample": "accelerator"}  # fmt: skip


@pytest.mark.parametrize("typed", ["accelerator", "trainer.accelerator"])
@pytest.mark.parametrize(("command", "own"), OWN.items(), ids=OWN)
def test_each_command_takes_both_words(command: str, own: str, typed: str) -> None:
    assert in_own_words(["seed=1", f"{typed}=cpu"], command) == ["seed=1", f"{own}=cpu"]


def test_what_no_command_calls_otherwise_stays() -> None:
    options = ["trainer=cpu", "trainer.devices=2", "--cfg=job", "model.accelerator=x", "tile=3"]
    assert in_own_words(options, "evaluate") == options
    assert in_own_words(["accelerator=cpu"], "compare") == ["accelerator=cpu"]
