"""Errors of one file among many."""

import os
from pathlib import Path

import cv2
import pytest
import torch

from i2i.errors import SettingError, setting_error
from i2i.inference.one_file import Written, about, check_on_error

FILE = Path("some/a.png")
ERRORS = {
    "memory": (MemoryError(), "too little memory for it (MemoryError)"),
    "cpu": (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "too little memory",
    ),
    "gpu": (torch.OutOfMemoryError("CUDA out of memory. Tried to"), "tile=512"),
    "opencv": (cv2.error("error: (-4:Insufficient memory) Failed to allocate 9"), "too little"),
    "network": (ValueError("Expected more than 1 spatial\nelement"), "(ValueError: Expected more"),
    "code": (KeyError("x"), "an error of its translation (KeyError: 'x')"),
    "disk": (OSError(28, "No space left on device"), "No space left"),
    "ours": (setting_error("mask", "none", "one", "Add it."), "mask: found none; expected one."),
}  # fmt: skip


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_becomes_one_that_names_the_file(kind: str) -> None:
    error, said = ERRORS[kind]
    with pytest.raises(SettingError) as caught, about(FILE):
        raise error
    assert str(caught.value).startswith("input file 'some/a.png': ")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_error_that_names_it_already_is_left_as_it_is() -> None:
    with pytest.raises(SettingError, match=r"^image 'some/a\.png': found nothing"), about(FILE):
        raise setting_error(f"image '{FILE}'", "nothing", "an image", "")


def test_an_interruption_is_no_error_of_a_file() -> None:
    with pytest.raises(KeyboardInterrupt), about(FILE):
        raise KeyboardInterrupt


@pytest.mark.parametrize("value", ["ignore", None, True, "Skip"])
def test_on_error_is_one_of_two(value: object) -> None:
    with pytest.raises(SettingError, match=r"on_error=.*expected raise or skip"):
        check_on_error(value)


def test_a_name_that_the_file_system_takes_for_an_earlier_one(tmp_path: Path) -> None:
    """A hard link stands for a.png and A.png where these are one file."""
    first, second = tmp_path / "a.png", tmp_path / "A_.png"
    for replaces in (False, True):
        first.touch()
        written = Written(replaces)
        written.add([first])
        os.link(first, second)
        with pytest.raises(SettingError, match="an earlier image of this command wrote"):
            written.refuse([second])
        second.unlink()


def test_what_came_meanwhile_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    Written(replaces=True).refuse([tmp_path / "a.png"])
    with pytest.raises(SettingError, match="somebody else meanwhile wrote"):
        Written(replaces=False).refuse([tmp_path / "a.png"])
