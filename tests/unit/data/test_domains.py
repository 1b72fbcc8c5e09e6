"""Pictures with the domain that they belong to, and domains in folders of their own."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import Told
from flat_pictures import SIZE, build, fill, picture, which, with_pairs
from i2i.data import batches
from i2i.data.datamodule import PairedDataModule
from i2i.errors import SettingError
from i2i.images.image_io import write_png


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "sides", {"train": (7, 5), "test": (2, 3)})


def test_labelled_samples_are_single_pictures_with_their_domain(root: Path) -> None:
    data = build(root, pairing="labelled", batch_size=3)
    assert data.set_size("train") == 12 and data.counted("train") == "7 + 5"
    rows = []
    for batch in data.loader("train"):
        assert list(batch) == ["input", "label", "name", "index"]
        assert batch["label"].dtype == torch.int64 and set(batches.images(batch)) == {"input"}
        for image, label, index in zip(batch["input"], batch["label"], batch["index"], strict=True):
            rows.append((index.item(), label.item(), *which(image)))
    assert rows == [(i, int(i >= 7), int(i >= 7), i - 7 * (i >= 7)) for i in range(12)]
    trained = [row for batch in data.train_dataloader() for row in batch["index"].tolist()]
    assert sorted(trained) == list(range(12))
    swapped = build(root, pairing="labelled", direction="BtoA").dataset("train")
    assert which(swapped[0]["input"])[0] == 1 and swapped[0]["label"] == 0


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_halves_of_pairs_are_domains(tmp_path: Path, direction: str) -> None:
    data = with_pairs(tmp_path, 3, pairing="labelled", direction=direction)
    found = [data.dataset("train")[i] for i in range(6)]
    first = int(direction == "BtoA")
    assert [which(sample["input"]) for sample in found] == [
        (side, number) for side in (first, 1 - first) for number in range(3)
    ]
    assert [sample["label"] for sample in found] == [0, 0, 0, 1, 1, 1]


@pytest.fixture
def styles(tmp_path: Path) -> Path:
    """ROOT/{split}/{domain}, the same places in three styles."""
    for number in range(3):
        for style, name in enumerate(("satellite", "relief", "topography")):
            image = picture(style % 2, number + 3 * (style // 2))
            write_png(tmp_path / "styles" / "train" / name / f"{number}.png", image)
    return tmp_path / "styles"


def domains(root: Path, *names: object, **changes: Any) -> PairedDataModule:
    options = {"a_folder": "{split}/{domain}", "b_folder": None, "has_pairs": True,
               "splits": {"train": "train"}, "domains": names}  # fmt: skip
    return build(root, **(options | changes))


def test_two_domains_make_pairs_in_their_order(styles: Path) -> None:
    there = domains(styles, "satellite", "relief").dataset("train")
    assert [which(there[1][key]) for key in ("input", "target")] == [(0, 1), (1, 1)]
    back = domains(styles, "relief", "satellite").dataset("train")
    assert [which(back[1][key]) for key in ("input", "target")] == [(1, 1), (0, 1)]


def test_many_domains_are_labelled_in_their_order(styles: Path) -> None:
    data = domains(styles, "topography", "satellite", "relief", pairing="labelled")
    found = [data.dataset("train")[i] for i in range(9)]
    assert [sample["label"] for sample in found] == [0] * 3 + [1] * 3 + [2] * 3
    assert [which(sample["input"]) for sample in found] == [
        *((0, i + 3) for i in range(3)), *((0, i) for i in range(3)), *((1, i) for i in range(3))
    ]  # fmt: skip
    assert data.counted("train") == "3 + 3 + 3"
    assert data.domains == ("topography", "satellite", "relief")


def test_evaluation_of_domains_knows_the_same_place_in_each(styles: Path) -> None:
    names = ("topography", "satellite", "relief")
    data = domains(styles, *names, pairing="labelled")
    answers = {
        0: [(0, 3), (0, 0), (1, 0)],
        1: [(0, 4), (0, 1), (1, 1)],
        2: [(0, 5), (0, 2), (1, 2)],
    }
    for batch in data.loader("train"):
        assert list(batch) == ["input", "answers", "label", "name", "index", "answer_index"]
        assert batch["answers"].shape == (len(batch["index"]), 3, 3, SIZE, SIZE)
        assert batch["answers"].dtype == torch.float32
        rows = zip(batch["index"].tolist(), batch["answers"], batch["input"], strict=True)
        for index, found, shown in rows:
            assert [which(image) for image in found] == answers[index % 3]
            assert torch.equal(shown, found[index // 3])
    trained = next(iter(data.train_dataloader()))
    assert list(trained) == ["input", "label", "name", "index"]
    without = domains(styles, *names, pairing="labelled", has_pairs=False).dataset("train")
    assert "answers" not in without[0] and len(without) == 9


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
@pytest.mark.parametrize("apart", [False, True])
def test_evaluation_of_labelled_pairs_knows_both_sides(
    tmp_path: Path, direction: str, apart: bool
) -> None:
    for side, number in itertools.product(range(2), range(3)):
        write_png(tmp_path / "train" / "ab"[side] / f"{number}.png", picture(side, number))
    options = {"pairing": "labelled", "direction": direction, "splits": {"train": "train"}}
    if apart:
        folders = {"a_folder": "{split}/a", "b_folder": "{split}/b", "has_pairs": True}
        data = build(tmp_path, **folders, **options)
    else:
        shutil.rmtree(tmp_path / "train")
        data = with_pairs(tmp_path, 3, **options)
    first = int(direction == "BtoA")
    for index in range(6):
        sample = data.dataset("train")[index]
        number = index % 3
        assert [which(i) for i in sample["answers"]] == [(first, number), (1 - first, number)]
        assert torch.equal(sample["input"], sample["answers"][sample["label"]])


def test_domains_of_places_that_are_not_the_same_are_named(styles: Path) -> None:
    data = domains(styles, "satellite", "relief", "topography", pairing="labelled")
    relief = styles / "train" / "relief"
    (relief / "1.png").rename(relief / "7.png")
    found = r"1 name\(s\) in 'train/satellite' that 'train/relief' has not: 1; expected the same "
    with pytest.raises(SettingError, match=found + r"names .*dataset\.has_pairs=false"):
        data.setup("fit")
    (relief / "7.png").rename(relief / "1.png")
    write_png(styles / "train" / "topography" / "x.png", picture(0, 0))
    with pytest.raises(SettingError, match=r"in 'train/topography' that 'train/satellite' .*: x;"):
        data.setup("fit")
    (styles / "train" / "topography" / "x.png").unlink()
    write_png(relief / "2.png", picture(0, 0, SIZE + 2))
    with pytest.raises(
        SettingError, match=r"unequal size.*satellite/2.png 8 x 8, .*relief/2.png 10"
    ):
        data.setup("fit")


def test_a_damaged_picture_costs_its_place_in_every_domain(styles: Path, told: Told) -> None:
    names = ("satellite", "relief", "topography")
    (styles / "train" / "relief" / "1.png").write_bytes(b"x")
    with pytest.raises(SettingError, match=r"1 damaged file\(s\): train/relief/1\.png"):
        domains(styles, *names, pairing="labelled").setup("fit")
    data = domains(styles, *names, pairing="labelled", on_error="skip")
    with told("left out 1 of 3 images of 'train/relief'"):
        data.setup("fit")
    assert [[file.name for file in side] for side in data.files("train")] == [["0", "2"]] * 3
    assert data.skipped("train") == 3
    sample = data.dataset("train")[1]
    assert [which(image) for image in sample["answers"]] == [(0, 2), (1, 2), (0, 5)]


def test_domains_may_be_numbers(tmp_path: Path) -> None:
    for domain in (0, 1):
        write_png(tmp_path / "train" / str(domain) / "x.png", picture(domain, 0))
    data = domains(tmp_path, 0, 1, pairing="labelled")
    assert [which(data.dataset("train")[i]["input"])[0] for i in (0, 1)] == [0, 1]
    assert data.domains == ("0", "1")


def test_domains_are_called_what_the_set_says(root: Path) -> None:
    assert build(root).domains == ("A", "B")
    assert build(root, domains=["horse", "zebra"], direction="BtoA").domains == ("zebra", "horse")


@pytest.mark.parametrize("pairing", ["paired", "labelled"])
def test_a_missing_domain_is_named(styles: Path, pairing: str) -> None:
    data = domains(styles, "satellite", "sattelite", pairing=pairing)
    found = r"no folder 'train/sattelite' .*has: relief, satellite, topography.*dataset\.domains"
    with pytest.raises(SettingError, match=found):
        data.setup("fit")
