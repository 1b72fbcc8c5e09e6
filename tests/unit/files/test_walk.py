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


def test_subfolders_and_linked_ones_are_walked_once(tmp_path: Path) -> None:
    for name in ("set/a.png", "set/deep/er/b.png", "elsewhere/c.png"):
        touch(tmp_path / name)
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "before").symlink_to(
        tmp_path / "set" / "deep"
    )  # whose own place goes first
    (tmp_path / "set" / "file.png").symlink_to(tmp_path / "elsewhere" / "c.png")
    (tmp_path / "set" / "dangling.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "set" / "itself.png").symlink_to(tmp_path / "set" / "itself.png")
    assert found(tmp_path / "set") == [
        "a.png", "again/c.png", "dangling.png", "deep/er/b.png", "file.png", "itself.png",
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["set", "set/deep", "."])
def test_loops_of_links_end(target: str, tmp_path: Path) -> None:
    touch(tmp_path / "set" / "deep" / "a.png")
    touch(tmp_path / "beside" / "b.png")
    (tmp_path / "set" / "deep" / "up").symlink_to(tmp_path / target)
    assert found(tmp_path / "set") == ["deep/a.png"]


LEFT_BEHIND = [
    ".DS_Store", "._a.png", ".hidden/b.png", ".ipynb_checkpoints/a-checkpoint.png",
    "__MACOSX/._a.png", "__MACOSX/a.png", "Thumbs.db", "thumbs.DB", "Desktop.ini",
    "@eaDir/a.png/SYNOFILE_THUMB_M.png", "a.png~", "#recycle/a.png", "$RECYCLE.BIN/a.png",
    "__pycache__/x.pyc", "System Volume Information/x.png", "lost+found/x.png", "~$notes.png",
    "a.png@SynoEAStream", "Icon\r", ".Trash-1000/files/a.png", ".thumbnails/a.png",
]  # fmt: skip


@pytest.mark.parametrize("name", LEFT_BEHIND, ids=repr)
def test_what_systems_and_tools_leave_behind_is_not_data(name: str, tmp_path: Path) -> None:
    for own in ("a.png", "@home/b.png", "#1.png", "$a.png", "__a.png", "notes~1.png", name):
        touch(tmp_path / "set" / own)
    assert found(tmp_path / "set") == [
        "#1.png", "$a.png", "@home/b.png", "__a.png", "a.png", "notes~1.png",
    ]  # fmt: skip


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
