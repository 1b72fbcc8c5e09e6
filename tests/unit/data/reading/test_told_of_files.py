"""What is said of a split by the headers of its files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform
from i2i.errors import SettingError

SPLITS = ("train", "val", "test")


def build(root: Path, **changes: Any) -> PairedDataModule:
    options = {
        "name": "own", "root": root, "direction": "AtoB", "input_channels": 3, "target_channels": 3,
        "a_folder": "{split}/a", "b_folder": "{split}/b", "splits": {s: s for s in SPLITS},
        "image_size": 16, "augmentation": PairedTransform(image_size=16), "batch_size": 2,
        "eval_batch_size": 2, "num_workers": 0, "seed": 0,
    }  # fmt: skip
    return PairedDataModule(**(options | changes))


def picture(file: Path, clear: bool = False) -> None:
    levels = np.random.default_rng(len(str(file))).integers(0, 256, (20, 24, 4), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels[:, :, : 4 if clear else 3]).save(file)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four pairs of which side B has three transparent pictures."""
    for n in range(4):
        picture(tmp_path / "train" / "a" / f"{n}.png")
        picture(tmp_path / "train" / "b" / f"{n}.png", clear=n > 0)
    return tmp_path


KEPT = "which is kept as the last channel, as dataset.background=keep says"
CLEAR = {
    "white": ({}, "target", "which shows white, the colour of dataset.background (keep keeps it)"),
    "a colour": ({"background": [1, 2, 3]}, "target", "which shows [1, 2, 3], the colour of "
                 "dataset.background (keep keeps it)"),
    "the other way": ({"direction": "BtoA"}, "input", "which shows white, the colour of "
                      "dataset.background (keep keeps it)"),
    "kept": ({"background": "keep", "target_channels": 4}, "target", KEPT),
    "kept elsewhere": ({"background": "keep", "input_channels": 4}, "target", "which shows white: "
                       "dataset.background=keep keeps it where dataset.target_channels is 2 or 4"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "side", "becomes"), CLEAR.values(), ids=CLEAR)
def test_transparency_is_said_with_its_side_once(
    root: Path, options: dict, side: str, becomes: str, capsys: pytest.CaptureFixture
) -> None:
    data = build(root, **options)
    for _ in range(2):
        data.files("train")
    said = [line for line in capsys.readouterr().out.splitlines() if "transparency" in line]
    assert said == [f"3 of 4 {side} files in 'train' have transparency, {becomes}"]


def test_of_side_by_side_files_no_side_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    picture(tmp_path / "train" / "0.png", clear=True)
    build(tmp_path, a_folder="{split}", b_folder=None).files("train")
    out = capsys.readouterr().out
    assert "1 of 1 files in 'train' have transparency, which shows white" in out


def array(file: Path, dtype: str, most: int) -> None:
    levels = np.random.default_rng(0).integers(0, most + 1, (20, 24, 3)).astype(dtype)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, levels)


def typed(root: Path, **types: tuple[str, int]) -> Path:
    """A pair in each split, whose target is of a type of its own."""
    for split in SPLITS:
        array(root / split / "a" / "0.npy", "uint8", 255)
        array(root / split / "b" / "0.npy", *types.get(split, ("uint16", 4095)))
    return root


def checked(data: PairedDataModule) -> None:
    data.found_values()
    data.check_types(SPLITS)


def test_a_split_of_another_type_is_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    root = typed(tmp_path, val=("int32", 4095))
    checked(build(root, target_range=[0, 4095]))
    said = [line for line in capsys.readouterr().out.splitlines() if "training had" in line]
    assert said == [
        f"Warning: target files in 'val' such as '{root / 'val' / 'b' / '0.npy'}': int32, where "
        "training had uint16; read by 0 to 4095"
    ]


def test_a_split_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    root = typed(tmp_path, test=("uint8", 255))
    with pytest.raises(SettingError, match=r"target files in 'test'.*reaches 6\.2 % of 0 to 4095"):
        checked(build(root, target_range=[0, 4095]))
    with pytest.raises(SettingError, match=r"input files in 'test'.*reaches 6\.2 % of 0 to 4095"):
        checked(build(root, input_range=[0, 4095], direction="BtoA"))


def test_one_dark_picture_among_others_is_no_misfit(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    root = typed(tmp_path, train=("uint8", 255), val=("uint16", 200), test=("uint8", 255))
    with pytest.raises(SettingError, match=r"target files in 'val'.*uint16 from 0 to 200, 0\.31 %"):
        checked(build(root))
    array(root / "val" / "a" / "1.npy", "uint8", 255)
    array(root / "val" / "b" / "1.npy", "uint16", 60000)
    checked(build(root))
    assert "b/0.npy': uint16, where training had uint8; read by 0 to 65535" in (
        capsys.readouterr().out.replace("\\", "/")
    )


def test_one_type_is_no_matter(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    checked(build(typed(tmp_path), target_range="data"))
    assert "training had" not in capsys.readouterr().out


def test_a_label_map_has_no_range(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    checked(build(typed(tmp_path), label_side="B"))
    assert "training had" not in capsys.readouterr().out


@pytest.mark.parametrize("left_out", [False, True], ids=["whole", "one left out"])
def test_domains_that_are_read_alike_are_looked_at_together(
    tmp_path: Path, left_out: bool, capsys: pytest.CaptureFixture
) -> None:
    for domain in "xyz":
        array(tmp_path / "train" / domain / "0.npy", "uint16", 65535)
        kind = "uint8" if domain == "y" else "uint16"
        array(tmp_path / "val" / domain / "0.npy", kind, 255 if domain == "y" else 65535)
        array(tmp_path / "val" / domain / "1.npy", kind, 255 if domain == "y" else 65535)
    if left_out:
        (tmp_path / "val" / "y" / "1.npy").write_bytes(b"nothing")
    data = build(tmp_path, a_folder="{split}/{domain}", b_folder=None, domains=list("xyz"),
                 pairing="labelled", splits={"train": "train", "val": "val"},
                 on_error="skip")  # fmt: skip
    data.found_values()
    data.check_types(["train", "val"])
    out = capsys.readouterr().out
    assert len(data.files("val")[0]) == 2 - left_out
    assert f"{Path('val') / 'y' / '0.npy'}': uint8, where training had uint16" in out
