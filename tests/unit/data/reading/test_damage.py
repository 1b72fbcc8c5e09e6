"""Files that turn out to be damaged when they are read: stopped at, or left out."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from conftest import Told
from i2i.data.batch_sampler import ResumableBatchSampler, SampleKey
from i2i.data.collate import collate
from i2i.data.datamodule import PairedDataModule
from i2i.data.image_dataset import ImageDataset
from i2i.data.index import examined
from i2i.data.paired_transforms import PairedTransform
from i2i.data.reading import damage
from i2i.data.reading.damage import in_its_place
from i2i.errors import SettingError
from i2i.images.stored import ImageError

N = 12
BAD = (3, 7)


def cut_and_closed(file: Path) -> None:
    """Leaves the frame of a JPEG as it is, and half of its pixels."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] + b"\xff\xd9")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        for number in range(N):
            image = np.random.default_rng(number).integers(0, 256, (32, 64, 3), dtype=np.uint8)
            data = cv2.imencode(".jpg", image)[1].tobytes()
            (tmp_path / split / f"{number:02}.jpg").write_bytes(data)
    return tmp_path


@pytest.fixture(autouse=True)
def no_set_is_small(monkeypatch) -> None:
    """So that damage is found when a file is read."""
    monkeypatch.setattr(examined, "SMALL", 0)


def module(root: Path, **options) -> PairedDataModule:
    options = {"on_error": "skip", "num_workers": 0} | options
    return PairedDataModule(
        name="set", root=root, direction="AtoB", input_channels=3, target_channels=3,
        a_folder="{split}", splits={split: split for split in ("train", "val", "test")},
        image_size=16, augmentation=PairedTransform(image_size=16, enlarge=1.2, flip=0.5),
        batch_size=2, eval_batch_size=4, seed=1, **options,
    )  # fmt: skip


def damaged(root: Path, split: str) -> None:
    for number in BAD:
        cut_and_closed(root / split / f"{number:02}.jpg")


def training(data: PairedDataModule) -> ImageDataset:
    return data._dataset("train", training=True)


def batches(dataset: ImageDataset, rank: int = 0, size: int = 1, start: int = 0, **loading) -> list:
    sampler = ResumableBatchSampler(
        len(dataset), 2, seed=5, rank=rank, world_size=size, position=lambda: start
    )
    return list(DataLoader(dataset, batch_sampler=sampler, collate_fn=collate, **loading))


def test_another_picture_takes_the_place_and_it_follows_from_the_key(root: Path) -> None:
    damaged(root, "train")
    keys = [SampleKey(BAD[0], seed) for seed in range(20)]
    first, second = ([training(module(root))[key] for key in keys] for _ in range(2))
    for one, other, key in zip(first, second, keys, strict=True):
        assert one["index"] == other["index"] and one["index"] not in BAD
        assert torch.equal(one["input"], other["input"])
        places = [place.index for place in in_its_place(key, N)]
        assert one["index"] == next(place for place in places if place not in BAD)
    assert len({sample["name"] for sample in first}) > 5  # not always the same one


def test_whole_pictures_are_what_they_are_without_damage(root: Path) -> None:
    keys = [SampleKey(index, 9) for index in range(N) if index not in BAD]
    before = [training(module(root))[key] for key in keys]
    damaged(root, "train")
    after = [training(module(root))[key] for key in keys]
    for one, other in zip(before, after, strict=True):
        assert one["name"] == other["name"] and torch.equal(one["input"], other["input"])


def test_batches_are_the_same_resumed_in_several_processes_and_by_workers(root: Path) -> None:
    damaged(root, "train")
    whole = batches(training(module(root)))
    names = [name for batch in whole for name in batch["name"]]
    assert len(names) == N and not {f"{number:02}" for number in BAD} & {*names}
    for resumed, batch in zip(batches(training(module(root)), start=3), whole[3:], strict=True):
        assert torch.equal(resumed["input"], batch["input"])
    for loaded, batch in zip(batches(training(module(root)), num_workers=2), whole, strict=True):
        assert loaded["name"] == batch["name"] and torch.equal(loaded["input"], batch["input"])
    both = batches(training(module(root)), 0, 2), batches(training(module(root)), 1, 2)
    shared = [b["name"] for pair in zip(*both, strict=True) for b in pair]
    assert shared == [b["name"] for b in whole]


@pytest.mark.parametrize("workers", [0, 2])
def test_it_is_said_once_and_counted(root: Path, workers: int, capfd) -> None:
    damaged(root, "train")
    data = module(root)
    dataset = training(data)
    for _ in range(3):
        batches(dataset, num_workers=workers)
    said = [line for line in capfd.readouterr().out.splitlines() if "takes its place" in line]
    assert 1 <= len(said) <= max(1, workers) and "damaged image data" in said[0]
    assert len(dataset.unreadable) == len(BAD)
    data._unreadable = dataset.unreadable
    data.teardown("fit")
    assert "2 of 12 training pictures could not be read" in capfd.readouterr().out


def test_without_skip_training_stops_at_the_file(root: Path) -> None:
    damaged(root, "train")
    dataset = training(module(root, on_error="raise"))
    assert dataset.unreadable is None
    with pytest.raises(ImageError, match=r"train/03\.jpg'.*damaged image data.*on_error=skip"):
        dataset[SampleKey(3, 0)]


def test_a_split_without_a_whole_picture_ends(root: Path) -> None:
    for number in range(N):
        cut_and_closed(root / "train" / f"{number:02}.jpg")
    with pytest.raises(ImageError, match="damaged image data"):
        training(module(root))[SampleKey(0, 0)]


@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluation_leaves_them_out_beforehand(root: Path, split: str, told: Told) -> None:
    damaged(root, split)
    data = module(root)
    with told(r"left out 2 of 12 in .*03\.jpg.*07\.jpg"):
        assert data.set_size(split) == N - len(BAD)
    assert data.skipped(split) == len(BAD)
    names = [name for batch in data.loader(split) for name in batch["name"]]
    assert names == [f"{number:02}" for number in range(N) if number not in BAD]
    stops = module(root, on_error="raise")
    assert stops.set_size(split) == N
    with pytest.raises(ImageError, match=rf"{split}/03\.jpg"):
        list(stops.loader(split))


def test_pictures_held_out_of_training_are_looked_at_too(root: Path, told: Told) -> None:
    damaged(root, "train")
    splits = {"train": "train", "val": None, "test": "test"}
    data = PairedDataModule(
        name="set", root=root, direction="AtoB", input_channels=3, target_channels=3,
        a_folder="{split}", splits=splits, val_from_train=0.5, image_size=16,
        augmentation=PairedTransform(image_size=16), batch_size=2, eval_batch_size=4, seed=1,
        on_error="skip", num_workers=0,
    )  # fmt: skip
    with told("left out"):
        n_val = data.set_size("val")
    held = {name for batch in data.loader("val") for name in batch["name"]}
    assert len(held) == n_val < N // 2 and not held & {"03", "07"}


def test_a_place_of_several_domains_goes_as_a_whole(root: Path, told: Told) -> None:
    damaged(root, "val")
    for number in range(N):  # the other domain, whole
        data = (root / "test" / f"{number:02}.jpg").read_bytes()
        (root / "val" / "b").mkdir(exist_ok=True)
        (root / "val" / "a").mkdir(exist_ok=True)
        (root / "val" / "b" / f"{number:02}.jpg").write_bytes(data)
        (root / "val" / f"{number:02}.jpg").rename(root / "val" / "a" / f"{number:02}.jpg")
    data = PairedDataModule(
        name="set", root=root, direction="AtoB", input_channels=3, target_channels=3,
        a_folder="{split}/{domain}", domains=["a", "b"], pairing="labelled",
        splits={"train": None, "val": "val", "test": None}, image_size=16,
        augmentation=PairedTransform(image_size=16), batch_size=2, eval_batch_size=4, seed=1,
        on_error="skip", num_workers=0,
    )  # fmt: skip
    with told("left out 2"):
        lists = data.files("val")
    for files in lists:
        assert [file.name for file in files] == [
            f"{number:02}" for number in range(N) if number not in BAD
        ]


def test_a_small_set_is_decoded_before_training(root: Path, monkeypatch, told: Told) -> None:
    damaged(root, "train")
    monkeypatch.setattr(examined, "SMALL", 10**7)
    with pytest.raises(SettingError, match=r"2 damaged file\(s\): train/03\.jpg \(damaged image"):
        module(root, on_error="raise").files("train")
    with told("left out 2 of 12 pairs"):
        assert module(root).set_size("train") == N - len(BAD)


def test_the_search_for_another_one_ends() -> None:
    keys = list(in_its_place(SampleKey(0, 3), 5))
    assert len(keys) == damage.MOST_DRAWN and {key.index for key in keys} == set(range(5))


def test_a_training_split_that_is_evaluated_leaves_them_out(root: Path, told: Told) -> None:
    damaged(root, "train")
    data = module(root)
    assert data.set_size("train") == N  # trained on, others take their places
    with told(r"left out 2 of 12 in .*03\.jpg.*07\.jpg"):
        data.evaluate_train()
    names = [name for batch in data.loader("train") for name in batch["name"]]
    assert names == [f"{number:02}" for number in range(N) if number not in BAD]
    stops = module(root, on_error="raise")
    stops.evaluate_train()
    with pytest.raises(ImageError, match=r"train/03\.jpg"):
        list(stops.loader("train"))
