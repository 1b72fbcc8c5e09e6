"""Pairs are found in both layouts, and what is wrong with them is said before training."""

import os
from pathlib import Path

import numpy as np
import pytest

from conftest import Told
from i2i.data.index import pair_index
from i2i.data.index.folder_patterns import check_patterns
from i2i.data.index.pair_index import PairFiles, find_pairs
from i2i.errors import SettingError
from i2i.images.image_io import write_png

TWO_FOLDERS = {"a_folder": "{split}/photo", "b_folder": "{split}/label"}


def draw(path: Path, height: int = 4, width: int = 8) -> None:
    write_png(path, np.full((height, width, 3), 7, np.uint8))


def draw_two_folders(root: Path, names: list[str]) -> None:
    for name in names:
        draw(root / "train" / "photo" / f"{name}.png")
        draw(root / "train" / "label" / f"{name}.png")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def test_side_by_side_is_recursive_and_sorted(tmp_path: Path) -> None:
    for name in ("b", "sub/a", "a10", "a2", "v1.5"):
        draw(tmp_path / "train" / f"{name}.png")
    draw(tmp_path / "test" / "elsewhere.png")
    pairs = find_pairs(tmp_path, "train")
    assert [pair.name for pair in pairs] == ["a10", "a2", "b", "sub/a", "v1.5"]
    assert pairs[3] == PairFiles("sub/a", tmp_path / "train" / "sub" / "a.png", None)
    assert pairs.skipped == 0


def test_two_folders_match_by_name_whatever_the_suffix(tmp_path: Path) -> None:
    draw_two_folders(tmp_path, ["x/1", "x/2"])
    old = tmp_path / "train" / "label" / "x" / "1.png"
    old.rename(old.with_suffix(".PNG"))
    pairs = find_pairs(tmp_path, "train", **TWO_FOLDERS)
    assert pairs == [
        PairFiles("x/1", tmp_path / "train/photo/x/1.png", tmp_path / "train/label/x/1.PNG"),
        PairFiles("x/2", tmp_path / "train/photo/x/2.png", tmp_path / "train/label/x/2.png"),
    ]


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "a.png")
    (tmp_path / "train" / "._a.png").write_bytes(b"resource fork")
    (tmp_path / "train" / "notes.txt").write_text("")
    (tmp_path / "train" / "png").write_text("a name without a suffix")
    assert [pair.name for pair in find_pairs(tmp_path, "train")] == ["a"]


def test_linked_subfolders_are_read_once_and_loops_end(tmp_path: Path) -> None:
    draw(tmp_path / "elsewhere" / "b.png")
    draw(tmp_path / "train" / "a.png")
    (tmp_path / "train" / "linked").symlink_to(tmp_path / "elsewhere")
    assert [pair.name for pair in find_pairs(tmp_path, "train")] == ["a", "linked/b"]
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "train")
    (tmp_path / "train" / "again").symlink_to(tmp_path / "elsewhere")
    assert [pair.name for pair in find_pairs(tmp_path, "train")] == ["a", "again/b"]


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_subfolder_that_cannot_be_read_stops_the_run(
    on_error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is made, since an administrator may read everything."""
    draw(tmp_path / "train" / "a.png")
    draw(tmp_path / "train" / "locked" / "b.png")
    scandir = os.scandir

    def deny(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    words = (
        r"dataset\.root=.*found a folder that cannot be read: '.*train/locked' \(Permission denied"
    )
    with pytest.raises(SettingError, match=words):
        find_pairs(tmp_path, "train", on_error=on_error)


def test_images_beyond_the_limit_are_named_or_left_out(tmp_path: Path, told: Told) -> None:
    draw(tmp_path / "train" / "a.png")
    draw(tmp_path / "train" / "b.png", 10, 10)
    with pytest.raises(SettingError, match=r"b\.png \(an image of 10 x 10 pixels, more than"):
        find_pairs(tmp_path, "train", most_pixels=99)
    with told(r"left out 1 of 2.*b\.png"):
        found = find_pairs(tmp_path, "train", most_pixels=99, on_error="skip")
    assert [pair.name for pair in found] == ["a"]
    assert len(find_pairs(tmp_path, "train", most_pixels=100)) == 2


@pytest.mark.parametrize("root", ["x" * 256, "a/" + "y" * 300, "\x1b[2J"])
def test_roots_that_cannot_be_are_named(root: str, tmp_path: Path) -> None:
    draw(tmp_path / "train" / "a.png")
    with pytest.raises(SettingError, match=r"dataset\.root=.*found no such folder") as caught:
        find_pairs(tmp_path / root, "train")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(SettingError, match=r"dataset\.root=.*found no folder"):
        find_pairs(tmp_path, root)


def test_names_of_255_bytes_and_without_utf_8(tmp_path: Path) -> None:
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    draw(tmp_path / "train" / f"{'x' * 251}.png")
    try:
        draw(tmp_path / "train" / f"{odd}.png")
    except (SettingError, UnicodeError):
        pytest.skip("a file system that takes UTF-8 only")
    pairs = find_pairs(tmp_path, "train")
    assert [pair.name for pair in pairs] == [odd, "x" * 251]
    assert all(pair.a.is_file() for pair in pairs)
    cut(pairs[0].a)
    with pytest.raises(SettingError, match=r"caf\\udce9\.png") as caught:
        find_pairs(tmp_path, "train")
    str(caught.value).encode("utf-8")


def test_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"dataset\.root='.*gone': found no such folder"):
        find_pairs(tmp_path / "gone", "train")


def test_missing_split_lists_what_is_there(tmp_path: Path) -> None:
    draw(tmp_path / "training" / "a.png")
    with pytest.raises(SettingError, match=r"no folder 'train' .*has: training\)"):
        find_pairs(tmp_path, "train")


def test_missing_side_lists_what_is_there(tmp_path: Path) -> None:
    draw_two_folders(tmp_path, ["a"])
    with pytest.raises(SettingError, match=r"'train/mask' .*has: label, photo\).*b_folder"):
        find_pairs(tmp_path, "train", a_folder="{split}/photo", b_folder="{split}/mask")


def test_unpaired_download_is_recognised(tmp_path: Path) -> None:
    draw(tmp_path / "trainA" / "a.png")
    draw(tmp_path / "trainB" / "b.png")
    with pytest.raises(
        SettingError, match=r"trainA, trainB\).*without pairs.*type dataset=folders"
    ):
        find_pairs(tmp_path, "train")


def test_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.svg").write_text("")
    with pytest.raises(SettingError, match=r"no image in '.*train' \(other files: a\.svg\)"):
        find_pairs(tmp_path, "train")


def test_unmatched_names_are_listed_and_counted(tmp_path: Path) -> None:
    draw_two_folders(tmp_path, ["fine"])
    for number in range(12):
        draw(tmp_path / "train" / "photo" / f"p{number:02}.png")
    draw(tmp_path / "train" / "label" / "lonely.png")
    with pytest.raises(SettingError) as caught:
        find_pairs(tmp_path, "train", **TWO_FOLDERS)
    message = str(caught.value)
    assert "12 image(s) of side A without side B (p00, p01, " in message
    assert "p09 and 2 more" in message and "p10" not in message and "fine" not in message
    assert "1 of side B without side A (lonely)" in message


def test_one_name_with_two_suffixes_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "a.png")
    (tmp_path / "train" / "a.jpg").write_bytes(b"")
    with pytest.raises(SettingError, match=r"used twice .*a\.(png and a\.jpg|jpg and a\.png)"):
        find_pairs(tmp_path, "train")


def test_pairs_of_unequal_size_are_named(tmp_path: Path) -> None:
    draw_two_folders(tmp_path, ["fits", "wrong"])
    draw(tmp_path / "train" / "label" / "wrong.png", height=5)
    with pytest.raises(SettingError, match=r"1 pair.*: wrong \(A 4 x 8, B 5 x 8\)"):
        find_pairs(tmp_path, "train", **TWO_FOLDERS)


def test_side_by_side_of_odd_width_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "even.png")
    draw(tmp_path / "train" / "odd.png", width=9)
    with pytest.raises(SettingError, match=r"odd width: train/odd\.png \(width 9\)"):
        find_pairs(tmp_path, "train")


def test_damaged_files_are_named_up_to_ten(tmp_path: Path) -> None:
    for number in range(13):
        draw(tmp_path / "train" / f"{number:02}.png")
        if number != 5:
            cut(tmp_path / "train" / f"{number:02}.png")
    with pytest.raises(SettingError) as caught:
        find_pairs(tmp_path, "train")
    message = str(caught.value)
    assert "12 damaged file(s): train/00.png (a file cut short" in message
    assert "and 2 more" in message and "05.png" not in message
    assert "dataset.on_error=skip" in message


def test_skip_leaves_the_pair_out_and_counts_it(tmp_path: Path, told: Told) -> None:
    draw_two_folders(tmp_path, ["a", "b", "c", "d"])
    cut(tmp_path / "train" / "photo" / "b.png")
    cut(tmp_path / "train" / "label" / "d.png")
    with told(r"left out 2 of 4 .*photo/b\.png .*label/d\.png"):
        pairs = find_pairs(tmp_path, "train", **TWO_FOLDERS, on_error="skip")
    assert [pair.name for pair in pairs] == ["a", "c"] and pairs.skipped == 2


def test_skip_does_not_end_with_an_empty_set(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "a.png")
    cut(tmp_path / "train" / "a.png")
    with pytest.raises(SettingError, match=r"train/a\.png.*Not one pair is left"):
        find_pairs(tmp_path, "train", on_error="skip")


def test_skip_still_refuses_pairs_of_unequal_size(tmp_path: Path) -> None:
    draw_two_folders(tmp_path, ["wrong"])
    draw(tmp_path / "train" / "label" / "wrong.png", height=5)
    with pytest.raises(SettingError, match="unequal size"):
        find_pairs(tmp_path, "train", **TWO_FOLDERS, on_error="skip")


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A split of 9 pairs, where more than 8 are many; the pairs 0, 3 and 6 stand for them."""
    monkeypatch.setattr(pair_index, "MOST_EXAMINED", 8)
    monkeypatch.setattr(pair_index, "SPREAD", 3)
    for number in range(9):
        draw(tmp_path / "train" / f"{number}.png")
    return tmp_path


def test_a_large_split_is_looked_at_here_and_there(large: Path) -> None:
    cut(large / "train" / "4.png")
    draw(large / "train" / "5.png", width=9)
    assert [pair.name for pair in find_pairs(large, "train")] == [str(i) for i in range(9)]
    cut(large / "train" / "6.png")
    with pytest.raises(SettingError, match=r"1 damaged file\(s\): train/6\.png"):
        find_pairs(large, "train")


def test_a_small_split_is_looked_at_whole(large: Path) -> None:
    (large / "train" / "8.png").unlink()
    cut(large / "train" / "4.png")
    with pytest.raises(SettingError, match=r"train/4\.png"):
        find_pairs(large, "train")


def test_skip_looks_at_a_large_split_whole(large: Path, told: Told) -> None:
    cut(large / "train" / "4.png")
    with told(r"left out 1 of 9 .*4\.png"):
        pairs = find_pairs(large, "train", on_error="skip")
    assert [pair.name for pair in pairs] == list("01235678") and pairs.skipped == 1


def test_two_folders_read_as_side_by_side_are_pointed_out(tmp_path: Path, told: Told) -> None:
    draw_two_folders(tmp_path, ["a", "b"])
    with told("dataset.b_folder="):
        find_pairs(tmp_path, "train")


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (("all", None, 2), r"dataset\.a_folder='all': found one folder for 2 splits"),
        (("{split}", "labels", 3), r"dataset\.b_folder='labels': found one folder for 3"),
        (("{split}", "{split}", 1), r"dataset\.b_folder='\{split\}': found the folder of side A"),
    ],
)
def test_patterns_that_mix_splits_or_sides_are_refused(patterns: tuple, found: str) -> None:
    with pytest.raises(SettingError, match=found):
        check_patterns(*patterns)
    check_patterns("photo", "label", 1)
