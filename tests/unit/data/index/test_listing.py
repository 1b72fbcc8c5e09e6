"""One place says which files of a folder are data, and what is not read is counted in a line."""

from pathlib import Path

import numpy as np
import pytest

from i2i.data.folders import PairFolders, SideFolders
from i2i.data.index.folder_patterns import Folder
from i2i.data.index.listing import listed, say_passed_over
from i2i.data.index.pair_index import find_pairs
from i2i.images.image_io import write_png
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.inference.files_to_translate import find_images, find_masks
from i2i.inference.outputs import understand_output

PICTURE = np.full((4, 8, 3), 7, np.uint8)
LEFT_BEHIND = ("._a.png", ".ipynb_checkpoints/a.png", "__MACOSX/a.png", "Thumbs.db", "@eaDir/a.png")
FIND = {"on_error": "raise", "most_pixels": MOST_PIXELS}


def lay(root: Path, *names: str) -> None:
    for name in names:
        file = root / name
        if name.endswith(".png"):
            write_png(file, PICTURE)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("x")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    lay(tmp_path / "train", "a.png", "deep/b.png", "c.svg", "deep/notes.TXT", *LEFT_BEHIND)
    return tmp_path


def test_a_line_counts_what_is_not_read(mixed: Path, capsys: pytest.CaptureFixture) -> None:
    assert [pair.name for pair in find_pairs(mixed, "train")] == ["a", "deep/b"]
    told = capsys.readouterr().out
    assert told == f"'{mixed / 'train'}': 2 other files passed over: 1 .svg, 1 .txt\n"


def test_nothing_is_said_of_a_folder_of_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    lay(tmp_path / "train", "a.png", *LEFT_BEHIND)
    find_pairs(tmp_path, "train")
    assert capsys.readouterr().out == ""


def test_kinds_are_counted_the_most_frequent_first(capsys: pytest.CaptureFixture) -> None:
    say_passed_over(Path("x"), ["a.json", "b.JSON", "README", "c.svg", "d.json"])
    assert capsys.readouterr().out == (
        "'x': 5 other files passed over: 3 .json, 1 .svg, 1 without a suffix\n"
    )
    say_passed_over(Path("x"), ["a.svg"])
    assert "1 other file passed over: 1 .svg\n" in capsys.readouterr().out
    say_passed_over(Path("x"), [f"a.{i}" for i in range(12)])
    assert "and 2 more" in capsys.readouterr().out


def test_translate_lists_as_data_sets_do(mixed: Path, capsys: pytest.CaptureFixture) -> None:
    output = understand_output(mixed / "train", mixed / "train" / "out")
    lay(mixed / "train" / "out", "old.png", "diversity.json")
    jobs = find_images(mixed / "train", output)
    assert [job.name for job in jobs] == ["a", "deep/b"]
    told = capsys.readouterr().out
    assert told.count("\n") == 1 and "2 other files passed over: 1 .svg, 1 .txt" in told


def test_masks_are_listed_as_data_sets_are(mixed: Path, capsys: pytest.CaptureFixture) -> None:
    from i2i.data.tasks.inpainting import Inpainting

    task = object.__new__(Inpainting)
    found = find_masks(str(mixed / "train"), ["a", "deep/b"], task)
    assert found == {"a": mixed / "train/a.png", "deep/b": mixed / "train/deep/b.png"}
    assert "2 other files passed over: 1 .svg, 1 .txt" in capsys.readouterr().out


def test_two_sides_have_a_line_each_and_many_classes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for side in ("x", "y", "z"):
        lay(tmp_path / "train" / side, "a.png", f"{side}.txt")
    folders = [Folder(f"{{split}}/{side}", "domains") for side in ("x", "y", "z")]
    for n_sides, lines in ((2, 2), (3, 1)):
        SideFolders(tuple(folders[:n_sides])).find(tmp_path, "train", **FIND)
        told = capsys.readouterr().out
        assert told.count("passed over") == lines == told.count("\n"), told
    assert f"'{tmp_path / 'train'}': 3 other files passed over: 3 .txt" in told
    SideFolders(tuple(folders), partners=True).find(tmp_path, "train", **FIND)
    assert "3 other files passed over: 3 .txt" in capsys.readouterr().out


def test_what_stands_beside_the_folders_of_a_split_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for side in ("x", "y"):
        lay(tmp_path / "train" / side, "a.png")
    lay(tmp_path / "train", "stray.png", "readme.txt", "Thumbs.db")
    lay(tmp_path, "licence.txt")
    sides = (Folder("{split}/x", "a_folder"), Folder("{split}/y", "b_folder"))
    for folders in (PairFolders(sides, False, False), SideFolders(sides)):
        folders.find(tmp_path, "train", **FIND)
        told = capsys.readouterr().out
        assert told == f"'{tmp_path / 'train'}': 2 other files passed over: 1 .png, 1 .txt\n"


def test_links_to_files_are_data_and_broken_ones_are_named(tmp_path: Path) -> None:
    lay(tmp_path / "else", "a.png")
    lay(tmp_path / "train", "b.png")
    (tmp_path / "train" / "linked.png").symlink_to(tmp_path / "else" / "a.png")
    assert [pair.name for pair in find_pairs(tmp_path, "train")] == ["b", "linked"]
    (tmp_path / "train" / "gone.png").symlink_to(tmp_path / "nothing.png")
    with pytest.raises(ValueError, match=r"1 damaged file\(s\): train/gone\.png"):
        find_pairs(tmp_path, "train")


def test_a_folder_in_it_may_be_left_out(tmp_path: Path) -> None:
    lay(tmp_path, "a.png", "out/b.png", "out/deep/c.png", "outer/d.png", "out/x.txt")
    images, others = listed(tmp_path, "input=x", tmp_path / "out")
    assert [(below, stem) for below, stem, _ in images] == [("", "a"), ("outer", "d")]
    assert others == []
