"""metrics.csv: one row a step, over new columns, stops, crashes and resumes."""

import csv
import math
import os
import shutil
import signal
from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.loggers.run_csv import RunCSVLogger


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def values(folder: Path) -> list[dict[str, float]]:
    """The rows without their empty cells."""
    return [{k: float(v) for k, v in row.items() if v != ""} for row in rows(folder)]


def logged(folder: Path, *entries: tuple[int, dict[str, float]]) -> RunCSVLogger:
    logger = RunCSVLogger(str(folder))
    for step, metrics in entries:
        logger.log_metrics(metrics, step)
    return logger


def test_what_is_logged_at_one_step_stands_in_one_row(tmp_path: Path) -> None:
    logged(tmp_path, (1, {"a": 1.5}), (1, {"b": 2}), (2, {"a": 3}), (2, {"a": 4, "b": 5}))
    assert values(tmp_path) == [{"step": 1, "a": 1.5, "b": 2}, {"step": 2, "a": 4, "b": 5}]


def test_a_new_column_keeps_the_earlier_rows(tmp_path: Path) -> None:
    logged(tmp_path, (1, {"a": 1}), (2, {"a": 2}), (2, {"val/x": 7}), (3, {"a": 3}))
    assert list(rows(tmp_path)[0]) == ["step", "a", "val/x"]
    assert values(tmp_path) == [
        {"step": 1, "a": 1}, {"step": 2, "a": 2, "val/x": 7}, {"step": 3, "a": 3},
    ]  # fmt: skip


def test_the_file_is_whole_after_every_call(tmp_path: Path) -> None:
    """A row that is written again may be shorter than it was."""
    logger = RunCSVLogger(str(tmp_path))
    logger.log_metrics({"a": 0.123456789, "b": 1}, 1)
    logger.log_metrics({"a": 1}, 1)
    text = (tmp_path / "metrics.csv").read_bytes()
    assert text.split() == [b"step,a,b", b"1,1,1"]
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]


def test_no_step_is_step_0_and_the_folder_is_made(tmp_path: Path) -> None:
    RunCSVLogger(str(tmp_path / "new" / "run")).log_metrics({"a": 1})
    assert values(tmp_path / "new" / "run") == [{"step": 0, "a": 1}]


def test_infinite_and_missing_values_are_written(tmp_path: Path) -> None:
    logged(tmp_path, (1, {"psnr": math.inf, "kid": math.nan}))
    assert rows(tmp_path) == [{"step": "1", "psnr": "inf", "kid": "nan"}]


def test_floats_keep_every_digit(tmp_path: Path) -> None:
    logged(tmp_path, (1, {"a": 0.1 + 0.2}))
    assert float(rows(tmp_path)[0]["a"]) == 0.1 + 0.2


def test_a_resume_drops_what_was_logged_after_the_checkpoint(tmp_path: Path) -> None:
    logged(tmp_path, (1, {"a": 1}), (2, {"a": 2, "b": 2}), (3, {"a": 3}), (12, {"a": 12}))
    logger = RunCSVLogger(str(tmp_path))
    logger.resume_from(2)
    assert values(tmp_path) == [{"step": 1, "a": 1}, {"step": 2, "a": 2, "b": 2}]
    logger.log_metrics({"c": 33}, 3)
    logger.log_metrics({"a": 44}, 4)
    assert values(tmp_path) == [
        {"step": 1, "a": 1},
        {"step": 2, "a": 2, "b": 2},
        {"step": 3, "c": 33},
        {"step": 4, "a": 44},
    ]


def test_a_resume_without_a_file_begins_one(tmp_path: Path) -> None:
    logger = RunCSVLogger(str(tmp_path))
    logger.resume_from(5)
    logger.log_metrics({"a": 6}, 6)
    assert values(tmp_path) == [{"step": 6, "a": 6}]


@pytest.mark.parametrize("metrics", [{"test/x": 9}, {"a": 7}], ids=["new-column", "old-column"])
def test_the_step_that_a_run_goes_on_from_keeps_its_row(tmp_path: Path, metrics: dict) -> None:
    """A run that had only its test left to do logs at the step of its checkpoint."""
    logged(tmp_path, (1, {"a": 1}), (2, {"a": 2, "val/x": 5}))
    logger = RunCSVLogger(str(tmp_path))
    logger.resume_from(2)
    logger.log_metrics(metrics, 2)
    assert values(tmp_path) == [{"step": 1, "a": 1}, {"step": 2, "a": 2, "val/x": 5} | metrics]


def test_a_row_that_a_crash_cut_anywhere_is_left_out(tmp_path: Path) -> None:
    """Half a number is a wrong number."""
    logged(tmp_path, (1, {"a": 1.25, "b": 2.5}), (2, {"a": 3.75, "b": 4.125}))
    file = tmp_path / "metrics.csv"
    whole = file.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in range(3, last):  # 1 and 2 cut the line's end only
        file.write_bytes(whole[:-cut])
        logger = RunCSVLogger(str(tmp_path))
        logger.resume_from(2)
        logger.log_metrics({"a": 6}, 3)
        assert values(tmp_path) == [{"step": 1, "a": 1.25, "b": 2.5}, {"step": 3, "a": 6}], cut


def test_a_crash_while_rewriting_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logged(tmp_path, (1, {"a": 1}))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(SettingError, match="What was logged before is still there"):
        logger.log_metrics({"b": 2}, 2)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.csv"]
    assert values(tmp_path) == [{"step": 1, "a": 1}]


def test_only_process_0_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = RunCSVLogger(str(tmp_path))
    logger.log_metrics({"a": 1}, 1)
    logger.resume_from(1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_deleted_in_mid_run_does_not_come_back_half(tmp_path: Path) -> None:
    logger = logged(tmp_path / "run", (1, {"a": 1}))
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(SettingError, match=r"metrics\.csv: found no way to write it \(no folder"):
        logger.log_metrics({"a": 1}, 2)
    with pytest.raises(SettingError, match=r"metrics\.csv: found no way to write it \(no folder"):
        logger.log_metrics({"b": 1}, 1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("metrics", [{"a": 2}, {"b": 2}], ids=["row", "column"])
def test_a_full_disk_is_told_and_what_was_logged_is_still_there(
    tmp_path: Path, metrics: dict[str, float]
) -> None:
    """Files of this process may not grow any more, which is another error of the same kind."""
    resource = pytest.importorskip("resource")
    logger = logged(tmp_path, (1, {"a": 1}), (2, {"a": 1}))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 + (tmp_path / "metrics.csv").stat().st_size, -1))
    try:
        with pytest.raises(SettingError, match=r"csv: found no way to write it \(File too"):
            logger.log_metrics(metrics, 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [row["a"] for row in RunCSVLogger(str(tmp_path)).read()] == ["1", "1"]


def test_a_link_at_the_name_that_is_written_under_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("mine")
    (tmp_path / "metrics.csv.part").symlink_to(tmp_path / "theirs")
    logged(tmp_path, (1, {"a": 1}))
    assert (tmp_path / "theirs").read_text() == "mine" and values(tmp_path) == [{"step": 1, "a": 1}]
