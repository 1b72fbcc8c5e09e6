"""Files that are whole or not there, and links that lead nowhere."""

import os
import stat
from pathlib import Path

import pytest

from i2i.files import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_link_of_that_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"theirs")
    (tmp_path / "run").mkdir()
    file = tmp_path / "run" / "a.json"
    file.symlink_to(outside)
    atomic.write_bytes(file, b"ours")
    assert outside.read_bytes() == b"theirs"
    assert not file.is_symlink() and file.read_bytes() == b"ours"
    assert names(tmp_path / "run") == ["a.json"]


def test_a_link_laid_where_the_part_will_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name cannot be guessed; here it is told."""
    monkeypatch.setattr(atomic.secrets, "token_hex", lambda _: "guessed")
    (tmp_path / ".i2i-guessed.part").symlink_to(tmp_path / "outside")
    with pytest.raises(FileExistsError):
        atomic.write_bytes(tmp_path / "a", b"ours")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_after_a_failure_the_old_file_stands_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atomic.write_bytes(tmp_path / "a", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_an_error_of_the_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic.replacing(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_names_of_255_bytes_and_without_utf_8(tmp_path: Path) -> None:
    long = "x" * 255
    odd = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    try:
        atomic.write_text(tmp_path / odd, "name: caf\udce9")
    except (OSError, UnicodeError):
        pytest.skip("a file system that takes UTF-8 only")
    atomic.write_text(tmp_path / long, "ü")
    assert (tmp_path / long).read_bytes() == "ü".encode()
    assert (tmp_path / odd).read_bytes() == b"name: caf\\udce9"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes[0] == modes[1]
