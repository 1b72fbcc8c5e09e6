"""The official Cityscapes tree, packed or not, becomes photo and label folders."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import CONF
from i2i.data import cityscapes
from i2i.data.cityscapes import CLASSES, convert, main, train_ids
from i2i.data.index.pair_index import find_pairs
from i2i.errors import SettingError
from i2i.images.image_io import read_ids
from i2i.images.reading import Reading
from i2i.labels.palette import ClassPalette

NAMES = {
    "train": ["aachen_000000_000019", "aachen_000001_000019", "bochum_000000_000885"],
    "val": ["munster_000000_000019"],
}
HEIGHT, WIDTH = 32, 64


def official_pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and its official ids, each pixel on its own."""
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return photo, rng.integers(0, 34, (HEIGHT, WIDTH), dtype=np.uint8)


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """The unpacked tree, with the files beside those that are wanted, and a test split."""
    root = tmp_path / "official"
    seed = 0
    for split, names in {**NAMES, "test": ["berlin_000000_000019"]}.items():
        for name in names:
            city = name.split("_")[0]
            photo, ids = official_pair(seed)
            seed += 1
            for part, ending, image in (
                ("leftImg8bit", "leftImg8bit", photo), ("gtFine", "gtFine_labelIds", ids),
                ("gtFine", "gtFine_color", photo), ("gtFine", "gtFine_instanceIds", ids),
            ):  # fmt: skip
                (root / part / split / city).mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(root / part / split / city / f"{name}_{ending}.png")
    return root


def test_pairs_are_made_of_the_downloads(official: Path, tmp_path: Path) -> None:
    assert convert(official, tmp_path / "out", (16, 16)) == {"train": 3, "val": 1}
    assert [p.name for p in tmp_path.iterdir() if p.name != "official"] == ["out"]
    for split, first in (("train", 0), ("val", 3)):
        pairs = find_pairs(
            tmp_path / "out", split, a_folder="{split}/photo", b_folder="{split}/label"
        )
        assert [pair.name for pair in pairs] == NAMES[split]
        for seed, pair in enumerate(pairs, start=first):
            photo, ids = official_pair(seed)
            averaged = photo.reshape(16, 2, 16, 4, 3).mean((1, 3))
            assert np.abs(Reading().read(pair.a) - averaged).max() <= 0.5
            expected = train_ids(ids, "")[1::2, 2::4]
            assert np.array_equal(read_ids(pair.b), expected)
            colours = [[c[1] for c in CLASSES.values()][i] if i < 19 else (0, 0, 0)
                       for i in expected.ravel()]  # fmt: skip
            assert np.array_equal(Reading().read(pair.b).reshape(-1, 3), colours)


def test_the_classes_are_those_of_the_benchmark() -> None:
    found = train_ids(np.arange(34, dtype=np.uint8)[None], "")[0].tolist()
    trained = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    assert [i for i, c in enumerate(found) if c != 255] == trained
    assert [found[i] for i in trained] == list(range(19))


def test_a_converted_label_fits_the_preset(official: Path, tmp_path: Path) -> None:
    from omegaconf import OmegaConf

    preset = OmegaConf.load(CONF / "dataset" / "cityscapes_official.yaml")
    node = OmegaConf.to_container(preset.classes)
    assert node.pop("_target_") == "i2i.labels.palette.ClassPalette"
    palette = ClassPalette(**node)
    assert {name: tuple(c) for name, c in node["colours"].items()} == {
        name: colour for name, (_, colour) in CLASSES.items()
    }
    convert(official, tmp_path / "out", (HEIGHT, WIDTH))
    files = sorted((tmp_path / "out").glob("*/label/*.png"))
    palette.check((p.name, Reading().read(p), False) for p in files)
    palette.check((p.name, read_ids(p), False) for p in files)
    for file in files:
        assert np.array_equal(palette.decode(Reading().read(file)), read_ids(file))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_stopped_conversion_leaves_nothing(
    official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: BaseException
) -> None:
    def stop(*_: object) -> None:
        raise kind

    (tmp_path / ".out.converting" / "train").mkdir(parents=True)  # of a process that was killed
    monkeypatch.setattr(cityscapes, "write_label", stop)
    with pytest.raises((KeyboardInterrupt, SettingError)):
        convert(official, tmp_path / "out", (16, 16))
    assert [p.name for p in tmp_path.iterdir()] == ["official"]


def test_an_occupied_output_is_left_alone(official: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(SettingError, match=r"out': found something there already"):
        convert(official, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    convert(official, tmp_path / "empty", (8, 8))


def test_what_is_missing_is_named(official: Path, tmp_path: Path) -> None:
    shutil.move(official / "gtFine", official / "gtCoarse")
    words = (
        r"nothing like gtFine/train/CITY/\*_gtFine_labelIds.png in it \(it holds: gtCoarse, left"
    )
    with pytest.raises(SettingError, match=words):
        convert(official, tmp_path / "out")
    with pytest.raises(SettingError, match="it holds: nothing"):
        convert(official / "nowhere", tmp_path / "out")
    shutil.move(official / "gtCoarse", official / "gtFine")
    shutil.rmtree(official / "leftImg8bit" / "val")
    with pytest.raises(
        SettingError, match=r"like leftImg8bit/val/CITY/.* leftImg8bit_trainv.* unzip"
    ):
        convert(official, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["official"]


def test_photographs_without_labels_are_counted_and_named(official: Path, tmp_path: Path) -> None:
    for name in NAMES["train"][:2]:
        (official / "gtFine" / "train" / "aachen" / f"{name}_gtFine_labelIds.png").unlink()
    words = (
        r"leftImg8bit': found 2 of 3 photographs of train without counterpart "
        r"\(aachen_000000_000019, aachen_000001_000019\)"
    )
    with pytest.raises(SettingError, match=words):
        convert(official, tmp_path / "out")


def test_a_label_without_photograph_is_named_too(official: Path, tmp_path: Path) -> None:
    (
        official / "leftImg8bit" / "train" / "bochum" / f"{NAMES['train'][2]}_leftImg8bit.png"
    ).unlink()
    with pytest.raises(
        SettingError, match=r"1 of 3 labels of train without .* \(bochum_000000_000885\)"
    ):
        convert(official, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (np.full((HEIGHT, WIDTH), 34, np.uint8), r"label 'munster.*found the ids 34; .*0 to 33"),
        (np.zeros((HEIGHT, WIDTH, 3), np.uint8), "a PNG of mode RGB"),
        (np.zeros((8, 8), np.uint8), r"label of \(8, 8\); expected the same size"),
        (b"no image", "a damaged file"),
        (None, "a damaged file"),
    ],
)
def test_a_bad_label_stops_by_name(official: Path, tmp_path: Path, content, words: str) -> None:
    file = official / "gtFine/val/munster/munster_000000_000019_gtFine_labelIds.png"
    if isinstance(content, np.ndarray):
        Image.fromarray(content).save(file)
    else:
        file.write_bytes(file.read_bytes()[:-40] if content is None else content)
    with pytest.raises(SettingError, match=words) as stop:
        convert(official, tmp_path / "out", (16, 16))
    assert "munster_000000_000019" in str(stop.value)
    assert not (tmp_path / "out").exists()


def test_the_command(official: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    given = ["--official", str(official), "--output", str(tmp_path / "out"), "--size"]
    main([*given, "8x16"])
    assert "3 train pairs and 1 val pairs" in capsys.readouterr().out
    label = (tmp_path / "out/val/label/munster_000000_000019.png").read_bytes()
    assert Image.open(io.BytesIO(label)).size == (16, 8)
    for size in ("0", "8x8x8", "big", "8x"):
        with pytest.raises(SystemExit, match=f"--size {size}: found that value"):
            main([*given, size])
