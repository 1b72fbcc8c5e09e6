"""Sides of unequal sizes are refused, or scaled where ``dataset.sizes=scale`` says so."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Told
from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform, resize_image
from i2i.errors import SettingError
from i2i.images.image_io import write_png
from i2i.labels.palette import ClassPalette

SIZE = 16
PALETTE = {"black": [0, 0, 0], "white": [255, 255, 255], "red": [255, 0, 0]}


def picture(seed: int, side: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def label(seed: int, side: int) -> np.ndarray:
    colours = np.array([*PALETTE.values()], np.uint8)
    return colours[np.random.default_rng(seed).integers(0, 3, (side, side))]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Photographs of 32 x 32, labels of 8 x 8 and one of 32 x 32."""
    for split in ("train", "val"):
        for n in range(4):
            write_png(tmp_path / split / "photo" / f"{n}.png", picture(n, 32))
            write_png(tmp_path / split / "label" / f"{n}.png", label(n, 32 if n == 3 else 8))
    return tmp_path


def build(root: Path, **changes: object) -> PairedDataModule:
    options = {
        "name": "own", "root": root, "direction": "AtoB", "input_channels": 3,
        "target_channels": 3, "a_folder": "{split}/photo", "b_folder": "{split}/label",
        "splits": {"train": "train", "val": "val"}, "image_size": SIZE,
        "augmentation": PairedTransform(image_size=SIZE, flip=0), "batch_size": 1,
        "eval_batch_size": 4, "num_workers": 0, "seed": 0, "sizes": "scale",
    }  # fmt: skip
    return PairedDataModule(**(options | changes))


def levels(image: object) -> np.ndarray:
    return image.add(1).mul(127.5).round().byte().permute(1, 2, 0).numpy()


def test_unequal_sizes_are_refused_with_the_option_that_scales(root: Path) -> None:
    with pytest.raises(SettingError, match=r"3 pair\(s\) of unequal size.*dataset\.sizes=scale"):
        build(root, sizes="equal").files("train")


@pytest.mark.numeric
@pytest.mark.parametrize("label_side", [None, "B"])
def test_each_side_is_scaled_once_to_the_size_of_the_images(
    root: Path, label_side: str | None
) -> None:
    data = build(root, label_side=label_side).dataset("val")
    for n in range(4):
        small, large = label(n, 32 if n == 3 else 8), picture(n, 32)
        found = data[n]
        assert np.array_equal(
            levels(found["input"]), resize_image(large, (SIZE, SIZE), label=False)
        )
        right = resize_image(small, (SIZE, SIZE), label=label_side is not None)
        assert np.array_equal(levels(found["target"]), right)
    if label_side:  # by hand: the nearest pixel's centre
        assert np.array_equal(levels(data[0]["target"]), label(0, 8).repeat(2, 0).repeat(2, 1))


def test_a_label_map_keeps_its_classes_through_scaling_and_jitter(root: Path) -> None:
    classes = ClassPalette(PALETTE)
    options = {"label_side": "B", "classes": classes, "label_as": "onehot", "target_channels": 3}
    for batch in build(root, **options, cache_gb=0.001).train_dataloader():
        assert batch["input"].shape == batch["target"].shape == (1, 3, SIZE, SIZE)
        assert (batch["target"].sum(1) == -1).all()  # one class a pixel


def test_the_cache_changes_nothing(root: Path) -> None:
    plain, cached = build(root), build(root, cache_gb=0.01)
    for _ in range(2):
        for one, other in zip(plain.train_dataloader(), cached.train_dataloader(), strict=True):
            assert one["input"].equal(other["input"]) and one["target"].equal(other["target"])


def test_domains_and_other_pairings_are_scaled_too(root: Path) -> None:
    domains = {"a_folder": "{split}/{domain}", "b_folder": None, "domains": ["photo", "label"]}
    assert build(root, **domains).counted("train") == "4"
    for batch in build(root, **domains, pairing="labelled").loader("val"):
        assert batch["answers"].shape[1:] == (2, 3, SIZE, SIZE)
    assert len(list(build(root, pairing="unpaired").train_dataloader())) == 4
    for n in range(4):
        write_png(root / "train" / "more" / f"{n}.png", picture(n, 24))
    three = domains | {"domains": ["photo", "label", "more"], "pairing": "labelled"}
    assert build(root, **three).counted("train") == "4 + 4 + 4"
    with pytest.raises(SettingError, match=r"of unequal size.*dataset\.sizes=scale"):
        build(root, **three, sizes="equal").files("train")


def test_other_proportions_are_said(root: Path, told: Told) -> None:
    write_png(root / "train" / "label" / "1.png", np.zeros((8, 12, 3), np.uint8))
    with told(r"1 pair\(s\) have sides of other proportions.*A 32 x 32"):
        build(root).files("train")
