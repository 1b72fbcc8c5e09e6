"""Sets of classes: digits of scikit-learn, sets of torchvision, folders of one's own."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig
from torchvision import datasets

from conftest import CONF, ROOT
from i2i.config.domains import settle_domains
from i2i.config.resolvers import learns_from, register
from i2i.data.datamodule import PairedDataModule
from i2i.data.digits import Digits
from i2i.data.idx_pictures import IdxPictures
from i2i.errors import SettingError
from i2i.images.image_io import write_png

CLOTHES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat"]
CLOTHES += ["Sandal", "Shirt", "Sneaker", "Bag", "Ankle_boot"]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))


def composed(*options: str) -> DictConfig:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", ["run_dir=run", "dataset.num_workers=0", *options])


def files(root: Path) -> dict[str, bytes]:
    return {f.relative_to(root).as_posix(): f.read_bytes() for f in root.rglob("*.png")}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets") / "digits"
    Digits().prepare(root)
    return root


def grey(file: Path) -> np.ndarray:
    return cv2.imread(str(file), cv2.IMREAD_UNCHANGED)


def test_the_digits_are_all_there_and_each_once(digits: Path) -> None:
    table = metadata.distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    rows = np.loadtxt(
        gzip.decompress(Path(str(table)).read_bytes()).decode().split(), delimiter=","
    )
    found = sorted(digits.rglob("*.png"), key=lambda file: file.name)
    assert [int(file.stem) for file in found] == list(range(1797))
    for file, row in zip(found, rows, strict=True):
        assert int(file.parent.name) == row[-1]
        assert np.array_equal(grey(file), np.round(row[:-1].reshape(8, 8) * 255 / 16))
    assert grey(found[0]).dtype == np.uint8


def test_each_class_is_divided_alike_and_from_the_seed(digits: Path, tmp_path: Path) -> None:
    counts = {
        split: [len(list((digits / split / str(c)).iterdir())) for c in range(10)]
        for split in ("train", "val", "test")
    }
    assert {split: sum(of_class) for split, of_class in counts.items()} == {
        "train": 1259, "val": 269, "test": 269,
    }  # fmt: skip
    assert set(counts["val"]) == set(counts["test"]) == {26, 27}
    Digits().prepare(tmp_path / "again")
    Digits(seed=1).prepare(tmp_path / "other")
    assert files(tmp_path / "again") == files(digits) != files(tmp_path / "other")
    with pytest.raises(SettingError, match=r'"seed": 0.*Name another folder'):
        Digits(seed=1).prepare(digits)


def test_digits_go_through_the_whole_data_path(digits: Path) -> None:
    cfg = composed("dataset=digits", f"dataset.root={digits}", "dataset.batch_size=16")
    assert cfg.augmentation.flip == 0 and cfg.augmentation.enlarge == 1
    data = instantiate(cfg.dataset)
    data.prepare_data()
    assert data.domains == tuple("0123456789") and data.pairing == "labelled"
    assert data.counted("train") == "1259 (in 10 domains)"
    assert not data.has_pairs and data.set_size("train") == 1259 and data.smaller_side("val") == 26
    seen = list(data.train_dataloader())
    assert len(seen) == 1259 // 16 and list(seen[0]) == ["input", "label", "name", "index"]
    for batch in seen[:3]:
        assert batch["input"].shape == (16, 1, 8, 8) and batch["label"].dtype == torch.int64
        for image, label, name in zip(batch["input"], batch["label"], batch["name"], strict=True):
            stored = grey(digits / "train" / str(label.item()) / f"{name}.png")
            assert torch.equal(image[0], torch.from_numpy(stored / np.float32(127.5) - 1))
    labels = torch.cat([batch["label"] for batch in data.test_dataloader()])
    assert labels.bincount().tolist() == [
        len(list((digits / "test" / str(c)).iterdir())) for c in range(10)
    ]


def test_some_of_the_classes(digits: Path) -> None:
    options = ["dataset=digits", f"dataset.root={digits}", "dataset.domains=[7,2]"]
    data = instantiate(composed(*options).dataset)
    assert data.domains == ("7", "2")
    first, last = data.dataset("val")[0], data.dataset("val")[-1 % data.set_size("val")]
    assert (first["label"], last["label"]) == (0, 1)
    assert (digits / "val" / "7" / f"{first['name']}.png").exists()


def test_labelled_pictures_are_mirrored_as_all_others(digits: Path) -> None:
    options = ["dataset=digits", f"dataset.root={digits}", "dataset.batch_size=8"]
    plain, mirrored = (
        {batch["index"][i].item(): image
         for batch in instantiate(composed(*options, flip).dataset).train_dataloader()
         for i, image in enumerate(batch["input"])}
        for flip in ("augmentation.flip=0", "augmentation.flip=1")
    )  # fmt: skip
    assert plain.keys() == mirrored.keys() and len(plain) == 1256
    assert all(torch.equal(image.flip(-1), mirrored[index]) for index, image in plain.items())


@pytest.mark.parametrize(
    "damage",
    [
        None,
        b"",
        b"no gzip",
        gzip.compress(b"1,2,3\n4,5,6\n"),
        gzip.compress(b"\xff" * 99),
        gzip.compress(b"17," * 64 + b"0"),
    ],
    ids=["absent", "empty", "no gzip", "few numbers", "no text", "a level of 17"],
)
def test_a_damaged_table_is_named(damage: bytes | None, tmp_path: Path) -> None:
    if damage is not None:
        (tmp_path / "table.gz").write_bytes(damage)
    with pytest.raises(SettingError, match=r"table\.gz: found a file that cannot be read .*: pip"):
        Digits(table=tmp_path / "table.gz").prepare(tmp_path / "digits")
    assert not (tmp_path / "digits").exists()


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(SettingError, match=r"no package scikit-learn.* Run: pip install sc"):
        Digits().prepare(tmp_path / "digits")


@pytest.mark.parametrize(
    ("option", "found"),
    [({"seed": -1}, "seed=-1"), ({"val": 0.0}, r"val=0\.0"), ({"test": 1}, "test=1"),
     ({"val": 0.5, "test": 0.5}, r"val=0\.5 and test=0\.5")],
)  # fmt: skip
def test_other_shares_are_refused(option: dict, found: str) -> None:
    with pytest.raises(SettingError, match=found):
        Digits(**option)


def idx(array: np.ndarray) -> bytes:
    """The format of LeCun's files: type (8: bytes), number of axes, their lengths, the bytes."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def raw(counts: dict[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    rng, found = np.random.default_rng(seed), {}
    for split, count in counts.items():
        found[f"{split}-images-idx3-ubyte"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        found[f"{split}-labels-idx1-ubyte"] = np.arange(count) * 7 % 10
    return found


@pytest.fixture
def raw_folder(tmp_path: Path) -> Path:
    for kind in ("MNIST", "FashionMNIST"):
        (tmp_path / "raw" / kind / "raw").mkdir(parents=True)
        for name, array in raw({"train": 60, "t10k": 20}).items():
            (tmp_path / "raw" / kind / "raw" / name).write_bytes(idx(array))
    return tmp_path / "raw"


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_files_of_torchvision_become_folders_of_classes(
    name: str, raw_folder: Path, tmp_path: Path
) -> None:
    options = [f"dataset={name}", f"data_dir={tmp_path}", f"dataset.source.folder={raw_folder}"]
    cfg = composed(*options, "dataset.batch_size=4")
    data = instantiate(cfg.dataset)
    data.prepare_data()
    assert list(data.domains) == (list("0123456789") if name == "mnist" else CLOTHES)
    assert [data.set_size(split) for split in ("train", "val", "test")] == [50, 10, 20]
    arrays = raw({"train": 60, "t10k": 20})
    images = arrays["t10k-images-idx3-ubyte"]
    for batch in data.test_dataloader():
        assert batch["input"].shape[1:] == (1, 28, 28)
        for image, label, file in zip(batch["input"], batch["label"], batch["name"], strict=True):
            assert label == arrays["t10k-labels-idx1-ubyte"][int(file)]
            expected = torch.from_numpy(images[int(file)] / np.float32(127.5) - 1)
            assert torch.equal(image[0], expected)
    data.prepare_data()  # which finds it whole


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server that stands for both mirrors, and torchvision's sums of its files."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder, resources = tmp_path / "served", []
    folder.mkdir()
    for name, array in raw({"train": 30, "t10k": 10}).items():
        packed = gzip.compress(idx(array), mtime=0)
        (folder / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"http://127.0.0.1:{http.server_port}/"])
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    yield folder
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_download_is_checked_and_leaves_pictures_only(served: Path, tmp_path: Path) -> None:
    source = IdxPictures("MNIST", list("0123456789"))
    source.prepare(tmp_path / "mnist")
    found = files(tmp_path / "mnist")
    assert len(found) == 40 and "test/3/00009.png" in found  # 9 * 7 = 63
    rest = {f.name for f in (tmp_path / "mnist").rglob("*") if f.is_file() and f.suffix != ".png"}
    assert rest == {"built_in.json"}


@pytest.mark.parametrize("fault", ["sum", "away", "no idx"])
def test_a_download_that_fails_leaves_nothing(
    fault: str, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = served / "t10k-images-idx3-ubyte.gz"
    if fault == "away":
        file.unlink()
    else:
        file.write_bytes(gzip.compress(b"\0" * 99, mtime=0))
    if fault == "no idx":
        sums = [(f.name, hashlib.md5(f.read_bytes()).hexdigest()) for f in served.iterdir()]
        monkeypatch.setattr(datasets.MNIST, "resources", sums)
    with pytest.raises(SettingError, match=r"folder=null: found no MNIST \(.*=DIR\.") as caught:
        IdxPictures("MNIST", list("0123456789")).prepare(tmp_path / "mnist")
    assert ("t10k-images" in str(caught.value)) == (fault != "no idx")
    assert [path.name for path in tmp_path.iterdir()] == ["served"]


def test_a_raw_folder_without_the_files_is_said(tmp_path: Path) -> None:
    source = IdxPictures("MNIST", list("0123456789"), tmp_path / "nowhere")
    with pytest.raises(SettingError, match=r"nowhere'.*found no MNIST \(.*train-\*-ubyte"):
        source.prepare(tmp_path / "mnist")
    assert list(tmp_path.iterdir()) == []


def test_labels_beyond_the_classes_and_other_names_are_refused(
    raw_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=r"found no MNIST \(a class 9 of 3\)"):
        IdxPictures("MNIST", ["a", "b", "c"], raw_folder).prepare(tmp_path / "mnist")
    with pytest.raises(SettingError, match=r"source\.classes=\[a/b,c\]: found 2 name"):
        IdxPictures("MNIST", ["a/b", "c"])
    with pytest.raises(SettingError, match=r"dataset\.source\.dataset: found 'CIFAR10'"):
        IdxPictures("CIFAR10", ["a", "b"])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Flat pictures of classes whose names end in numbers; beside them what is no class."""
    for split, count in (("train", 3), ("val", 1), ("test", 2)):
        for number, name in enumerate(("class10", "class2", "Katze ü", "class1")):
            for i in range(count):
                flat = np.full((8, 10, 3), 60 * number + i, np.uint8)
                write_png(tmp_path / "own" / split / name / f"{i}.png", flat)
        (tmp_path / "own" / split / ".hidden").mkdir()
        (tmp_path / "own" / split / "notes.txt").touch()
    return tmp_path / "own"


def settled(root: Path, *options: str) -> DictConfig:
    size = "dataset.image_size=8"
    cfg = composed("dataset=class_folders", f"dataset.root={root}", size, *options)
    settle_domains(cfg)
    return cfg


def build(root: Path, *options: str) -> PairedDataModule:
    return instantiate(settled(root, *options).dataset)


def test_own_classes_are_found_in_natural_order(own: Path) -> None:
    cfg = settled(own)
    assert cfg.dataset.domains == ["Katze ü", "class1", "class2", "class10"]
    data = instantiate(cfg.dataset)
    assert data.domains == ("Katze ü", "class1", "class2", "class10")
    test = data.dataset("test")
    levels = [round((test[i]["input"].mean().item() + 1) * 127.5) for i in range(8)]
    assert levels == [120, 121, 180, 181, 60, 61, 0, 1]
    assert [test[i]["label"] for i in range(8)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert build(own, "dataset.domains=[class10,class1]").set_size("train") == 6


def test_a_part_of_each_own_class_is_held_out(own: Path) -> None:
    data = build(own, "dataset.splits.val=null", "dataset.val_from_train=0.3")
    assert data.counted("train") == "2 + 2 + 2 + 2" and data.counted("val") == "1 + 1 + 1 + 1"


def test_one_class_or_none_is_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "train" / "cat" / "0.png", np.zeros((8, 8, 3), np.uint8))
    options = ["dataset.splits.val=null", "dataset.splits.test=null"]
    with pytest.raises(SettingError, match=r"found 1 class\(es\) in 'train': cat; expected two"):
        settled(tmp_path, *options)
    (tmp_path / "train" / "cat").rename(tmp_path / "cat")
    with pytest.raises(SettingError, match=r"found 0 class\(es\) in 'train': no folder; expected"):
        settled(tmp_path, *options)
    with pytest.raises(Exception, match=r"dataset\.domains=\[cat\]: found 1 domain"):
        build(tmp_path, "dataset.domains=[cat]")
    with pytest.raises(SettingError, match=r"no such folder"):
        settled(tmp_path / "nowhere")


def test_a_class_without_pictures_in_a_split_is_named(own: Path) -> None:
    (own / "val" / "class2" / "0.png").unlink()
    with pytest.raises(SettingError, match=r"no image in '.*val.class2' .*Put the images there"):
        build(own).setup(None)
    (own / "val" / "class2").rmdir()
    with pytest.raises(SettingError, match=r"found no class 'class2' in 'val'; expected the same"):
        settled(own)
    (own / "val" / "class2").mkdir()
    (own / "test" / "class3").mkdir()
    with pytest.raises(SettingError, match=r"found no class 'class3' in 'train'; exp"):
        settled(own)


def test_names_that_cannot_be_settled_are_refused(own: Path) -> None:
    (own / "train" / "${seed}").mkdir()
    with pytest.raises(SettingError, match=r"found a class '\$\{seed\}'; expected names without"):
        settled(own)
    with pytest.raises(SettingError, match=r"domains=null: found dataset\.a_folder='\{split\}_\{d"):
        settled(own, "dataset.a_folder='{split}_{domain}'")


def test_domains_above_the_splits_are_found_too(tmp_path: Path) -> None:
    for domain, split in [(d, s) for d in ("a", "b") for s in ("train", "val", "test")]:
        write_png(tmp_path / domain / split / "0.png", np.zeros((8, 8, 3), np.uint8))
    cfg = settled(tmp_path, "dataset.a_folder='{domain}/{split}'")
    assert cfg.dataset.domains == ["a", "b"]


def test_the_help_lists_the_sets_of_labels() -> None:
    text = learns_from()
    assert "dataset=celeba or class_folders or digits or fashion_mnist or mnist: labelled" in text
    assert "model=cyclegan learns from unpaired images" in text


def test_splits_share_no_picture(digits: Path) -> None:
    contents = {s: set(files(digits / s).values()) for s in ("train", "val", "test")}
    assert all(contents.values())
    for one, other in combinations(contents, 2):
        assert not contents[one] & contents[other]
