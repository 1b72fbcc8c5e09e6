"""All files below a folder, or an error."""

import os
from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.files.walk import files_below


def found(folder: Path) -> list[str]:
    return sorted("/".join(filter(None, pair)) for pair in files_below(folder, "input=x"))


def touch(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def test_subfolders_and_linked_ones_are_walked(tmp_path: Path) -> None:
    for name in ("set/a.png", "set/deep/er/b.png", "elsewhere/c.png"):
        touch(tmp_path / name)
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "dangling.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "set" / "itself.png").symlink_to(tmp_path / "set" / "itself.png")
    assert found(tmp_path / "set") == [
        "a.png", "again/c.png", "dangling.png", "deep/er/b.png", "itself.png", "linked/c.png",
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["set", "."])
def test_links_that_loop_are_named(target: str, tmp_path: Path) -> None:
    touch(tmp_path / "set" / "deep" / "a.png")
    (tmp_path / "set" / "deep" / "up").symlink_to(tmp_path / target)
    with pytest.raises(SettingError, match=r"input=x: found a link that leads back.*deep/up"):
        found(tmp_path / "set")


def test_a_folder_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is made, since an administrator may read everything."""
    touch(tmp_path / "a.png")
    touch(tmp_path / "locked" / "b.png")
    scandir = os.scandir

    def deny(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    with pytest.raises(SettingError, match=r"cannot be read: '.*locked' \(Permission denied\)"):
        found(tmp_path)
