"""Pairs that a CSV file names."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Told
from i2i.data.datamodule import PairedDataModule
from i2i.data.index.pair_list import PairFiles
from i2i.data.paired_transforms import PairedTransform
from i2i.errors import SettingError
from i2i.images.image_io import write_png

ROWS = [("a/1.png", "b/x.png", "train"), ("a/2.png", "b/y.png", "val"), ("a/3.png", "b/z.png", "")]
SPLITS = {"train": "train", "val": "val", "test": "test"}


def build(root: Path, **changes: object) -> PairedDataModule:
    options = {
        "name": "own", "root": root, "direction": "AtoB", "input_channels": 3,
        "target_channels": 3, "a_folder": "{split}", "splits": SPLITS, "image_size": 4,
        "augmentation": PairedTransform(image_size=4), "batch_size": 1, "eval_batch_size": 2,
        "num_workers": 0, "seed": 0, "pairs": "pairs.csv",
    }  # fmt: skip
    return PairedDataModule(**(options | changes))


def picture(file: Path, level: int, size: tuple[int, int] = (4, 4)) -> None:
    write_png(file, np.full((*size, 3), level, np.uint8))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten pictures of each side; those of b are named otherwise."""
    for n in range(10):
        picture(tmp_path / "a" / f"{n}.png", 50 + n)
        picture(tmp_path / "b" / f"t{n}.png", 150 + n)
    return tmp_path


def table(root: Path, *lines: str, name: str = "pairs.csv", encoding: str = "utf-8") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding=encoding)
    return file


def of_split(n: int, split: str) -> str:
    return f"a/{n}.png,b/t{n}.png,{split}"


def test_rows_are_pairs_in_their_order(root: Path) -> None:
    lines = [of_split(n, split) for n, split in ((3, "train"), (1, "train"), (2, "val"))]
    table(root, "input,target,split", *lines)
    data = build(root)
    (train,), (val,), (test,) = (data.files(split) for split in SPLITS)
    assert train == [PairFiles(f"a/{n}", root / f"a/{n}.png", root / f"b/t{n}.png") for n in (3, 1)]
    assert [pair.name for pair in val] == ["a/2"] and len(test) == 0
    sample = data.dataset("train")[0]
    assert sample["name"] == "a/3"
    assert sample["input"].unique().mul(127.5).add(127.5).round().tolist() == [53]
    assert sample["target"].unique().mul(127.5).add(127.5).round().tolist() == [153]


def test_the_input_column_is_side_a(root: Path) -> None:
    table(root, "input,target,split", of_split(3, "train"))
    sample = build(root, direction="BtoA").dataset("train")[0]
    assert sample["input"].unique().mul(127.5).add(127.5).round().tolist() == [153]


FORMS = {
    "semicolons": (["target;split;input", "b/t1.png;train;a/1.png"], "utf-8"),
    "tabs": (["INPUT\tTarget", "a/1.png\tb/t1.png"], "utf-8"),
    "a mark of the byte order": (["input,target", "a/1.png,b/t1.png"], "utf-8-sig"),
    "UTF-16": (["input,target", "a/1.png,b/t1.png"], "utf-16"),
    "quotes": (['"input", "target"', '"a/1.png","b/t1.png"'], "utf-8"),
    "backslashes": (["input,target", "a\\1.png,b\\t1.png"], "utf-8"),
    "further columns, spaces and empty lines": (
        ["no,input , target,note", "", "1, a/1.png ,b/t1.png,x", ",,,"], "utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_tables(form: str, root: Path) -> None:
    lines, encoding = FORMS[form]
    table(root, *lines, encoding=encoding)
    (train,) = build(root).files("train")
    assert train == [PairFiles("a/1", root / "a/1.png", root / "b/t1.png")]


def test_paths_are_below_the_table_or_the_root_or_absolute(root: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    picture(elsewhere / "far.png", 9)
    picture(root / "lists" / "near.png", 9)
    table(
        root, "input,target", f"near.png,{elsewhere / 'far.png'}", "a/1.png,b/t1.png",
        name="lists/pairs.csv",
    )  # fmt: skip
    right = [
        PairFiles("lists/near", root / "lists/near.png", elsewhere / "far.png"),
        PairFiles("a/1", root / "a/1.png", root / "b/t1.png"),
    ]
    for pairs in ("lists/pairs.csv", str(root / "lists" / "pairs.csv")):
        data = build(root, pairs=pairs)
        assert data.files("train")[0] == right
        assert data.fingerprint("train").startswith("2 images")


def test_without_splits_some_are_held_out(root: Path) -> None:
    table(root, "input,target", *(of_split(n, "")[:-1] for n in range(10)))
    data = build(root, val_from_train=0.2, test_from_train=3)
    assert [data.counted(split) for split in SPLITS] == ["5", "2", "3"]
    assert [build(root).counted(split) for split in SPLITS] == ["10", "0", "0"]
    names = [pair.name for split in SPLITS for pair in data.files(split)[0]]
    assert sorted(names) == [f"a/{n}" for n in range(10)]


def test_a_split_is_held_out_or_named(root: Path) -> None:
    table(root, "input,target,split", of_split(1, "train"), of_split(2, "val"))
    with pytest.raises(SettingError, match=r"val_from_train=0\.5: found 1 row\(s\) of val in"):
        build(root, val_from_train=0.5).files("train")


def test_splits_may_have_other_words(root: Path) -> None:
    table(root, "input,target,split", of_split(1, "fit"), of_split(2, "check"), of_split(3, "test"))
    words = {"train": "fit", "val": "check", "test": None}
    data = build(root, splits=words)
    assert [data.counted(split) for split in SPLITS] == ["1", "1", "0"]
    with pytest.raises(SettingError, match=r"2 row\(s\) of an unknown split: line 2 'fit', line 3"):
        build(root).files("train")


@pytest.mark.parametrize("pairing", ["paired", "unpaired", "labelled"])
def test_all_pairings_work_on_a_table(pairing: str, root: Path) -> None:
    table(root, "input,target", *(of_split(n, "")[:-1] for n in range(10)))
    data = build(root, pairing=pairing)
    batches = list(data.train_dataloader())
    assert len(batches) == (20 if pairing == "labelled" else 10)
    if pairing == "unpaired":
        levels = [[batch[k].add(1).mul(127.5).round().unique().item() for k in ("input", "target")]
                  for batch in batches]  # fmt: skip
        assert sorted(x for x, _ in levels) == [50 + n for n in range(10)]
        assert all(150 <= y < 160 and y - 100 != x for x, y in levels)


def test_one_input_of_several_targets_has_names_that_differ(root: Path) -> None:
    table(root, "input,target", "a/1.png,b/t1.png", "a/1.png,b/t2.png", "a/2.png,b/t2.png")
    names = [pair.name for pair in build(root).files("train")[0]]
    assert names == ["a/1+b/t1", "a/1+b/t2", "a/2"]


DAMAGED = [
    (["input,output", "a,b"], r"no column 'target' \(its first line: input, output\)"),
    (["a/1.png,b/t1.png"], r"no column 'input' \(its first line: a/1\.png, b/t1\.png\)"),
    ([""], r"no column 'input' \(its first line: nothing\)"),
    (["input,target"], "found no row"),
    (["input,target,input", "a,b,c"], "the column 'input' twice"),
    (["input,target", "a/1.png,b/t1.png", "a/2.png,"], "line 3 without an input or a target"),
    (["input,target", "a/1.png"], "line 2 without an input or a target"),
    (["input,target", "a/1.png,b/t9.jpg"], r"1 file\(s\) that are not there: line 2, target 'b/t9"),
    (["input,target,split", of_split(1, "train"), of_split(2, "valid")],
     r"1 row\(s\) of an unknown split: line 3 'valid'; expected train or val or test"),
    (["input,target,split", of_split(1, "train"), of_split(2, "")],
     r"1 row\(s\) without a split among those with one: line 3"),
    (["input,target,split", of_split(1, "train"), of_split(1, "test")],
     r"1 pair\(s\) that stand there twice: line 3 \(test\) as line 2 \(train\)"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "found"), DAMAGED)
def test_what_is_wrong_with_a_table_is_named(lines: list, found: str, root: Path) -> None:
    table(root, *lines)
    with pytest.raises(SettingError, match=found) as caught:
        build(root).files("train")
    assert "dataset.pairs='" in str(caught.value)


def test_tables_that_are_none_are_named(root: Path) -> None:
    with pytest.raises(SettingError, match=r"dataset\.pairs='gone\.csv': found .*no such file"):
        build(root, pairs="gone.csv").files("train")
    (root / "pairs.csv").write_bytes(b"input,target\n\xff\xfe\xfa,\x80\n")
    with pytest.raises(SettingError, match=r"pairs\.csv': found bytes that are no UTF-8"):
        build(root).files("train")
    with pytest.raises(SettingError, match=r"dataset\.root='.*nothing': found no such folder"):
        build(root / "nothing").files("train")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pair_by": "*_a"}, r"pair_by=\*_a: found dataset\.pairs=pairs\.csv beside it"),
        ({"has_pairs": False}, r"dataset\.pairs=pairs\.csv: found dataset\.has_pairs=false"),
        ({"pair_by": "*_a", "pairs": None, "has_pairs": False, "b_folder": "{split}b"},
         r"dataset\.pair_by=\*_a: found dataset\.has_pairs=false"),
        ({"sizes": "any"}, r"dataset\.sizes: found 'any'; expected one of equal, scale"),
        ({"sizes": "scale", "crop": 2}, r"dataset\.sizes=scale: found dataset\.crop=2"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(changes: dict, found: str, root: Path) -> None:
    with pytest.raises(SettingError, match=found):
        build(root, **changes)


def test_damaged_and_unequal_files_of_a_table_are_named(root: Path, told: Told) -> None:
    table(root, "input,target", "a/1.png,b/t1.png", "a/2.png,b/t2.png")
    picture(root / "b" / "t2.png", 7, (4, 8))
    with pytest.raises(SettingError, match=r"a/2 \(A 4 x 4, B 4 x 8\).*dataset\.sizes=scale"):
        build(root).files("train")
    (root / "b" / "t2.png").write_bytes(b"")
    with pytest.raises(SettingError, match=r"1 damaged file\(s\): b/t2\.png"):
        build(root).files("train")
    with told(r"left out 1 of 2 pairs of 'pairs\.csv \(train\)'"):
        assert build(root, on_error="skip").counted("train") == "1"


LACKS = {
    "no split": (["input,target", "a/1.png,b/t1.png", "a/2.png,b/t2.png"], {}, "val and test"),
    "train alone": (["input,target,split", of_split(1, "train")], {}, "val and test"),
    "a val held out": (["input,target", "a/1.png,b/t1.png", "a/2.png,b/t2.png"],
                       {"val_from_train": 1}, "test"),
    "no test by option": (["input,target,split", of_split(1, "train"), of_split(2, "val")],
                          {"splits": SPLITS | {"test": None}}, None),
    "all there": (["input,target,split", *map(of_split, range(3), SPLITS)], {}, None),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "options", "lacks"), LACKS.values(), ids=LACKS)
def test_a_table_without_val_or_test_says_so_once(
    root: Path, lines: list[str], options: dict, lacks: str | None, capsys: pytest.CaptureFixture
) -> None:
    table(root, *lines)
    data = build(root, **options)
    for split in SPLITS:
        data.files(split)
    said = [line for line in capsys.readouterr().out.splitlines() if "names no pairs" in line]
    assert len(said) == (lacks is not None)
    if lacks:
        typed = " ".join(f"dataset.{split}_from_train=0.1" for split in lacks.split(" and "))
        assert f"pairs.csv' names no pairs of {lacks}: type {typed} to hold" in said[0]
