"""Splits and loaders: nothing is lost, doubled, or dependent on the machine."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from conftest import Told
from i2i.data import datamodule
from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform
from i2i.data.reading import content_checks as content
from i2i.data.reading.image_cache import ImageCache, can_share
from i2i.errors import SettingError
from i2i.images.image_io import write_png
from i2i.labels.palette import ClassPalette

N_TRAIN, N_TEST = 10, 5
shares = pytest.mark.skipif(not can_share(), reason="no memory to share on this system")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for split, count in (("train", N_TRAIN), ("test", N_TEST)):
        for number in range(count):
            image = rng.integers(0, 256, (8, 16, 3), dtype=np.uint8)
            write_png(folder / split / f"{number:02}.png", image)
    return folder


def build(root: Path, **changes) -> PairedDataModule:
    options = {
        "name": "noise",
        "root": root,
        "direction": "AtoB",
        "input_channels": 3,
        "target_channels": 3,
        "a_folder": "{split}",
        "splits": {"train": "train", "val": None, "test": "test"},
        "image_size": 8,
        "augmentation": PairedTransform(image_size=8),
        "batch_size": 2,
        "eval_batch_size": 2,
        "num_workers": 0,
        "seed": 0,
    }
    return PairedDataModule(**(options | changes))


def trainer(rank: int = 0, world_size: int = 1, seen: int = 0, limit: float = 1.0):
    return SimpleNamespace(
        global_rank=rank,
        world_size=world_size,
        limit_train_batches=limit,
        lightning_module=SimpleNamespace(batches_seen=seen),
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )


def names(loader) -> list[str]:
    return [name for batch in loader for name in batch["name"]]


def same(left: dict, right: dict) -> bool:
    return left["name"] == right["name"] and all(
        torch.equal(left[key], right[key]) for key in ("input", "target", "index")
    )


def test_batches_have_the_promised_shape(root: Path) -> None:
    data = build(root, input_channels=1)
    batch = next(iter(data.train_dataloader()))
    assert batch["input"].shape == (2, 1, 8, 8) and batch["target"].shape == (2, 3, 8, 8)
    assert batch["input"].dtype == torch.float32 and batch["input"].abs().max() <= 1
    assert batch["name"] == [f"{index:02}" for index in batch["index"].tolist()]


def test_workers_change_no_batch(root: Path) -> None:
    alone, helped = build(root), build(root, num_workers=2)
    for first, second in (
        (list(alone.train_dataloader()), list(helped.train_dataloader())),
        (list(alone.test_dataloader()), list(helped.test_dataloader())),
    ):
        assert len(first) == len(second) >= 3
        assert all(same(left, right) for left, right in zip(first, second, strict=True))


@shares
@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("cache_gb", [1, 1500e-9])  # all of it; about three pairs
def test_the_cache_changes_no_batch(root: Path, num_workers: int, cache_gb: float) -> None:
    plain = build(root, val_from_train=3)
    cached = build(root, val_from_train=3, num_workers=num_workers, cache_gb=cache_gb)
    for data in (plain, cached):
        data.trainer = trainer()
    loaders = [(data.train_dataloader(), data.val_dataloader()) for data in (plain, cached)]
    for epoch in range(3):
        for data in (plain, cached):
            data.trainer.lightning_module.batches_seen = 3 * epoch
        for expected, found in zip(*loaders, strict=True):
            pairs = list(zip(expected, found, strict=True))
            assert len(pairs) in (2, 3) and all(same(left, right) for left, right in pairs)
    assert 0 < cached._cache.used <= cache_gb * 1e9


@shares
@pytest.mark.parametrize("num_workers", [0, 2])
def test_later_epochs_come_from_memory_that_the_workers_share(
    tmp_path: Path, num_workers: int
) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        image = rng.integers(0, 256, (8, 16, 3), dtype=np.uint8)
        write_png(tmp_path / "train" / f"{number:02}.png", image)
    options = {"splits": {"train": "train"}, "val_from_train": 2}
    expected = build(tmp_path, **options)
    data = build(tmp_path, **options, num_workers=num_workers, cache_gb=1)
    loaders = []
    for part in (expected, data):
        part.trainer = trainer()
        loaders.append((part.train_dataloader(), part.val_dataloader()))
    later = []
    for epoch in range(3):
        expected.trainer.lightning_module.batches_seen = 5 * epoch
        later.append([*loaders[0][0], *loaders[0][1]])
    assert len([*loaders[1][0], *loaders[1][1]]) == 6
    for file in (tmp_path / "train").iterdir():
        file.unlink()
    for epoch in (1, 2):  # in other orders: a worker needs what the other one has read
        data.trainer.lightning_module.batches_seen = 5 * epoch
        found = [*loaders[1][0], *loaders[1][1]]
        assert all(same(left, right) for left, right in zip(found, later[epoch], strict=True))


@shares
def test_only_training_keeps_images(root: Path) -> None:
    data = build(root, val_from_train=3, cache_gb=1)
    assert len(names(data.val_dataloader())) == 3 and data._cache is None  # evaluated once
    data.setup("fit")
    assert len(names(data.val_dataloader())) == 3 and data._cache.get(7 + 2) is not None
    used = data._cache.used
    assert len(names(data.loader("train"))) == 7 and data._cache.used == used


@shares
def test_the_cache_is_split_among_the_processes_of_a_machine(root: Path) -> None:
    data = build(root, cache_gb=0.001, batch_size=1)
    data.trainer = trainer(world_size=8)
    data.trainer.num_devices = 4
    data.train_dataloader()
    assert data._cache.n_bytes == 250_000


@pytest.mark.filterwarnings("ignore:'pin_memory'")
def test_a_gpu_gets_levels_and_finishes_them(root: Path) -> None:
    plain, data = build(root), build(root)
    data.trainer = trainer()
    data.trainer.strategy.root_device = torch.device("cuda")
    batches = list(data.train_dataloader())
    assert {batch["input"].dtype for batch in batches} == {torch.uint8}
    finished = [data.on_after_batch_transfer(batch, 0) for batch in batches]
    expected = list(plain.train_dataloader())
    assert len(expected) == 5
    assert all(same(left, right) for left, right in zip(finished, expected, strict=True))
    assert next(iter(data.test_dataloader()))["input"].dtype == torch.float32  # others read it too


def test_training_starts_where_the_run_stands(root: Path) -> None:
    data = build(root)
    data.trainer = trainer()
    loader = data.train_dataloader()
    stream = []
    for epoch in range(2):
        data.trainer.lightning_module.batches_seen = 5 * epoch
        stream += list(loader)
    resumed = build(root)
    resumed.trainer = trainer(seen=7)
    rest = list(resumed.train_dataloader())
    assert len(rest) == 3
    assert all(same(left, right) for left, right in zip(rest, stream[7:], strict=True))


def test_two_processes_train_on_what_one_sees_at_twice_the_batch(root: Path) -> None:
    single = build(root, batch_size=4)
    single.trainer = trainer()
    halves = []
    for rank in (0, 1):
        half = build(root)
        half.trainer = trainer(rank=rank, world_size=2)
        halves.append(list(half.train_dataloader()))
    expected = list(single.train_dataloader())
    assert len(expected) == 2
    for whole, first, second in zip(expected, *halves, strict=True):
        assert whole["name"] == first["name"] + second["name"]
        assert torch.equal(whole["input"], torch.cat([first["input"], second["input"]]))


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_evaluation_sees_every_image_in_equally_many_batches(root: Path, world_size: int) -> None:
    """Process r has every n-th image from the r-th on; the last ones may begin the split again."""
    images = [f"{number:02}" for number in range(N_TEST)]
    seen, batches = [], []
    for rank in range(world_size):
        data = build(root)
        data.trainer = trainer(rank=rank, world_size=world_size)
        batches.append(list(data.test_dataloader()))
        mine = names(batches[-1])
        assert mine[: len(images[rank::world_size])] == images[rank::world_size]
        seen += mine
    assert set(seen) == set(images) and len(seen) - N_TEST < world_size
    assert len({len(of_one) for of_one in batches}) == 1


@pytest.mark.parametrize(("processes", "todo"), [(6, "Set it to 1 or"), (11, "Add images, or s")])
def test_a_training_split_without_a_whole_batch_is_refused(
    root: Path, processes: int, todo: str
) -> None:
    build(root).check_batches(5)
    with pytest.raises(SettingError, match=f"found {N_TRAIN} training images .*{todo}"):
        build(root).check_batches(processes)


def test_evaluation_of_the_training_split_is_still_and_in_order(root: Path) -> None:
    data = build(root)
    first, second = list(data.loader("train")), list(data.loader("train"))
    assert names(first) == [f"{number:02}" for number in range(N_TRAIN)]
    assert all(same(left, right) for left, right in zip(first, second, strict=True))
    assert torch.equal(first[0]["input"][1], data.dataset("train")[1]["input"])


def test_held_out_pairs_are_spread_and_not_trained_on(root: Path) -> None:
    data = build(root, val_from_train=3)
    assert names(data.val_dataloader()) == ["01", "05", "08"]
    trained = [pair.name for pair in data.files("train")[0]]
    assert len(trained) == 7 and not {"01", "05", "08"} & set(trained)
    assert (data.set_size("train"), data.set_size("val"), data.set_size("test")) == (7, 3, N_TEST)


def test_no_validation_split_is_an_empty_list(root: Path) -> None:
    data = build(root)
    assert data.val_dataloader() == [] and data.set_size("val") == 0
    with pytest.raises(SettingError, match=r"dataset\.splits\.val=None: found no val split"):
        data.loader("val")


def test_setup_looks_only_at_the_splits_of_its_stage(root: Path) -> None:
    data = build(root, splits={"train": "missing", "test": "test"})
    data.setup("test")
    kept = data.files("test")
    data.setup("test")
    assert data.files("test") is kept
    data.setup("validate")
    for stage in ("fit", None):
        with pytest.raises(SettingError, match="no folder 'missing'"):
            data.setup(stage)


def test_source_is_asked_to_prepare_the_root(root: Path) -> None:
    asked: list[Path] = []
    build(root, source=SimpleNamespace(prepare=asked.append)).prepare_data()
    build(root).prepare_data()
    assert asked == [root]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_file_that_breaks_during_training_is_named(tmp_path: Path, num_workers: int) -> None:
    for number in range(2):
        write_png(tmp_path / "train" / f"{number}.png", np.zeros((8, 16, 3), np.uint8))
    data = build(tmp_path, splits={"train": "train"}, num_workers=num_workers)
    data.setup("fit")
    (tmp_path / "train" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SettingError, match=r"1\.png.*cut short"):
        list(data.train_dataloader())


def test_skipped_pairs_are_counted(tmp_path: Path, told: Told) -> None:
    for number in range(3):
        write_png(tmp_path / "train" / f"{number}.png", np.zeros((8, 16, 3), np.uint8))
    (tmp_path / "train" / "1.png").write_bytes(b"")
    data = build(tmp_path, splits={"train": "train"}, on_error="skip")
    with told(r"left out 1 of 3 .*1\.png"):
        data.setup("fit")
    assert data.set_size("train") == 2 and data.skipped("train") == 1


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"direction": "BtoC"}, r"dataset\.direction: found 'BtoC'.*AtoB, BtoA"),
        ({"on_error": "ignore"}, r"dataset\.on_error: found 'ignore'.*raise, skip"),
        ({"input_channels": 0}, r"dataset\.input_channels=0.*1 or more"),
        ({"target_channels": 2.5}, r"dataset\.target_channels=2.5.*whole number"),
        ({"label_side": "C"}, r"dataset\.label_side: found 'C'.*A, B, null"),
        ({"splits": {"trian": "x"}}, r"dataset\.splits: found 'trian'.*train, val, test"),
        ({"batch_size": 0}, r"dataset\.batch_size=0"),
        ({"eval_batch_size": 1.5}, r"dataset\.eval_batch_size=1\.5"),
        ({"cache_gb": -1}, r"dataset\.cache_gb=-1: found that value; expected 0 or more"),
        ({"num_workers": -1}, r"dataset\.num_workers=-1"),
        ({"image_size": 16}, r"dataset\.image_size=\[16, 16\]: found augm.*=\[8, 8\]"),
        ({"a_folder": "all"}, r"dataset\.a_folder='all'"),
        ({"b_folder": "{split}"}, r"dataset\.b_folder='\{split\}'"),
        (
            {"splits": {"train": "train", "val": "val"}, "val_from_train": 2},
            r"dataset\.val_from_train=2: found .*val=val",
        ),
    ],
)
def test_options_are_checked_at_once(root: Path, changes: dict, found: str) -> None:
    with pytest.raises(SettingError, match=found):
        build(root, **changes)


def test_too_many_held_out_and_too_large_a_batch(root: Path) -> None:
    with pytest.raises(SettingError, match=r"val_from_train=10: found 10 training pairs"):
        build(root, val_from_train=10).setup("fit")
    with pytest.raises(SettingError, match=r"batch_size=11: found 10 training images"):
        build(root, batch_size=11).train_dataloader()


class Recorder(LightningModule):
    """Counts its batches, learns nothing, and notes what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches_seen, self.trained, self.validated = 0, [], []

    def training_step(self, batch: dict, batch_idx: int) -> torch.Tensor:
        self.batches_seen += 1
        self.trained.append(batch["index"].tolist())
        return self.weight

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        self.validated += batch["name"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_under_a_real_trainer_with_a_limit(root: Path) -> None:
    module = Recorder()
    fit = Trainer(
        accelerator="cpu",
        max_epochs=3,
        limit_train_batches=2,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    fit.fit(module, datamodule=build(root, val_from_train=3))
    expected = build(root, val_from_train=3)
    stream = []
    for seen in (0, 2, 4):
        expected.trainer = trainer(seen=seen, limit=2)
        stream += [batch["index"].tolist() for batch in expected.train_dataloader()]
    assert len(stream) == 6 and module.trained == stream
    assert module.validated == ["01", "05", "08"] * 3


@pytest.mark.parametrize(("suffix", "lossy"), [("png", False), ("jpg", True)])
def test_labels_are_lossy_where_their_files_are(tmp_path: Path, suffix: str, lossy: bool) -> None:
    import cv2

    (tmp_path / "train").mkdir()
    cv2.imwrite(str(tmp_path / "train" / f"a.{suffix}"), np.zeros((8, 16, 3), np.uint8))
    splits = {"train": "train"}
    data = build(tmp_path, label_side="B", splits=splits)
    assert not data.has_lossy_labels()  # nothing was looked at yet
    data.files("train")
    assert data.has_lossy_labels() is lossy
    plain = build(tmp_path, splits=splits)
    plain.files("train")
    assert not plain.has_lossy_labels()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_large_split_checks_its_labels_as_they_are_read(tmp_path, monkeypatch, workers) -> None:
    """Of a split that is looked at in some places, a fault elsewhere stops the training."""
    palette = ClassPalette({"black": [0, 0, 0], "white": [255, 255, 255]})
    for number in range(8):
        image = np.zeros((8, 16, 3), np.uint8)
        image[:, :8] = 77 * (number % 4 == 3)  # side A, every fourth
        write_png(tmp_path / "train" / f"{number}.png", image)
    splits = {"train": "train", "val": None, "test": None}
    options = {"splits": splits, "classes": palette, "label_side": "A", "num_workers": workers}
    with pytest.raises(SettingError, match=r"in 2 of 8 label files \(3, 7\)"):
        build(tmp_path, **options).check_content()
    list(build(tmp_path, **options).train_dataloader())  # nobody asked for the check
    monkeypatch.setattr(content, "MOST_LABELS", 7)
    monkeypatch.setattr(content, "SPREAD_LABELS", 1)
    large = build(tmp_path, **options)
    large.check_content()  # 1 of 8, which is not one of the two
    with pytest.raises(SettingError, match=r"label map '.*[37]\.png': found colours that are no"):
        list(large.train_dataloader())


def test_without_shared_memory_images_are_read_each_epoch_and_that_is_said(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """As on Windows."""
    monkeypatch.setattr("i2i.data.reading.image_cache.fcntl", None)
    cache = ImageCache(1, 10_000)
    cache.put(0, (np.zeros((2, 2, 3), np.uint8),))
    assert cache.get(0) is None and cache.used == 0
    plain, asked = build(root), build(root, cache_gb=1)
    for data in (plain, asked):
        data.trainer = trainer()
    loaders = plain.train_dataloader(), asked.train_dataloader()
    for _ in range(2):
        assert all(same(a, b) for a, b in zip(*loaders, strict=True))
    assert capsys.readouterr().out.count("dataset.cache_gb: Windows shares no") == 1


@pytest.mark.parametrize(
    ("told", "all_cores", "workers"), [(3, 16, 2), (None, 6, 5), (None, None, 0)]
)
def test_workers_follow_the_cores_that_may_be_used(
    root: Path, monkeypatch: pytest.MonkeyPatch, told: Any, all_cores: Any, workers: int
) -> None:
    """Of all systems Linux alone tells which these are."""
    monkeypatch.setattr("os.cpu_count", lambda: all_cores)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(told or 0)), raising=False)
    if told is None:
        monkeypatch.delattr("os.sched_getaffinity")
    elif not hasattr(datamodule.os, "sched_getaffinity"):
        pytest.skip("no such call on this system")
    assert build(root, num_workers=None).num_workers == workers
