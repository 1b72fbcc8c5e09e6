"""``python src/demo.py``: its options, and that it asks for Gradio in words."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from i2i.commands.demo import with_checkpoints
from i2i.demo.serving import QUIET, require_gradio
from i2i.errors import SettingError

Command = Callable[..., int]


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """What keeps Gradio quiet is not for the tests after this one."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_several_checkpoints_become_one_option_and_the_others() -> None:
    assert with_checkpoints(["checkpoint=a", "port=1"]) == ["checkpoint=a", "port=1"]
    three = with_checkpoints(["checkpoint=a b", "port=1", "checkpoint=c", "checkpoint=d e"])
    assert three == ["port=1", "checkpoint=a b", "beside=['c','d e']"]
    assert with_checkpoints(["checkpoint=[a,b]"]) == ["checkpoint=a", "beside=['b']"]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("port=0", "port=0: found 0; expected a number from 1 to 65535, or null."),
        ("port=http", "port=http: found 'http'"),
        ("host=null", "host=None: found None; expected an address of this machine."),
        ("host=999.1.1.1", "host=999.1.1.1: found no way to listen there ("),
        ("host=192.0.2.7", "host=192.0.2.7: found no way to listen there ("),
        ("share=often", "share=often"),
        (
            "max_megapixels=0",
            "max_megapixels=0: found 0; expected millions of pixels, up to 1,073.7"
            ". Leave max_megapixels out for the default.",
        ),
        ("shrink_above=-1", "shrink_above=-1"),
        ("accelerator=abacus", "abacus"),
        ("samples=3", "samples"),
        ("checkpoint=nowhere", "checkpoint=nowhere: found nothing there"),
    ],
)
def test_an_option_without_sense_is_refused(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, words: str
) -> None:
    pytest.importorskip("gradio")
    (tmp_path / "run").mkdir()
    typed = [option] if option.startswith("checkpoint") else ["checkpoint=run", option]
    assert command("demo", *typed) == 1
    assert words in capsys.readouterr().err


def test_a_missing_checkpoint_is_told(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("demo") == 1
    assert "checkpoint: found no value" in capsys.readouterr().err


def test_without_gradio_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QUIET:
        monkeypatch.setenv(name, "")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(SettingError, match=r"no Gradio.*extra demo.*pip install 'i2i\[demo\]'"):
        require_gradio()
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert os.environ["HF_HUB_OFFLINE"] == "1"
