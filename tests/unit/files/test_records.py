"""Records that a stranger wrote: nothing runs, nothing grows, nothing is waited for."""

import os
from pathlib import Path

import pytest

from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, number, read_json, read_text, read_yaml

BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b]\n"
YAML = {
    "!!python/object/apply:os.system ['touch ran']": "the tag",
    "a: !!python/name:os.system": "the tag",
    "!custom {a: 1}": "the tag",
    "a: !!binary aGFsbG8=": "the tag",
    BOMB: "an alias",
    "a: &a 1": "an alias",
    "a: [1, 2": "no plain YAML",
    "? [1, 2]\n: x": "no plain YAML",
    "[" * 5000: "no plain YAML",
    "a: \x1b[2J": "no plain YAML",
    "a: 2026-99-99": "no plain YAML",
}
JSON = {
    "": "no JSON",
    "{": "no JSON",
    "[" * 100_000: "no JSON",
    '{"a": ' + "1" * 5000 + "}": "no JSON",
}


@pytest.mark.parametrize("text", YAML, ids=range(len(YAML)))
def test_yaml_is_plain_values(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(Unreadable, match=YAML[text]) as caught:
        read_yaml(tmp_path / "a.yaml")
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert os.listdir(tmp_path) == ["a.yaml"]


def test_interpolations_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: ${oc.env:HOME}\nb: [1, 2.5, null, yes]\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": "${oc.env:HOME}", "b": [1, 2.5, None, True]}


@pytest.mark.parametrize("text", JSON, ids=range(len(JSON)))
def test_damaged_json_is_one_kind_of_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(Unreadable, match=JSON[text]):
        read_json(tmp_path / "a.json")


def test_large_files_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(10**12)  # takes no room on the disk
    with pytest.raises(Unreadable, match="1,000,000,000,000 bytes, more than 16,000,000"):
        read_json(tmp_path / "a.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_pipes_devices_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, found in {
        "pipe": "a pipe or a device",
        "zero": "a pipe or a device",
        ".": "a folder",
    }.items():
        with pytest.raises(Unreadable, match=found):
            read_text(tmp_path / name)


def test_what_is_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, found in {
        "a": "no UTF-8",
        "b": "no such file",
        "loop": "link",
        "a\0": "null",
    }.items():
        with pytest.raises(Unreadable, match=found):
            read_text(tmp_path / name)


@pytest.mark.parametrize("value", [None, [], "x", {1: 2}])
def test_a_mapping_has_names(value: object) -> None:
    with pytest.raises(Unreadable, match="scores that is no mapping"):
        mapping(value, "scores")


@pytest.mark.parametrize("value", [None, True, "1", [1], 10**400])
def test_a_number_is_a_number(value: object) -> None:
    with pytest.raises(Unreadable, match="ssim that is no number"):
        number(value, "ssim")
    assert number("inf", "psnr") == float("inf") and number(2, "n") == 2.0
