"""One training per folder, for the life of its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.files.run_lock import NAME, held

HOLDER = """
import sys
from pathlib import Path
from i2i.files.run_lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_a_killed_one_blocks_nobody(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SettingError, match="another process that trains there"), held(tmp_path):
            pass
        with held(tmp_path, wanted=False):  # a further process of the same run
            pass
    finally:
        other.kill()
        other.wait()
    with held(tmp_path):
        assert (tmp_path / NAME).exists()
    assert not (tmp_path / NAME).exists()


def test_it_ends_with_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path):
        raise ZeroDivisionError
    with held(tmp_path):
        pass


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "precious"
    other.write_text("kept")
    folder = tmp_path / "run"
    folder.mkdir()
    try:
        os.symlink(other, folder / NAME)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(SettingError, match="a link called"), held(folder):
        pass
    assert other.read_text() == "kept"
