"""Sides, photographs and label maps, as they are stored and as the network gets them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from i2i.data.batch_sampler import SampleKey
from i2i.data.image_dataset import ImageDataset
from i2i.data.index.pair_index import PairFiles, find_pairs
from i2i.data.paired_transforms import PairedTransform
from i2i.data.pairing import Paired
from i2i.data.reading.pair_reader import PairReader
from i2i.data.reading.sides import Side
from i2i.data.tasks.label_map import LabelTask
from i2i.errors import SettingError
from i2i.images.ids import read_ids
from i2i.images.image_io import write_png
from i2i.images.reading import Reading
from i2i.labels.palette import ClassPalette

COLOURS = {"sky": [128, 128, 128], "wall": [128, 0, 0], "road": [128, 64, 128]}
PALETTE = ClassPalette(COLOURS, unlabelled=[0, 0, 0])
IDS = np.array([[0, 1, 2, 255], [2, 2, 1, 0]], np.uint8).repeat(16, 0).repeat(16, 1)  # (32, 64)


@pytest.fixture
def files(tmp_path: Path) -> PairFiles:
    """A photograph, its label as colours; beside them the ids as palette PNG."""
    rng = np.random.default_rng(0)
    write_png(tmp_path / "photo.png", rng.integers(0, 256, (*IDS.shape, 3), dtype=np.uint8))
    write_png(tmp_path / "label.png", PALETTE.encode_colours(IDS))
    image = Image.fromarray(IDS, mode="P")
    image.putpalette([*np.array(list(COLOURS.values())).flatten().tolist(), *[0] * 759])
    image.save(tmp_path / "ids.png")
    return PairFiles("one", tmp_path / "photo.png", tmp_path / "label.png")


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
@pytest.mark.parametrize("stored", ["colours", "ids"])
def test_label_as_ids_or_colours_whatever_is_stored(
    files: PairFiles, direction: str, stored: str
) -> None:
    if stored == "ids":
        files = files._replace(b=files.b.with_name("ids.png"))
    for label_as, expected in (
        ("onehot", IDS[:, :, None]),
        ("colours", PALETTE.encode_colours(IDS)),
    ):
        reader = PairReader(direction, Reading(), Reading(), "B", PALETTE, label_as, stored)
        sides = reader.pair(files)
        label, photo = sides if direction == "BtoA" else sides[::-1]
        assert np.array_equal(label, expected)
        assert np.array_equal(photo, reader.photo(files))
        assert reader.label_role == ("input" if direction == "BtoA" else "target")


def test_side_by_side_label_is_found_on_its_side(files: PairFiles, tmp_path: Path) -> None:
    photo, label = cv2.imread(str(files.a)), cv2.imread(str(files.b))
    both = tmp_path / "both.png"
    cv2.imwrite(str(both), np.concatenate([label, photo], axis=1))
    reader = PairReader("AtoB", Reading(), Reading(), "A", PALETTE, "onehot")
    ids, right = reader.pair(PairFiles("one", both, None))
    assert np.array_equal(ids[:, :, 0], IDS)
    assert np.array_equal(right, photo[:, :, ::-1])
    assert np.array_equal(reader.photo(PairFiles("one", both, None)), photo[:, :, ::-1])


def test_single_photograph_is_read_whole(files: PairFiles) -> None:
    reader = PairReader(single=True)
    assert reader.photo(PairFiles("one", files.a, None)).shape == (*IDS.shape, 3)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("size", [[23, 41], [64, 128]])
def test_no_resize_crop_flip_or_jpeg_makes_a_new_class(
    tmp_path: Path, suffix: str, size: list[int]
) -> None:
    """Each picture has two classes of three; a mixed colour would decode as the third."""
    rng = np.random.default_rng(1)
    for i in range(3):
        two = [k for k in range(3) if k != i]
        coarse = rng.choice(two, (4, 8)).astype(np.uint8).repeat(12, 0).repeat(12, 1)
        photo = rng.integers(0, 256, (*coarse.shape, 3), dtype=np.uint8)
        both = np.concatenate([photo, PALETTE.encode_colours(coarse)], axis=1)
        (tmp_path / "train").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "train" / f"{i}.{suffix}"), both[:, :, ::-1])
    dataset = ImageDataset(
        Paired(Side(find_pairs(tmp_path, "train"), None)),
        PairReader("AtoB", Reading(), Reading(), "B", PALETTE, "onehot"),
        task=LabelTask(PALETTE, "target", "onehot"),
        transform=PairedTransform(image_size=size, enlarge=1.3, flip=0.5),
    )
    for i in range(3):
        for key in (i, *(SampleKey(i, seed) for seed in range(12))):
            one_hot = dataset[key]["target"]
            assert one_hot.shape == (3, *size)
            assert torch.equal(one_hot.sum(0), torch.full(tuple(size), -1.0))  # one 1, two -1
            assert not (one_hot[i] > 0).any()


def test_read_ids_refuses_colours(files: PairFiles) -> None:
    with pytest.raises(SettingError, match=r"3 channels of uint8.*dataset\.label_files=colours"):
        read_ids(files.b)
    assert np.array_equal(read_ids(files.b.with_name("ids.png")), IDS)


@pytest.mark.parametrize("stored", ["colours", "ids"])
def test_sides_of_unequal_size_are_named_when_read(files: PairFiles, stored: str) -> None:
    """The start-up check has not looked at each pair of a large set."""
    write_png(files.a, np.zeros((8, 6, 3), np.uint8))
    reader = PairReader("AtoB", Reading(), Reading(), "B", PALETTE, "colours", stored)
    pair = files if stored == "colours" else files._replace(b=files.b.with_name("ids.png"))
    with pytest.raises(SettingError, match=r"pair 'one'.*photo\.png.*sides of 8 x 6 and 32 x 64"):
        reader.pair(pair)


def test_an_odd_width_is_named_when_read(files: PairFiles) -> None:
    write_png(files.a, np.zeros((8, 7, 3), np.uint8))
    for read in (PairReader().pair, PairReader().photo):
        with pytest.raises(SettingError, match=r"photo\.png.*odd width 7"):
            read(PairFiles("one", files.a, None))
