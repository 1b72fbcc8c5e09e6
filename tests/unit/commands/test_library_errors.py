"""What libraries say no to has four parts, and the option at fault is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException, InstantiationException
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf

from conftest import TINY_UNET
from i2i.commands.library_errors import of_a_library


def raised(call: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def build(node: dict) -> Exception:
    from hydra.utils import instantiate

    return raised(lambda: instantiate(OmegaConf.create({"a": node}).a))


SAVER = "lightning.pytorch.callbacks.ModelCheckpoint"
ERRORS = {
    "a part": (build({"_target_": SAVER, "every_n_train_steps": -1}),
               "a: found values that do not work together: Invalid value for every_n_train_steps="),
    "no option": (raised(lambda: OmegaConf.create({"b": {"c": "/x/${y}"}}).b.c),
                  "b.c: found ${y}, and no option y; expected the name of one between ${ and }."),
    "no value": (raised(lambda: OmegaConf.create({"a": "???"}).a), "a: found what cannot be read:"),
    "Lightning": (MisconfigurationException("0.01 * 8 < 1\nTry more"),
                  "trainer, callbacks: found options that do not work together: 0.01 * 8 < 1; exp"),
    "a cut option": (ConfigCompositionException("Error merging override label=${x\nno way at $"),
                     "label=${x: found what cannot be read: no way at $; expected a value that"),
    "a quoted error": (InstantiationException(
        "Error in call to target 'a.B':\nE('x\\n    full_key: c.d\\n    y')"),
                       "c.d: found values that do not work together: E('x"),
    "no cause": (InstantiationException("Error in call to target 'a.B':\nE('x')\nfull_key: c.d"),
                 "c.d: found values that do not work together: E('x'); expected what B takes. Cor"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_of_a_library_has_four_parts(kind: str) -> None:
    error, told = ERRORS[kind]
    text = of_a_library(error)
    assert text.startswith(told) and "; expected " in text and "\n" not in text


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("trainer.limit_train_batches=0.1", "trainer.limit_train_batches=0.1: found no whole batc"),
        ("+trainer.overfit_batches=0.1", "trainer.overfit_batches=0.1: found no whole batch of th"),
        ("+trainer.val_check_interval=9", "trainer.val_check_interval=9: found more than the 8 ba"),
        ("+trainer.max_time=1", "trainer.max_time=1: found 1; expected days, hours, minutes and s"),
        ("+trainer.min_steps=5", "trainer.min_steps=5: found more than trainer.max_steps=1; expec"),
        ("trainer.devices=a", "trainer.devices=a: found 'a'; expected a whole number above 0, -1"),
        ("dataset.val_from_train=foo", "dataset.val_from_train=foo: found 'foo'; expected a numbe"),
        ("metrics.cache_gb=foo", "metrics.cache_gb=foo: found 'foo'; expected a number, such as"),
        ("dataset.root=/a/${x}", "options: found ${x}, and no option x; expected the name of one"),
        ("--config-name=evaluate", "--config-name=evaluate: found another configuration than that"),
    ],
)  # fmt: skip
def test_nothing_is_written_before_it_is_told(
    tiny: list[str], command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture,
    option: str, told: str,
) -> None:  # fmt: skip
    options = [*tiny, *TINY_UNET, "trainer.max_steps=1", f"hydra.run.dir={tmp_path}/new", option]
    assert command("train", *options) == 1
    assert capsys.readouterr().err.strip().startswith(told)
    assert not [*tmp_path.rglob("*.yaml")]
