"""Which names belong together, by a pattern: in two folders and in one."""

from pathlib import Path

import numpy as np
import pytest

from i2i.data.index.matching import match
from i2i.data.index.pair_index import find_pairs
from i2i.data.index.pair_keys import PairKeys
from i2i.data.index.pair_list import PairFiles
from i2i.errors import SettingError
from i2i.images.image_io import write_png

TWO_FOLDERS = {"a_folder": "{split}/a", "b_folder": "{split}/b"}
CITYSCAPES = "(.*)_(leftImg8bit|gtFine_color)"


def lay(folder: Path, *names: str) -> None:
    for name in names:
        write_png(folder / f"{name}.png", np.full((4, 8, 3), 7, np.uint8))


KEYS = [
    (CITYSCAPES, 0, "aachen/aachen_0_leftImg8bit", "aachen/aachen_0"),
    (CITYSCAPES, 1, "aachen/aachen_0_gtFine_color", "aachen/aachen_0"),
    (CITYSCAPES, 1, "aachen/aachen_0_gtFine_labelIds", None),
    ("(A|B)_(.*)", 0, "A_cat", "cat"),
    (r"(.*)_(A|B)_(\d+)", 1, "cat_B_7", "cat_7"),
    (r"(\d+)_(\w+)", 0, "12_red", "12"),  # no words to choose from: the first group
    (r"(?P<key>\d+)-.*", 0, "12-red", "12"),
    (r"(.*)/(rgb|depth)/(.*)", 1, "scene/1/depth/001", "scene/1_001"),
    (r"(.*)_A\.png", 0, "cat_A", "cat"),
    ("img_(cat|dog)", 0, "img_cat", "cat"),  # the only group is the key
    (r"((a|b)\d+)_x", 0, "a1_x", "a1"),
    ("*_photo", 0, "x/1_photo", "x/1"),
    ("IMG_*.v1", 0, "IMG_1.v1", "1"),
    ({"A": "*_photo", "B": "(.*)_l(abel)?"}, 1, "x/1_label", "x/1"),
    ({"A": "*_photo", "B": "*_label"}, 1, "1_photo", None),
]


@pytest.mark.parametrize(("pattern", "side", "name", "key"), KEYS)
def test_keys(pattern: object, side: int, name: str, key: str | None) -> None:
    assert PairKeys(pattern).key(name, ".png", side) == key


@pytest.mark.parametrize("pattern", ["(.*)_(A|B)", {"A": "*_A", "B": "*_B"}])
def test_sides_of_one_folder(pattern: object) -> None:
    keys = PairKeys(pattern, one_folder=True)
    assert [keys.key("cat_A", ".png", side) for side in (0, 1)] == ["cat", None]
    assert [keys.key("cat_B", ".png", side) for side in (0, 1)] == [None, "cat"]


@pytest.mark.parametrize(
    ("pattern", "one_folder", "found"),
    [
        ("name", False, r"pair_by=name: found 0 times \* in 'name'"),
        ("*_*", False, r"found 2 times \* in"),
        ("(.*", False, r"cannot be read \(missing \)"),
        ("(?:.*)", False, "no group, so no key"),
        ("(.*)_(.*)", True, "one folder for both sides, and no group of two words"),
        ("(.*)_(a|b|c)", True, "one folder for both sides, and no group of two words"),
        ({"A": "*_a"}, False, "the names A; expected A and B"),
        ({"A": "*_a", "B": "b"}, False, r"0 times \* in 'b'"),
    ],
)
def test_patterns_that_give_no_key_are_refused(
    pattern: object, one_folder: bool, found: str
) -> None:
    with pytest.raises(SettingError, match=found) as caught:
        PairKeys(pattern, one_folder)
    assert "dataset.pair_by=" in str(caught.value) and "'(.*)_(photo|label)'" in str(caught.value)


def test_two_patterns_are_for_two_sides() -> None:
    PairKeys({"A": "*_a", "B": "*_b"}).require_for(2)
    PairKeys("*_a").require_for(3)
    with pytest.raises(SettingError, match="two patterns for 3 domains"):
        PairKeys({"A": "*_a", "B": "*_b"}).require_for(3)


def test_cityscapes_as_it_is_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Beside each colour label lie its ids, its instances and its outlines."""
    for place in ("aachen/aachen_1", "ulm/ulm_0"):
        lay(tmp_path / "leftImg8bit" / "train", f"{place}_leftImg8bit")
        kinds = ("color", "labelIds", "instanceIds")
        lay(tmp_path / "gtFine" / "train", *(f"{place}_gtFine_{kind}" for kind in kinds))
        (tmp_path / "gtFine" / "train" / f"{place}_gtFine_polygons.json").write_text("{}")
    folders = {"a_folder": "leftImg8bit/{split}", "b_folder": "gtFine/{split}"}
    pairs = find_pairs(tmp_path, "train", **folders, pair_by=PairKeys(CITYSCAPES))
    a, b = tmp_path / "leftImg8bit/train", tmp_path / "gtFine/train"
    assert pairs == [
        PairFiles(
            f"{city}/{city}_{n}",
            a / f"{city}/{city}_{n}_leftImg8bit.png",
            b / f"{city}/{city}_{n}_gtFine_color.png",
        )
        for city, n in (("aachen", 1), ("ulm", 0))
    ]
    told = capsys.readouterr().out
    assert "4 of 6 image(s) passed over, whose names dataset.pair_by does not match: aachen" in told
    assert "2 other files passed over: 2 .json" in told


def test_both_sides_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    lay(tmp_path / "train", "cat_A", "cat_B", "dog_B", "dog_A", "odd")
    at = tmp_path / "train"
    pairs = find_pairs(tmp_path, "train", pair_by=PairKeys("(.*)_(A|B)", one_folder=True))
    assert pairs == [
        PairFiles(name, at / f"{name}_A.png", at / f"{name}_B.png") for name in ("cat", "dog")
    ]
    assert "1 of 5 image(s) passed over" in capsys.readouterr().out
    (at / "dog_B.png").unlink()
    with pytest.raises(SettingError, match=r"1 image\(s\) of side A without side B \(dog\)"):
        find_pairs(tmp_path, "train", pair_by=PairKeys("(.*)_(A|B)", one_folder=True))
    with pytest.raises(SettingError, match=r"1 name\(s\) of both sides in .*: cat_A"):
        both = PairKeys({"A": "(cat)_A", "B": "(.*)_[AB]"}, one_folder=True)
        find_pairs(tmp_path, "train", pair_by=both)


def test_what_a_pattern_does_not_tell_apart_is_refused_by_name(tmp_path: Path) -> None:
    lay(tmp_path / "train" / "a", "x_1", "x_2", "y_1")
    lay(tmp_path / "train" / "b", "x_1", "y_1")
    with pytest.raises(SettingError, match=r"1 key\(s\) of several files .*x \(x_1, x_2\)"):
        find_pairs(tmp_path, "train", **TWO_FOLDERS, pair_by=PairKeys("(.*)_.*"))
    with pytest.raises(SettingError, match=r"none of 3 names in .* that it matches: x_1, x_2, y_1"):
        find_pairs(tmp_path, "train", **TWO_FOLDERS, pair_by=PairKeys("*-photo"))
    with pytest.raises(SettingError, match=r"without side B \(x_2\).*or correct dataset.pair_by"):
        find_pairs(tmp_path, "train", **TWO_FOLDERS, pair_by=PairKeys("(.*)"))


def test_names_that_follow_a_rule_are_told_the_rule(tmp_path: Path) -> None:
    lay(tmp_path / "train" / "a", "1_photo", "2_photo")
    lay(tmp_path / "train" / "b", "1_label", "2_label")
    with pytest.raises(SettingError) as caught:
        find_pairs(tmp_path, "train", **TWO_FOLDERS)
    assert "type \"dataset.pair_by={A: '*_photo', B: '*_label'}\"" in str(caught.value)


DECOMPOSED = "caf" + "e\u0301"


def test_unicode_forms_and_letter_case(capsys: pytest.CaptureFixture) -> None:
    found = match(["café", "dog"], [DECOMPOSED, "dog"])
    assert found.partner == {"café": DECOMPOSED, "dog": "dog"}
    assert list(found.partner) == ["café", "dog"]
    assert capsys.readouterr().out == ""
    assert match(["Cat", "CAFÉ"], ["cat", DECOMPOSED]).partner == {"Cat": "cat", "CAFÉ": DECOMPOSED}
    assert "2 pair(s) whose names differ in letter case" in capsys.readouterr().out


def test_what_is_ambiguous_is_not_matched() -> None:
    assert match(["Cat", "x"], ["cat", "CAT"]) == ({}, ["Cat", "x"], ["CAT", "cat"])
    assert match(["cat", "Cat"], ["cat", "CAT"]) == ({"cat": "cat"}, ["Cat"], ["CAT"])
    both = ["café", DECOMPOSED]  # as two files, where the file system tells them apart
    assert match(both, both[::-1]).partner == {name: name for name in both}
    assert match(["café"], both) == ({"café": "café"}, [], [DECOMPOSED])


def test_pairs_of_two_unicode_forms_are_read_from_their_own_files(tmp_path: Path) -> None:
    lay(tmp_path / "train" / "a", "café", "b")
    lay(tmp_path / "train" / "b", DECOMPOSED, "b")
    pairs = find_pairs(tmp_path, "train", **TWO_FOLDERS)
    assert [pair.name for pair in pairs] == ["b", "café"]
    assert all(pair.a.is_file() and pair.b.is_file() for pair in pairs)
