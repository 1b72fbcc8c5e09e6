"""What every set that the program makes itself has in common, shown on the drawn scenes."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from drawn_scenes import SMALL, contents
from i2i.data.built_in import write_png
from i2i.data.synthetic import scenes as synthetic
from i2i.data.synthetic.scenes import SyntheticScenes
from i2i.errors import SettingError

# What cannot be read as a manifest is other files: no JSON, other JSON, too long.
NO_MANIFEST = ("{", "[]", '{"record": 3}', "x" * 20_000)


def test_a_finished_set_is_left_alone_and_another_one_refused(drawn: Path) -> None:
    before, times = contents(drawn), [path.stat().st_mtime_ns for path in drawn.rglob("*")]
    SyntheticScenes(**SMALL).prepare(drawn)
    for change in ({"seed": 1}, {"n_test": 3}, {"size": 32}):
        ((name, value),) = change.items()
        with pytest.raises(SettingError, match=f'"{name}": {value}') as refusal:
            SyntheticScenes(**SMALL | change).prepare(drawn)
        assert f"dataset.root={str(drawn)!r}" in str(refusal.value)
    assert contents(drawn) == before
    assert [path.stat().st_mtime_ns for path in drawn.rglob("*")] == times


def test_what_else_stands_in_the_way_is_refused_and_kept(drawn: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn, tmp_path / "lost")
    (tmp_path / "lost" / "train" / "0001.png").unlink()
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    for root, found in (
        (tmp_path, r"found other files and no built_in\.json"),
        (tmp_path / "lost", r"removed or added .*'train': 2"),
        (tmp_path / "file", "found a file"),
        (tmp_path / "file" / "below", r"cannot be written \((Not a directory|File exists)\)"),
    ):
        with pytest.raises(SettingError, match=found):
            SyntheticScenes(**SMALL).prepare(root)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", NO_MANIFEST)
def test_a_manifest_that_says_nothing_is_no_set(text: str, tmp_path: Path) -> None:
    (tmp_path / "built_in.json").write_text(text)
    with pytest.raises(SettingError, match=r"expected an empty or new folder, or the drawn scenes"):
        SyntheticScenes(**SMALL).prepare(tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    written = Mock(side_effect=[None, None, error], wraps=write_png)
    monkeypatch.setattr(synthetic, "write_png", written)
    with pytest.raises(SettingError if isinstance(error, OSError) else KeyboardInterrupt):
        SyntheticScenes(**SMALL).prepare(tmp_path / "scenes")
    assert written.call_count == 3 and list(tmp_path.iterdir()) == []


def test_two_processes_may_prepare_one_empty_folder(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, slower = tmp_path / "scenes", SyntheticScenes.fill
    root.mkdir()

    def overtaken(self: SyntheticScenes, folder: Path) -> None:
        slower(self, folder)
        shutil.copytree(drawn, root, dirs_exist_ok=True)

    monkeypatch.setattr(SyntheticScenes, "fill", overtaken)
    SyntheticScenes(**SMALL).prepare(root)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]
    assert contents(root) == contents(drawn)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_a_killed_process_left_is_taken_away(drawn: Path, tmp_path: Path) -> None:
    """Killed in the middle, so that nothing tidies up; what others have left is not touched."""
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from i2i.data.synthetic import scenes\n"
        "write = scenes.write_png\n"
        "def last(path, picture):\n"
        "    write(path, picture)\n"
        "    if path.name == '0001.png':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "scenes.write_png = last\n"
        f"scenes.SyntheticScenes(**{SMALL}).prepare(Path(sys.argv[1]))\n"
    )
    root = tmp_path / "scenes"
    done = subprocess.run([sys.executable, "-c", killed, str(root)], timeout=120)
    assert done.returncode == -signal.SIGKILL and not root.exists()
    assert (tmp_path / ".scenes.making" / "train" / "0001.png").exists()
    (tmp_path / ".other.making").mkdir()
    SyntheticScenes(**SMALL).prepare(root)
    assert contents(root) == contents(drawn)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.making", "scenes"]


def test_a_second_process_waits_and_finds_the_set(tmp_path: Path) -> None:
    root = tmp_path / "scenes"
    prepare = SyntheticScenes(**SMALL).prepare
    threads = [threading.Thread(target=prepare, args=(root,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    SyntheticScenes(**SMALL).prepare(root)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]


def test_a_link_in_the_place_of_the_making_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    (tmp_path / ".scenes.making").symlink_to(tmp_path / "mine")
    SyntheticScenes(**SMALL).prepare(tmp_path / "scenes")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "scenes"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127])
def test_the_longest_names_can_be_made_into(name: str, tmp_path: Path) -> None:
    SyntheticScenes(**SMALL).prepare(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
