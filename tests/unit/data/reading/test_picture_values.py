"""Ranges of a data set: what is found in its files, and what is refused."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform, resize_image
from i2i.data.tasks.colorization import Colorization
from i2i.errors import SettingError
from i2i.images.picture_kind import PictureKind
from i2i.images.values import Values
from i2i.labels.palette import ClassPalette

PALETTE = ClassPalette({"a": [0, 0, 0], "b": [255, 0, 0]}, None)


def write_side(root: Path, side: str, images: list[np.ndarray]) -> None:
    (root / "train" / side).mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        np.save(root / "train" / side / f"{i}.npy", image)


def build(root: Path, **changes: Any) -> PairedDataModule:
    options = {
        "name": "own", "root": root, "direction": "AtoB", "input_channels": 1, "target_channels": 1,
        "a_folder": "{split}/a", "b_folder": "{split}/b", "splits": {"train": "train"},
        "image_size": 16, "augmentation": PairedTransform(image_size=16), "batch_size": 2,
        "eval_batch_size": 2, "num_workers": 0, "seed": 0,
    }  # fmt: skip
    return PairedDataModule(**(options | changes))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """8 bits on one side, 12 bits in 16 on the other."""
    rng = np.random.default_rng(0)
    write_side(tmp_path, "a", [rng.integers(0, 256, (20, 24)).astype(np.uint8) for _ in range(4)])
    write_side(tmp_path, "b", [rng.integers(0, 4096, (20, 24)).astype(np.uint16) for _ in range(4)])
    return tmp_path


def test_types_are_found_and_a_small_part_of_one_is_said(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    data = build(root)
    data.setup("fit")
    assert data.found_values() == {
        "input": {"type": "uint8", "low": 0, "high": 255},
        "target": {"type": "uint16", "low": 0, "high": 65535},
    }
    assert data.task.kinds["target"] == PictureKind(Values("uint16", 0, 65535))
    lines = [line for line in capsys.readouterr().out.splitlines() if "Warning" in line]
    assert len(lines) == 1 and "dataset.target_range=type: the 4 training files" in lines[0]
    assert "6.2 % of uint16, 0 to 65535" in lines[0] and "dataset.target_range=[" in lines[0]
    data.setup("fit")
    assert capsys.readouterr().out == ""


def test_a_range_is_read_written_and_not_warned_of(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    data = build(root, target_range=[0, 4095])
    data.setup("fit")
    assert "Warning" not in capsys.readouterr().out
    assert data.task.kinds["target"].values == Values("uint16", 0, 4095)
    y = data.dataset("train")[0]["target"]
    assert y.min() < -0.6 and y.max() > 0.6
    assert build(root).dataset("train")[0]["target"].max() < -0.8


@pytest.mark.numeric
def test_percentiles_are_those_of_numpy(root: Path, capsys: pytest.CaptureFixture) -> None:
    data = build(root, target_range="data")
    found = data.found_values()["target"]
    values = np.concatenate([np.load(f).ravel() for f in sorted((root / "train/b").iterdir())])
    low, high = np.percentile(values, (0.1, 99.9))
    assert (found["low"], found["high"]) == (np.floor(low), np.ceil(high))
    assert "dataset.target_range=data: [" in capsys.readouterr().out
    again = build(root, target_range="data")
    again.take_values({"input": found, "target": {"type": "uint16", "low": 7.0, "high": 9.0}})
    assert again.found_values()["target"]["low"] == 7  # no file is looked at any more
    assert again.reader.target.values == (7.0, 9.0)


def test_plain_sets_find_nothing(root: Path) -> None:
    write_side(root, "b", [np.load(root / "train" / "a" / f"{i}.npy") for i in range(4)])
    data = build(root)
    data.setup("fit")
    assert data.found_values() is None and data.task.kinds["target"] == PictureKind()


def test_percentiles_that_nobody_kept_are_refused(root: Path) -> None:
    with pytest.raises(SettingError, match=r"dataset\.input_range=data: found a checkpoint"):
        build(root, input_range="data").take_values(None)


def test_one_value_everywhere_has_no_percentiles(root: Path) -> None:
    write_side(root, "b", [np.full((20, 24), 7, np.uint16)] * 4)
    with pytest.raises(SettingError, match=r"dataset\.target_range=data: found the value 7"):
        build(root, target_range="data").found_values()


def test_halves_of_one_file_have_ranges_of_their_own(tmp_path: Path) -> None:
    both = np.concatenate([np.full((16, 16), 100), np.full((16, 16), 1000)], 1).astype(np.uint16)
    both[0, 0] = 0
    for i in range(2):
        (tmp_path / "train").mkdir(exist_ok=True)
        np.save(tmp_path / "train" / f"{i}.npy", both)
    data = build(
        tmp_path, a_folder="{split}", b_folder=None, input_range=[0, 100], target_range=[500, 1500]
    )
    sample = data.dataset("train")[0]
    assert sample["input"][0, 0].tolist() == [-1] + [1] * 15
    assert sample["target"].abs().max() < 1e-6


def test_bands_are_resized_jittered_and_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for side, bands in (("a", 7), ("b", 2)):
        write_side(tmp_path, side, [rng.random((40, 40, bands), np.float32) for _ in range(4)])
    data = build(tmp_path, input_channels=7, target_channels=2, input_shown=[6, 0, 3])
    data.setup("fit")
    assert data.task.kinds["input"].shown == (6, 0, 3) and data.task.kinds["target"].shown == (0,)
    batch = next(iter(data.train_dataloader()))
    assert batch["input"].shape == (2, 7, 16, 16) and batch["target"].shape == (2, 2, 16, 16)


@pytest.mark.numeric
@pytest.mark.parametrize("size", [(10, 12), (40, 50), (20, 60)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_many_channels_are_resized_as_each_alone(size: tuple[int, int], dtype: type) -> None:
    image = (np.random.default_rng(0).random((23, 31, 9)) * 255).astype(dtype)
    for label in (False, True):
        alone = [
            resize_image(np.ascontiguousarray(image[:, :, c : c + 1]), size, label=label)
            for c in range(9)
        ]
        found = resize_image(image, size, label=label).astype(np.float64)
        assert found == pytest.approx(
            np.concatenate(alone, axis=2), abs=1 if dtype == np.uint8 else 0.01
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"input_range": [0, 1], "label_side": "A"},
            r"input_range=\[0\.0, 1\.0\]: found a label map",
        ),
        ({"target_range": "data", "label_side": "B"}, "target_range=data: found a label map"),
        (
            {"label_side": "B", "classes": PALETTE, "label_as": "onehot", "target_channels": 2,
             "target_shown": [0]}, r"target_shown=\[0\]: found a label map",
        ),
        (
            {"task": Colorization(input_channels=1, target_channels=2), "target_channels": 2,
             "target_range": [0, 1]}, r"target_range=\[0\.0, 1\.0\]: found a task \(Colorization\)",
        ),
        ({"input_shown": [1]}, r"dataset\.input_shown=\[1\]: found 1 channels"),
        ({"input_range": [3, 2]}, r"dataset\.input_range=\[3, 2\]"),
        ({"found": {"input": {"type": "uint8"}}}, r"dataset\.found"),
        ({"input_channels": 0}, r"dataset\.input_channels=0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(changes: dict, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=words):
        build(tmp_path, **changes)


def test_unreadable_files_are_passed_over_only_where_that_is_asked(root: Path) -> None:
    (root / "train" / "b" / "2.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(SettingError, match=r"2\.npy"):
        build(root).found_values()


def test_pngs_of_16_bits_are_the_same_numbers(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 65536, (16, 16)).astype(np.uint16)
    for side in ("a", "b"):
        (tmp_path / "train" / side).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "train" / "a" / "0.png"), image)
    np.save(tmp_path / "train" / "b" / "0.npy", image)
    sample = build(tmp_path).dataset("train")[0]
    assert sample["input"].equal(sample["target"])
