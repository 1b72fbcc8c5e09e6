"""Weights in files of the safetensors package."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from i2i.errors import SettingError
from i2i.files.safetensors_file import read_safetensors, safetensors_file


def test_a_file_or_its_folder_is_found(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    assert safetensors_file(tmp_path) is None and safetensors_file(file) is None
    save_file({"a": torch.arange(3.0)}, file)
    assert safetensors_file(tmp_path) == safetensors_file(file) == file
    assert torch.equal(read_safetensors(file, "init_from=x")["a"], torch.arange(3.0))


def test_damage_is_named(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(300.0)}, file)
    whole = file.read_bytes()
    for content, words in (
        (whole[:-8], "a file that was cut short"), (b"text", "a text file"), (b"", "an empty file"),
        (b"\xff" * 100, "a file that safetensors did not write, or that is damaged"),
    ):  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(SettingError, match=f"init_from=x: found {words}; expected weights"):
            read_safetensors(file, "init_from=x")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(SettingError, match=r"no package safetensors.*pip install safetensors"):
        read_safetensors(tmp_path / "model.safetensors", "init_from=x")
