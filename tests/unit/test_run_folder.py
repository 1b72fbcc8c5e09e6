"""The files of a run: written whole or not at all, and strict."""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import run_folder
from i2i.errors import SettingError
from i2i.run_folder import code_version, require_writable, strict, table, write_json, write_text


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b", "output")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    require_writable(tmp_path / "a" / "b", "output")


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SettingError) as caught:
            require_writable(place, "output")
        assert f"output={place}: found no way to write there" in str(caught.value)
        assert "output=..." in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is made, since an administrator may write everywhere."""

    def deny(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", deny)
    with pytest.raises(SettingError, match=r"hydra\.run\.dir=.*Permission denied"):
        require_writable(tmp_path, "hydra.run.dir")


def test_a_write_that_fails_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    write_text(file, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(file, "new text")
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_text_is_written_as_utf_8_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "größer")
    assert (tmp_path / "a.txt").read_bytes() == "größer".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_json_has_no_word_for_becomes_a_string(tmp_path: Path) -> None:
    content = {
        "psnr": math.inf, "low": -math.inf, "none": [math.nan, (1.5, np.float64("inf"))],
        3: {"deep": math.nan}, "kept": [True, None, 2, "x"],
    }  # fmt: skip
    write_json(tmp_path / "a.json", content)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    read = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert read == {
        "psnr": "inf", "low": "-inf", "none": ["nan", [1.5, "inf"]],
        "3": {"deep": "nan"}, "kept": [True, None, 2, "x"],
    }  # fmt: skip


def test_strict_leaves_finite_values_as_they_are() -> None:
    assert strict({"a": [0.1, 1e300, 7]}) == {"a": [0.1, 1e300, 7]}


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which the module seems to stand, at first untracked."""
    package = tmp_path / "lib" / "i2i"
    package.mkdir(parents=True)
    (package / "run_folder.py").write_text("")
    (tmp_path / "theirs.txt").write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "theirs.txt")
    git(tmp_path, "commit", "-q", "-m", "theirs")
    monkeypatch.setattr(run_folder, "__file__", str(package / "run_folder.py"))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_an_installed_package_does_not_take_its_hosts_commit(checkout: Path) -> None:
    version = code_version()
    assert version["commit"] is None and version["uncommitted_changes"] is None
    assert version["i2i"] and version["torch"] and version["lightning"] and version["python"]


def test_a_checkout_has_a_commit_and_tells_of_changes(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "ours")
    version = code_version()
    assert version["commit"] == git(checkout, "rev-parse", "HEAD")
    assert version["uncommitted_changes"] is False
    (checkout / "theirs.txt").write_text("changed")
    assert code_version()["uncommitted_changes"] is True


def test_a_git_that_takes_too_long_leaves_open_whether_there_are_changes(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does on a busy disk: nothing found is not that nothing was changed."""
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "ours")
    run = subprocess.run

    def slow(words: list[str], **options: Any) -> Any:
        if "status" in words:
            raise subprocess.TimeoutExpired(words, options["timeout"])
        return run(words, **options)

    monkeypatch.setattr(subprocess, "run", slow)
    version = code_version()
    assert version["commit"] and version["uncommitted_changes"] is None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert code_version()["commit"] is None


def test_table_has_one_aligned_row_a_contestant() -> None:
    rows = {"model": {"ssim": 0.51234, "psnr": 21.0, "fid": 7.0}, "input copied": {"ssim": 0.1}}
    title, heads, model, copied = table("Scores", rows, {"psnr": "dB"}).splitlines()
    assert title == "Scores"
    assert heads.split("  ") and heads.split()[0] == "ssim" and "psnr (dB)" in heads
    assert len({len(line) for line in (heads, model, copied)}) == 1
    assert model.split() == ["model", "0.5123", "21.0000", "7.0000"]
    assert copied.split() == ["input", "copied", "0.1000", "-", "-"]
    end = heads.index("psnr (dB)") + len("psnr (dB)")
    assert model[:end].endswith("21.0000") and copied[:end].endswith("-")


def test_without_a_score_there_is_a_sentence_and_no_empty_table() -> None:
    rows = {"model (last.ckpt)": {}, "copied input": {}}
    assert table("Test split, n = 3", rows) == (
        "Test split, n = 3: no scores; metrics=[...] chooses them"
    )


def test_table_prints_infinite_scores() -> None:
    assert table("t", {"same": {"psnr": math.inf}}).split()[-1] == "inf"
