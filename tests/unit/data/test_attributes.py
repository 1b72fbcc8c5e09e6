"""A set of pictures with attributes, as CelebA's files say them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from conftest import CONF, ROOT, Told
from i2i.config.resolvers import register
from i2i.data.datamodule import PairedDataModule
from i2i.errors import SettingError
from i2i.images.image_io import write_png

NAMES = ["Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
# By picture: its part, and its attributes in that order.
FACES = {
    "000001": (0, [-1, 1, -1, -1, 1, 1]), "000002": (2, [-1, -1, 1, -1, -1, 1]),
    "000003": (0, [-1, -1, -1, 1, -1, -1]), "000004": (1, [1, -1, -1, -1, 1, -1]),
    "000005": (0, [-1, 1, -1, -1, -1, 1]), "000006": (2, [-1, -1, -1, 1, 1, 1]),
}  # fmt: skip
Damage = Callable[[Path], object]


def attribute_lines() -> list[str]:
    """As in the file: lines of pictures end in a blank, numbers are aligned."""
    rows = (f"{n}.jpg {' '.join(f'{v:2d}' for v in values)} " for n, (_, values) in FACES.items())
    return [str(len(FACES)), " ".join(NAMES) + " ", *rows]


def face(number: int) -> np.ndarray:
    """Grey by its number inside the middle 10 rows of 14, white above and below."""
    picture = np.full((14, 10, 3), 255, np.uint8)
    picture[2:12] = 20 * number
    return picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, name in enumerate(FACES, 1):
        write_png(tmp_path / "img_align_celeba" / f"{name}.png", face(number))
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(attribute_lines()) + "\n")
    parts = "".join(f"{name}.jpg {part}\n" for name, (part, _) in FACES.items())
    (tmp_path / "list_eval_partition.txt").write_text(parts)
    return tmp_path


def build(root: Path, *options: str) -> PairedDataModule:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", [
            "run_dir=run", "dataset=celeba", f"dataset.root={root}", "dataset.crop=10",
            "dataset.image_size=10", "dataset.batch_size=3", "dataset.num_workers=0", *options,
        ])  # fmt: skip
    return instantiate(cfg.dataset)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))


def level(image: torch.Tensor) -> float:
    return (image.mean().item() + 1) * 127.5


def test_the_papers_selection_in_the_official_parts(root: Path) -> None:
    data = build(root)
    assert data.domains == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
    assert data.pairing == "labelled" and not data.has_pairs
    assert [data.set_size(split) for split in ("train", "val", "test")] == [3, 1, 2]
    (batch,) = data.train_dataloader()
    assert list(batch) == ["input", "label", "name", "index"]
    assert batch["input"].shape == (3, 3, 10, 10)
    assert batch["label"].dtype == torch.float32 and batch["label"].shape == (3, 5)
    for name, label, image in zip(batch["name"], batch["label"], batch["input"], strict=True):
        part, values = FACES[name]
        assert part == 0 and label.tolist() == [float(value == 1) for value in values[1:]]
        assert level(image) == pytest.approx(20 * int(name), abs=0.01)  # the middle alone
    (batch,) = data.test_dataloader()
    assert batch["name"] == ["000002", "000006"] and batch["index"].tolist() == [0, 1]
    assert batch["label"].tolist() == [[0, 1, 0, 0, 1], [0, 0, 1, 1, 1]]


def test_attributes_stand_in_the_order_that_is_asked_for(root: Path) -> None:
    data = build(root, "dataset.attributes=[Young,Bald]")
    assert data.domains == ("Young", "Bald")
    assert [data.dataset("val")[0]["label"].tolist()] == [[0, 1]]


def test_labels_follow_what_is_held_out_or_left_out(root: Path, told: Told) -> None:
    data = build(root, "dataset.splits.val=null", "dataset.val_from_train=1")
    held, trained = data.dataset("val"), data.dataset("train")
    assert [held[0]["name"], trained[0]["name"], trained[1]["name"]] == [
        "000003", "000001", "000005",
    ]  # fmt: skip
    assert held[0]["label"].tolist() == [0, 0, 1, 0, 0]
    assert trained[1]["label"].tolist() == [1, 0, 0, 0, 1]
    (root / "img_align_celeba" / "000001.png").write_bytes(b"no picture")
    with pytest.raises(SettingError, match=r"1 damaged file\(s\): img_align_celeba/000001\.png"):
        build(root).setup("fit")
    data = build(root, "dataset.on_error=skip")
    with told(r"left out 1 of 3 images of 'img_align_celeba \(train\)'"):
        data.setup("fit")
    assert data.dataset("train")[0]["label"].tolist() == [0, 0, 1, 0, 0]


def line(file: str, number: int, text: str) -> Damage:
    def change(root: Path) -> None:
        lines = (root / file).read_text().splitlines()
        lines[number] = text
        (root / file).write_text("\n".join(lines))

    return change


ATTR, PART, PICTURES = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda r: (r / PART).unlink(), rf"found no {PART} in it; .*mmlab\.ie\.cuhk\.edu\.hk"),
        (lambda r: (r / PICTURES).rename(r / "x"), rf"found no {PICTURES} in it; .* by hand"),
        (lambda r: r.rename(r.with_name("y")), r"dataset\.root='.*': found no such folder"),
        (lambda r: (r / ATTR).write_bytes(b"\xff\xfe"), r"celeba\.txt'.*cannot be read \(.*UTF-8"),
        (lambda r: (r / ATTR).write_text(""), r"found 0 lines of pictures .*: ''; expected"),
        (line(ATTR, 0, "7"), r"found 6 lines of pictures under the first line: '7'"),
        (line(ATTR, 4, "000003.jpg -1 -1 1 1 -1"), r"damaged line: '000003\.jpg .* 6 times 1 o"),
        (line(ATTR, 4, "000003.jpg -1 -1 0 1 -1 1"), r"damaged line: '000003\.jpg -1 -1 0"),
        (line(ATTR, 4, "000001.jpg -1 -1 1 1 -1 1"), r"5 pictures in 6 lines; expected"),
        (line(ATTR, 4, "000009.jpg -1 -1 1 1 -1 1"), rf"1 picture.*'{ATTR}' has and '{PART}'"),
        (line(PART, 1, "000002.jpg 3"), r"damaged line: '000002\.jpg 3'; expected a file and 0"),
        (line(PART, 1, "000002.jpg"), r"damaged line: '000002\.jpg'"),
        (line(PART, 3, "000004.jpg 0"), r"splits=val: found no picture of it .* end in 1"),
        (lambda r: (r / PICTURES / "000002.png").unlink(), r"first '000002': 000002; exp"),
        (lambda r: write_png(r / PICTURES / "9.png", face(9)), rf"folder '{PICTURES}' h.*'9'"),
        (lambda r: write_png(r / PICTURES / "000004.png", face(4)[:8]), r"crop=.*'000004' of 8 x"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(root: Path, damage: Damage, found: str) -> None:
    damage(root)
    data = build(root)
    with pytest.raises(SettingError, match=found) as caught:
        data.setup(None)
        next(iter(data.val_dataloader()))
    assert all(part in str(caught.value) for part in (": found ", "; expected ", ". "))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["dataset.attributes=[Blond_Hare]"], r"found 'Blond_Hare'.* Did you mean Blond_Hair\?"),
        (["dataset.attributes=[zzz]"], r"found 'zzz'.*expected of Bald, .*Young\. Choose among"),
        (["dataset.attributes=[Male,Male]"], r"found 1 attribute\(s\) in 2 names"),
        (["dataset.attributes=[]"], r"found 0 attribute\(s\)"),
        (["dataset.domains=[Male]"], r"dataset\.domains=\[Male\]: found other names than"),
        (["dataset.attribute_file=null"], r"dataset\.attribute_file=null: found no table"),
        (["dataset.splits.test=val"], r"dataset\.splits\.test=val: found another name"),
        (["dataset.pairing=unpaired"], r"pairing=unpaired: found data set 'celeba', a set of pic"),
        (["dataset.crop=0"], r"dataset\.crop=0: found that value; expected a positive number"),
    ],
)
def test_options_that_cannot_be_are_refused(root: Path, options: list[str], found: str) -> None:
    with pytest.raises(Exception, match=found) as caught:
        build(root, *options).setup("fit")
    assert isinstance(caught.value, SettingError) or isinstance(
        caught.value.__cause__, SettingError
    )


def test_tables_are_read_once_and_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from i2i.data.index import attribute_tables

    data = build(root)
    data.setup(None)
    monkeypatch.setattr(attribute_tables, "read_lines", None)
    assert data.set_size("test") == 2
    monkeypatch.undo()
    monkeypatch.setattr(attribute_tables, "MOST_BYTES", 100)
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    with pytest.raises(SettingError, match=r"cannot be read \(.* bytes, more than 100\)"):
        build(root).setup(None)
