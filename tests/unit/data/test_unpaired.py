"""Data sets whose samples are no pairs: two sides that do not belong together."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import Told
from flat_pictures import SIZE, build, fill, picture, same, trainer, which, with_pairs
from i2i.data import batches
from i2i.data.paired_transforms import PairedTransform
from i2i.data.reading.image_cache import can_share
from i2i.data.tasks.colorization import Colorization
from i2i.errors import SettingError
from i2i.images.image_io import write_png
from i2i.labels.palette import ClassPalette

KEYS = ("index", "input_index", "target_index")
shares = pytest.mark.skipif(not can_share(), reason="no memory to share on this system")
BLACK_WHITE = ClassPalette({"black": [0, 0, 0], "white": [255, 255, 255]})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "sides", {"train": (7, 5), "test": (2, 3)})


def test_a_training_batch_says_which_pictures_it_holds(root: Path) -> None:
    loader = build(root).train_dataloader()
    assert len(loader) == 7
    for batch in loader:
        assert list(batch) == [
            "input", "target", "name", "index", "input_index", "target_index", "target_name"
        ]  # fmt: skip
        x, y = batch["input_index"].item(), batch["target_index"].item()
        assert which(batch["input"]) == (0, x) and which(batch["target"]) == (1, y)
        assert batch["name"] == [f"horse{x}"] and batch["target_name"] == [f"zebra{y}"]
        assert batch["index"].item() == x  # of the larger side
        assert not batches.paired(batch) and set(batches.images(batch)) == {"input", "target"}
        assert batch["input"].shape == batch["target"].shape == (1, 3, SIZE, SIZE)


def test_direction_swaps_the_sides(root: Path) -> None:
    data = build(root, direction="BtoA")
    seen = list(data.train_dataloader())
    assert all(which(batch["input"])[0] == 1 and which(batch["target"])[0] == 0 for batch in seen)
    assert sorted(batch["target_index"].item() for batch in seen) == list(range(7))
    assert {batch["target_name"][0] for batch in seen} == {f"horse{i}" for i in range(7)}
    assert data.counted("train") == "5 + 7" and data.set_size("train") == 7


def test_a_set_of_pairs_trains_without_partners_and_is_evaluated_with_them(tmp_path: Path) -> None:
    data = with_pairs(tmp_path)
    pairs = with_pairs(tmp_path, pairing="paired")
    for batch in data.train_dataloader():
        x, y = batch["input_index"].item(), batch["target_index"].item()
        assert x != y and which(batch["input"]) == (0, x) and which(batch["target"]) == (1, y)
    for found, expected in zip(data.test_dataloader(), pairs.test_dataloader(), strict=True):
        assert same(found, expected) and batches.paired(found)
    assert same(data.dataset("train")[3], pairs.dataset("train")[3])


def test_pairs_in_two_folders_are_read_by_the_side(tmp_path: Path) -> None:
    """Two files for a sample, not four: those that are not asked for may be away."""
    for side, folder in enumerate(("a", "b")):
        for number in range(2):
            write_png(tmp_path / "train" / folder / f"{number}.png", picture(side, number))
    folders = {"a_folder": "{split}/a", "b_folder": "{split}/b", "splits": {"train": "train"}}
    data = build(tmp_path, has_pairs=True, pairing="unpaired", **folders)
    dataset = data.train_dataloader().dataset
    (tmp_path / "train" / "a" / "1.png").unlink()
    (tmp_path / "train" / "b" / "0.png").unlink()
    key = next(iter(data.train_dataloader().batch_sampler))[0]._replace(index=0)
    sample = dataset[key]
    assert which(sample["input"]) == (0, 0) and which(sample["target"]) == (1, 1)


def test_each_side_is_jittered_by_itself(tmp_path: Path) -> None:
    ramp = np.arange(3 * SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE, 3)
    for number in range(2):
        write_png(tmp_path / "train" / f"{number}.png", np.hstack([ramp, ramp]))
    options = {"splits": {"train": "train"}, "augmentation": PairedTransform(image_size=SIZE)}
    equal = []
    for pairing in ("paired", "unpaired"):
        data = build(
            tmp_path, a_folder="{split}", b_folder=None, has_pairs=True, pairing=pairing, **options
        )
        data.trainer = trainer()
        loader, seen = data.train_dataloader(), []
        for epoch in range(10):
            data.trainer.lightning_module.batches_seen = 2 * epoch
            seen += [torch.equal(batch["input"], batch["target"]) for batch in loader]
        equal.append(sum(seen))
    assert equal[0] == 20 and equal[1] < 12


@pytest.mark.parametrize("make", [build, with_pairs])
def test_training_goes_on_at_any_batch(root: Path, make) -> None:
    jitter = PairedTransform(image_size=SIZE)
    data = make(root, augmentation=jitter)
    data.trainer = trainer()
    loader, stream = data.train_dataloader(), []
    for epoch in range(2):
        data.trainer.lightning_module.batches_seen = len(loader) * epoch
        stream += list(loader)
    for seen in range(len(stream)):
        resumed = make(root, augmentation=jitter)
        resumed.trainer = trainer(seen=seen)
        rest = list(resumed.train_dataloader())
        expected = stream[seen : (seen // len(loader) + 1) * len(loader)]
        assert all(same(a, b) for a, b in zip(rest, expected, strict=True)) and rest


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_see_together_what_one_sees(root: Path, processes: int) -> None:
    jitter = PairedTransform(image_size=SIZE)
    single = build(root, batch_size=processes, augmentation=jitter)
    parts = []
    for rank in range(processes):
        part = build(root, augmentation=jitter)
        part.trainer = trainer(rank, processes)
        parts.append(list(part.train_dataloader()))
    expected = list(single.train_dataloader())
    assert len(expected) == 7 // processes
    for whole, *mine in zip(expected, *parts, strict=True):
        assert same(whole, {
            key: torch.cat([part[key] for part in mine]) if torch.is_tensor(value)
            else [name for part in mine for name in part[key]] for key, value in whole.items()
        })  # fmt: skip


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_evaluation_visits_each_picture_of_each_side(root: Path, processes: int) -> None:
    seen = []
    for rank in range(processes):
        data = build(root)
        data.trainer = trainer(rank, processes)
        for batch in data.loader("train"):
            rows = zip(*(batch[key].tolist() for key in KEYS), strict=True)
            for row, image, target in zip(rows, batch["input"], batch["target"], strict=True):
                assert which(image) == (0, row[1]) and which(target) == (1, row[2])
                seen.append(row)
    assert set(seen) == {(i, i % 7, i % 5) for i in range(7)}
    assert len(seen) - 7 < processes


@pytest.mark.parametrize("counts", [(1, 4), (4, 1), (1, 1)])
def test_one_picture_on_one_side(tmp_path: Path, counts: tuple[int, int]) -> None:
    data = build(fill(tmp_path, {"train": counts, "test": counts}))
    assert len(list(data.train_dataloader())) == len(data.dataset("test")) == max(counts)


def test_one_pair_is_its_own_partner(tmp_path: Path) -> None:
    (batch,) = with_pairs(tmp_path, 1).train_dataloader()
    assert batch["input_index"] == batch["target_index"] == 0


def test_held_out_pictures_are_spread_over_each_side(root: Path) -> None:
    data = build(root, val_from_train=0.4)
    held = [[file.name for file in side] for side in data.files("val")]
    assert held == [["horse1", "horse3", "horse5"], ["zebra1", "zebra3"]]
    kept = [[file.name for file in side] for side in data.files("train")]
    assert kept == [["horse0", "horse2", "horse4", "horse6"], ["zebra0", "zebra2", "zebra4"]]
    assert (data.set_size("train"), data.set_size("val"), data.set_size("test")) == (4, 3, 3)
    assert data.counted("val") == "3 + 2"
    with pytest.raises(SettingError, match=r"val_from_train=5: found 5 training images in '.*B'"):
        build(root, val_from_train=5).files("train")


@pytest.mark.parametrize(("x", "y"), [(1, 3), (3, 1)])
def test_sides_of_different_channels(root: Path, x: int, y: int) -> None:
    data = build(root, input_channels=x, target_channels=y, batch_size=2)
    batch = next(iter(data.train_dataloader()))
    assert batch["input"].shape == (2, x, SIZE, SIZE)
    assert batch["target"].shape == (2, y, SIZE, SIZE)
    assert next(iter(data.test_dataloader()))["target"].shape == (2, y, SIZE, SIZE)


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
@pytest.mark.parametrize("label_as", ["colours", "onehot"])
def test_a_label_map_on_one_side(tmp_path: Path, direction: str, label_as: str) -> None:
    """It keeps its colours, and only its files are searched for others."""
    fill(tmp_path, {"train": (3, 0)})
    for number in range(2):
        label = np.zeros((5, 7, 3), np.uint8)
        label[:, number + 1 :] = 255
        write_png(tmp_path / "trainB" / f"label{number}.png", label)
    role = "target" if direction == "AtoB" else "input"
    options = {"direction": direction, "label_side": "B", "classes": BLACK_WHITE,
               "label_as": label_as, "splits": {"train": "train"},
               "augmentation": PairedTransform(image_size=SIZE),
               f"{role}_channels": 2 if label_as == "onehot" else 3}  # fmt: skip
    data = build(tmp_path, **options)
    data.check_content()
    assert not data.has_lossy_labels()
    for batch in data.train_dataloader():
        assert batch[role].shape[1] == options[f"{role}_channels"]
        assert set(batch[role].unique().tolist()) <= {-1.0, 0.0, 1.0}
    write_png(tmp_path / "trainB" / "label1.png", picture(0, 5))
    with pytest.raises(SettingError, match=r"colours that are no class.*\(label1\)"):
        build(tmp_path, **options).check_content()


def test_a_lone_label_map_takes_part_in_further_transforms(tmp_path: Path) -> None:
    import albumentations

    fill(tmp_path, {"train": (2, 0)})
    label = np.zeros((SIZE, SIZE, 3), np.uint8)
    label[:, :2] = 255
    write_png(tmp_path / "trainB" / "label.png", label)
    turned = [albumentations.HorizontalFlip(p=1)]
    augmentation = PairedTransform(image_size=SIZE, enlarge=1, flip=False, further=turned)
    data = build(tmp_path, label_side="B", classes=BLACK_WHITE, splits={"train": "train"},
                 augmentation=augmentation)  # fmt: skip
    target = next(iter(data.train_dataloader()))["target"]
    assert (target[..., -2:] == 1).all() and (target[..., :-2] == -1).all()


@pytest.mark.parametrize("two_files", [False, True])
def test_input_and_target_come_from_two_photographs(tmp_path: Path, two_files: bool) -> None:
    """A task, unpaired: the lightness of one photograph and the colours of another."""
    rng = np.random.default_rng(0)
    folders = ("{split}/a", "{split}/b") if two_files else ("{split}", None)
    for number in range(3):
        for folder in ("a", "b") if two_files else ("",):
            photo = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
            write_png(tmp_path / "train" / folder / f"{number}.png", photo)
    task = Colorization(input_channels=1, target_channels=2)
    options = {"task": task, "single": not two_files, "input_channels": 1, "target_channels": 2,
               "splits": {"train": "train"}, "has_pairs": True,
               "a_folder": folders[0], "b_folder": folders[1]}  # fmt: skip
    pairs = build(tmp_path, **options).dataset("train")
    for batch in build(tmp_path, pairing="unpaired", **options).train_dataloader():
        x, y = batch["input_index"].item(), batch["target_index"].item()
        assert x != y
        assert torch.equal(batch["input"][0], pairs[x]["input"])
        assert torch.equal(batch["target"][0], pairs[y]["target"])


@shares
@pytest.mark.parametrize("make", [build, with_pairs])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_memory_keeps_each_picture_once(root: Path, make, num_workers: int) -> None:
    jitter = {"augmentation": PairedTransform(image_size=SIZE), "val_from_train": 2}
    plain, kept = make(root, **jitter), make(root, **jitter, cache_gb=1, num_workers=num_workers)
    loaders = []
    for data in (plain, kept):
        data.trainer = trainer()
        loaders.append((data.train_dataloader(), data.val_dataloader()))
    epochs = []
    for epoch in range(12):
        for data in (plain, kept):
            data.trainer.lightning_module.batches_seen = len(loaders[0][0]) * epoch
        if epoch == 11:  # by now each picture was drawn once
            for file in [*root.glob("train*/*.png")]:
                file.unlink()
            assert all(same(a, b) for a, b in zip(epochs, loaders[1][0], strict=True))
            return
        expected = [*loaders[0][0], *loaders[0][1]]
        found = [*loaders[1][0], *loaders[1][1]]
        assert all(same(a, b) for a, b in zip(expected, found, strict=True))
        if epoch == 10:
            plain.trainer.lightning_module.batches_seen = len(loaders[0][0]) * 11
            epochs = list(loaders[0][0])


@pytest.mark.filterwarnings("ignore:'pin_memory'")
@pytest.mark.parametrize("pairing", ["unpaired", "labelled"])
def test_a_gpu_gets_levels_and_finishes_them(root: Path, pairing: str) -> None:
    plain, data = build(root, pairing=pairing), build(root, pairing=pairing)
    data.trainer = trainer()
    data.trainer.strategy.root_device = torch.device("cuda")
    for raw, expected in zip(data.train_dataloader(), plain.train_dataloader(), strict=True):
        assert {image.dtype for image in batches.images(raw).values()} == {torch.uint8}
        assert same(data.on_after_batch_transfer(raw, 0), expected)


def test_what_a_run_was_trained_on_covers_both_sides_and_the_pairing(root: Path) -> None:
    found = {
        build(root).fingerprint("train"),
        build(root, pairing="labelled").fingerprint("train"),
        build(root, direction="BtoA").fingerprint("train"),
    }
    (root / "trainB" / "zebra4.png").rename(root / "trainB" / "zebra5.png")
    found.add(build(root).fingerprint("train"))
    (root / "trainA" / "horse6.png").rename(root / "trainA" / "horse7.png")
    found.add(build(root).fingerprint("train"))
    assert len(found) == 5


def test_of_pairs_it_is_what_it_was(tmp_path: Path) -> None:
    pairs = with_pairs(tmp_path, pairing=None)
    assert pairs.pairing == "paired"
    assert pairs.fingerprint("train") == pairs.files("train")[0].fingerprint()
    assert with_pairs(tmp_path).fingerprint("train").startswith("unpaired: 6 images, names ")


@pytest.mark.parametrize("damage", ["trainA", "trainB"])
def test_damaged_pictures_are_named_or_left_out(root: Path, damage: str, told: Told) -> None:
    file = sorted((root / damage).iterdir())[2]
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(SettingError, match=rf"1 damaged file\(s\): {damage}/{file.name}"):
        build(root).setup("fit")
    data = build(root, on_error="skip")
    with told(rf"left out 1 of [57] images of '{damage}'"):
        data.setup("fit")
    assert data.skipped("train") == 1
    assert data.counted("train") == ("6 + 5" if damage == "trainA" else "7 + 4")
    assert len(list(data.train_dataloader())) == (6 if damage == "trainA" else 7)


@pytest.mark.parametrize("damage", ["trainA", "trainB", "testB"])
def test_a_missing_or_an_empty_side_is_named(root: Path, damage: str) -> None:
    for file in (root / damage).iterdir():
        file.unlink()
    with pytest.raises(SettingError, match=rf"no image in '.*{damage}' .*Put the images there"):
        build(root).setup(None)
    (root / damage).rmdir()
    key = "a_folder" if damage == "trainA" else "b_folder"
    with pytest.raises(SettingError, match=rf"no folder '{damage}' .*dataset\.{key} says"):
        build(root).setup(None)


PHOTO = {"task": Colorization(input_channels=1, target_channels=2)}
PHOTO |= {"input_channels": 1, "target_channels": 2}
LABELLED = {"pairing": "labelled"}
DOMAINS = {"a_folder": "{split}/{domain}", "b_folder": None}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pairing": "pared"}, r"dataset\.pairing: found 'pared'.*paired, unpaired, labelled, nul"),
        ({"pairing": "paired"}, r"=paired: found data set 'horses', wh.*dataset=maps.*=unpaired"),
        ({"b_folder": None}, r"dataset\.has_pairs=false: found one folder.*dataset\.b_folder"),
        (PHOTO, r"task: found one that makes pairs.*dataset=photos"),
        (LABELLED | {"input_channels": 1}, r"in.*s=1 and .*s=3 for '{split}A' and '{split}B'"),
        (LABELLED | {"label_side": "B"}, r"labelled: found a label map.*label_side=null"),
        (LABELLED | PHOTO | {"has_pairs": True}, r"labelled: found a task"),
        ({"domains": ["a", "b", "c"]}, r"=\['a', 'b', 'c'\]: found 3 names for two sides"),
        (DOMAINS | {"b_folder": "{split}B"}, r"dataset\.b_folder='{split}B': found a second"),
        ({"domains": "horse"}, r"dataset\.domains=horse: found one word; expected a list"),
        ({"has_pairs": "no"}, r"dataset\.has_pairs: found 'no'"),
        ({"has_labels": 1.5}, r"dataset\.has_labels: found '1.5'"),
        (
            {"has_labels": True, "has_pairs": True},
            r"has_labels=true: found dataset\.has_pairs=true",
        ),
        (
            {"has_labels": True, "pairing": "unpaired"},
            r"=unpaired: found data set 'horses', a set o",
        ),
        (
            {"has_labels": True, "pairing": "paired"},
            r"=paired: found data set 'horses', a set of pi",
        ),
        (
            {"has_labels": True, "direction": "BtoA"},
            r"direction=BtoA: found a set of pictu",
        ),
        ({"attributes": ["Male"]}, r"dataset\.attributes: found dataset\.has_labels=false"),
        (DOMAINS, r"dataset\.domains=\[\]: found 0 domain"),
        (DOMAINS | {"domains": ["a", "a"]}, r"found 1 domain\(s\) in 2"),
        (DOMAINS | {"domains": ["a", "b", "c"]}, r"=unpaired: found 3 domains.*pairing=labelled"),
        ({"input_channels": 0}, r"dataset\.input_channels=0.*expected a whole number of 1 or more"),
    ],
)
def test_what_does_not_go_together_is_refused_at_once(
    root: Path, changes: dict[str, Any], found: str
) -> None:
    with pytest.raises(SettingError, match=found) as caught:
        build(root, **changes)
    assert all(part in str(caught.value) for part in (": found ", "; expected ", ". "))
