"""Two commands of one second get two folders."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from i2i.cluster.environment import moment, new_folder


def test_names_are_never_given_twice(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: new_folder(str(tmp_path), "day/12-00-00"), range(20)))
    assert sorted(names) == sorted(["day/12-00-00", *(f"day/12-00-00-{n}" for n in range(2, 21))])
    assert all((tmp_path / name).is_dir() for name in names)


def test_a_place_that_cannot_be_written_is_told_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert new_folder(str(tmp_path / "file"), "day/12-00-00") == "day/12-00-00"
    (tmp_path / "day").write_text("")
    assert new_folder(str(tmp_path), "day/12-00-00") == "day/12-00-00"


def test_without_a_base_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    moment()
    assert not list(tmp_path.iterdir())
