"""export.py: what cannot be exported, or would make other pictures, is refused and not written."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from conftest import TINY_UNET, Run
from i2i.sharing import onnx_file

Command = Callable[..., int]
ONE_STEP = ["trainer.max_steps=1", "baselines=false"]
UNET = [*TINY_UNET, *ONE_STEP]


@pytest.fixture(scope="module")
def pix2pix(train_once: Run) -> Path:
    return train_once(*UNET, "dataset.licence='CC0 | mine'", folder="pix2pix")


def test_pictures_that_tensors_do_not_make_are_refused(
    train: Run, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = train(*UNET, "task=inpainting", "task.mask=boxes")
    asked = [f"checkpoint={run}", f"output={tmp_path / 'out'}"]
    assert command("export", *asked, "pixels=true") == 1
    assert (
        "pixels=true: found task Inpainting; expected pairs of pictures" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()
    assert command("export", *asked) == 0
    assert [
        prop.value
        for prop in onnx.load(tmp_path / "out" / "model.onnx").metadata_props
        if prop.key == "in_channels"
    ] == ["4"]


def test_a_network_that_makes_other_pictures_is_not_written(
    pix2pix: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    opened = onnx_file.opened

    def off(file: Path) -> Any:
        run = opened(file)
        return lambda inputs: run(inputs) + 2.1 / 127.5

    monkeypatch.setattr(onnx_file, "opened", off)
    assert command("export", f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}") == 1
    said = capsys.readouterr().err
    assert re.search(r"format=onnx: found pictures that differ .* by [23] levels of 255", said)
    assert not (tmp_path / "out").exists()


ERRORS = [
    ("format=tflite", "format=tflite: found 'tflite'; expected one of onnx, safetensors"),
    ("pixels=1", "pixels=1"),
    ("label=both", "label=both: found 'both'; expected one of baked, input"),
    ("label=input", "label=input: found a network that is told no label"),
    ("opset=12", "opset=12: found 12; expected a whole number from 18 to 23"),
    ("route=BtoA", "route=BtoA: found no such route of Pix2Pix; expected AtoB"),
    ("model.inference=train", "model.inference=train"),
    ("pictures=nowhere", "pictures=nowhere: found nothing there"),
    ("push=a/b/c", "push=a/b/c: found"),
    ("format=safetensors pixels=true", "pixels=True: found format=safetensors"),
    ("batch=3", "batch: found an option that no part takes"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), ERRORS, ids=[o for o, _ in ERRORS])
def test_what_cannot_be_asked_for(
    options: str, words: str, pix2pix: Path, command: Command, tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", *options.split()]
    assert command("export", *asked) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_named_with_its_extra(
    pix2pix: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    for form, package in (("onnx", "onnxruntime"), ("safetensors", "safetensors")):
        monkeypatch.setitem(sys.modules, package, None)
        asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", f"format={form}"]
        assert command("export", *asked) == 1
        said = capsys.readouterr().err
        assert f"format={form}: found no package {package}; expected the extra `export`" in said
        assert "pip install 'i2i[export]'" in said


def test_what_stands_there_is_kept_unless_asked(
    pix2pix: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("mine")
    asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", "format=safetensors"]
    assert command("export", *asked) == 1
    assert "found config.json, which is there already" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["config.json"]
    assert command("export", *asked, "overwrite=true") == 0
    assert "Pix2Pix" in (tmp_path / "out" / "config.json").read_text()
