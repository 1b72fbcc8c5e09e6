"""A saved file is the old one or the new one, whole, and a flipped bit in it is found."""

import errno
import os
import random
import zipfile
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from i2i.errors import SettingError
from i2i.files import saving
from i2i.files.saving import damage_of, remove_unfinished, save_whole, writing
from i2i.files.weights import load_safely

OLD, NEW = {"w": torch.arange(40.0), "step": 1}, {"w": torch.arange(40.0) + 1, "step": 2}


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A file that was saved before."""
    save_whole(OLD, tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt"


def load(file: Path) -> dict:
    return load_safely(file, "checkpoint=x", "a checkpoint", "Use another one.")


def test_what_is_saved_replaces_what_was(last: Path) -> None:
    save_whole(NEW, last)
    assert_same(load(last), NEW, "saved")
    assert os.listdir(last.parent) == ["last.ckpt"]


FAULTS = {  # a call of ``save_whole``, and what it raises there
    "full": ("fsync", OSError(errno.ENOSPC, "No space left on device")),
    "protected": ("replace", PermissionError(errno.EPERM, "Operation not permitted")),
    "read-only": ("fsync", OSError(errno.EROFS, "Read-only file system")),
}


@pytest.mark.parametrize(("call", "error"), FAULTS.values(), ids=FAULTS)
def test_a_failure_is_told_and_leaves_the_one_before(
    last: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: OSError
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch, pytest.raises(SettingError) as caught:
        patch.setattr(saving.os, call, fail)
        save_whole(NEW, last)
    assert str(caught.value).startswith(f"{last}: found no way to write it ({error.strerror});")
    assert "The one saved before is still there. Make room" in str(caught.value)
    assert_same(load(last), OLD, "before")
    assert os.listdir(last.parent) == ["last.ckpt"]


def test_a_disk_that_keeps_other_bytes_is_noticed(
    last: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(number: int) -> None:
        os.lseek(number, 80, os.SEEK_SET)  # within the first record, data.pkl
        os.write(number, b"\xff" * 8)

    monkeypatch.setattr(saving.os, "fsync", lose)
    with pytest.raises(SettingError, match="reads back damaged: another checksum than was saved"):
        save_whole(NEW, last)
    assert_same(load(last), OLD, "before")


def test_a_link_is_replaced_and_a_linked_folder_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("mine")
    (tmp_path / "last.ckpt").symlink_to(theirs)
    save_whole(NEW, tmp_path / "last.ckpt")
    assert theirs.read_text() == "mine" and not (tmp_path / "last.ckpt").is_symlink()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "checkpoints").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingError, match=r"checkpoints: found a link to .*elsewhere; expected a"):
        save_whole(NEW, tmp_path / "checkpoints" / "last.ckpt")
    assert os.listdir(tmp_path / "elsewhere") == []


def test_leftovers_of_killed_savings_are_removed_and_nothing_else(tmp_path: Path) -> None:
    ours = tmp_path / f".i2i-{'a1' * 8}.part"
    others = ["last.ckpt", "best.ckpt.part", ".i2i-x.part", f"{'a1' * 8}.part"]
    for name in (ours.name, *others):
        (tmp_path / name).touch()
    folder = tmp_path / f".i2i-{'b2' * 8}.part"
    folder.mkdir()
    remove_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, folder.name])
    remove_unfinished(tmp_path / "not there yet")


def test_every_flipped_bit_is_found_or_changes_nothing(tmp_path: Path) -> None:
    """Between the records there are bytes that nobody reads."""
    file, content = tmp_path / "a.ckpt", {"w": torch.rand(64), "config": {"lr": 0.1}}
    save_whole(content, file)
    whole, found = file.read_bytes(), 0
    generator = random.Random(0)
    data = whole.index(content["w"].numpy().tobytes())
    places = [data + 3, *(generator.randrange(len(whole)) for _ in range(150))]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.randrange(8)
        file.write_bytes(damaged)
        try:
            assert_same(load(file), content, f"bit flipped at {place}")
        except SettingError:
            found += 1
        assert place != data + 3 or found == 1
    assert found > 30


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_torn_file_is_told(last: Path, share: float) -> None:
    whole = last.read_bytes()
    last.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(SettingError, match=r"^checkpoint=x: found .*; expected a checkpoint\. Use"):
        load(last)


def test_records_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as records:
        records.writestr("archive/data.pkl", bytes(10**6))
    assert damage_of(tmp_path / "bomb") == "compressed records, which torch does not write"


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"run/a: found no way to write it \(no folder"):
        with writing(tmp_path / "run" / "a"):
            (tmp_path / "run" / "a").write_text("")
