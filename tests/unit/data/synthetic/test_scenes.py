import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from i2i.data.synthetic import scenes as synthetic
from i2i.data.synthetic.drawing import CLASS_INDEX, Camera, Canvas
from i2i.data.synthetic.objects import PAINTERS, Thing
from i2i.data.synthetic.scenes import PALETTE, SyntheticScenes, draw_scene, scene_generator
from i2i.errors import SettingError

SMALL = {"n_train": 3, "n_val": 1, "n_test": 2, "size": 64}


def scenes(count: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    pairs = [draw_scene(scene_generator(seed, "train", i), size) for i in range(count)]
    photos, labels = zip(*pairs, strict=True)
    return np.stack(photos), np.stack(labels)


def class_mask(labels: np.ndarray, name: str) -> np.ndarray:
    return (labels == np.array(PALETTE[name])).all(axis=-1)


def detail(photo: np.ndarray) -> float:
    grey = cv2.cvtColor(photo.astype(np.float32), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(f.relative_to(root)): (f.read_bytes(), f.stat().st_mtime_ns) for f in files}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets") / "deep" / "scenes"
    SyntheticScenes(**SMALL).prepare(root)
    return root


def test_a_scene_depends_on_seed_split_and_number_alone() -> None:
    first, again = scenes(2, 64), scenes(2, 64)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    others = [
        draw_scene(scene_generator(seed, split, index), 64)
        for seed, split, index in ((1, "train", 0), (0, "val", 0), (0, "test", 0), (0, "train", 1))
    ]
    for photo, label in others:
        assert not np.array_equal(label, first[1][0])
        assert not np.array_equal(photo, first[0][0])


def test_a_longer_set_begins_with_the_shorter_one(drawn: Path, tmp_path: Path) -> None:
    SyntheticScenes(**SMALL | {"n_train": 4}).prepare(tmp_path / "longer")
    for split in ("train", "val", "test"):
        for path in (drawn / split).iterdir():
            assert path.read_bytes() == (tmp_path / "longer" / split / path.name).read_bytes()


def test_the_folder_is_an_ordinary_side_by_side_set(drawn: Path) -> None:
    assert sorted(path.name for path in drawn.iterdir()) == [
        "synthetic.json",
        "test",
        "train",
        "val",
    ]
    names = {split: sorted(p.name for p in (drawn / split).iterdir()) for split in synthetic.SPLITS}
    assert names == {
        "train": ["0000.png", "0001.png", "0002.png"],
        "val": ["0000.png"],
        "test": ["0000.png", "0001.png"],
    }
    pair = cv2.imread(str(drawn / "val" / "0000.png"), cv2.IMREAD_UNCHANGED)
    assert pair.shape == (64, 128, 3) and pair.dtype == np.uint8
    photo, label = draw_scene(scene_generator(0, "val", 0), 64)
    assert np.array_equal(pair[..., ::-1], np.concatenate([photo, label], axis=1))


def test_all_scenes_of_all_splits_differ(drawn: Path) -> None:
    pictures = [path.read_bytes() for path in drawn.rglob("*.png")]
    assert len(set(pictures)) == len(pictures) == 6


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_every_label_pixel_is_a_colour_of_the_palette(size: int) -> None:
    _, labels = scenes(3, size)
    assert labels.shape == (3, size, size, 3)
    known = sum(class_mask(labels, name).astype(int) for name in PALETTE)
    assert (known == 1).all()


def test_a_handful_of_scenes_shows_the_classes() -> None:
    _, labels = scenes(12, 128)
    shown = {name for name in PALETTE if class_mask(labels, name).any()}
    assert shown == set(PALETTE)
    for label in labels:
        share = {name: class_mask(label, name).mean() for name in PALETTE}
        assert sum(value > 0 for value in share.values()) >= 6
        assert share["sky"] > 0.05 and share["road"] > 0.15


def test_sky_and_ground_leave_no_pixel_unpainted() -> None:
    for i in range(6):
        rng = scene_generator(3, "train", i)
        street = synthetic.plan_street(rng)
        canvas = Canvas(Camera(97, rng.uniform(40, 60), rng.uniform(30, 70)))
        canvas.picture[:] = -1.0
        synthetic.paint_sky(canvas, (0.0, 0.0), 0.2)
        synthetic.paint_ground(canvas, street, np.zeros((97, 97), np.float32))
        assert (canvas.picture >= 0).all()


@pytest.mark.parametrize("kind", sorted(PAINTERS))
def test_photograph_and_label_agree_to_the_pixel(kind: str) -> None:
    canvas = Canvas(Camera(96, 48.0, 48.0))
    canvas.picture[..., :3] = -1.0
    PAINTERS[kind](canvas, Thing(kind, 0.6, 8.0))
    painted = (canvas.picture[..., :3] != -1.0).all(axis=-1)
    classed = canvas.picture[..., 3] != CLASS_INDEX["sky"]
    assert painted.sum() > 20
    assert np.array_equal(painted, classed)


def test_a_photograph_has_detail_that_the_mean_photograph_lacks() -> None:
    photos, _ = scenes(12, 128)
    # Measured: at least 724 in each photograph, 75 in the mean of the twelve, 20 when blurred.
    assert min(detail(photo) for photo in photos) > 5 * detail(photos.mean(axis=0))
    blurred = [cv2.GaussianBlur(photo, (0, 0), 1.5) for photo in photos]
    assert min(map(detail, photos)) > 5 * max(map(detail, blurred))


def test_classes_differ_in_mean_colour() -> None:
    photos, labels = scenes(12, 128)
    names = ("sky", "building", "road", "pavement", "tree")
    means = {name: photos[class_mask(labels, name)].mean(axis=0) for name in names}
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert np.linalg.norm(means[one] - means[other]) > 15, (one, other)
    assert means["sky"][2] > means["sky"][0] + 20
    assert means["tree"][1] > means["tree"][[0, 2]].max() + 10


def test_the_label_tells_where_the_lane_markings_are() -> None:
    photos, labels = scenes(6, 128)
    for photo, label in zip(photos, labels, strict=True):
        bright = (photo[96:].min(axis=-1) > 150) & class_mask(label[96:], "road")
        assert 0.002 < bright.mean() < 0.2


def test_prepare_leaves_a_finished_set_alone(drawn: Path) -> None:
    before = contents(drawn)
    SyntheticScenes(**SMALL).prepare(drawn)
    assert contents(drawn) == before


@pytest.mark.parametrize("change", [{"seed": 1}, {"n_test": 3}, {"size": 32}])
def test_another_set_in_the_folder_is_refused_and_kept(drawn: Path, change: dict) -> None:
    before = contents(drawn)
    with pytest.raises(SettingError) as refusal:
        SyntheticScenes(**SMALL | change).prepare(drawn)
    ((name, value),) = change.items()
    assert f"dataset.root={str(drawn)!r}" in str(refusal.value)
    assert f'"{name}": {value}' in str(refusal.value)
    assert f'"{name}": {getattr(SyntheticScenes(**SMALL), name)}' in str(refusal.value)
    assert contents(drawn) == before


def test_foreign_files_are_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(SettingError, match=r"found other files and no synthetic\.json"):
        SyntheticScenes(**SMALL).prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_set_with_a_lost_picture_is_refused(drawn: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn, tmp_path / "copy")
    (tmp_path / "copy" / "train" / "0001.png").unlink()
    with pytest.raises(SettingError, match="'train': 2"):
        SyntheticScenes(**SMALL).prepare(tmp_path / "copy")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    SyntheticScenes(**SMALL).prepare(root)
    manifest = json.loads((root / "synthetic.json").read_text())
    assert manifest["version"] == synthetic.DRAWING_VERSION
    assert {name: manifest[name] for name in SMALL} == SMALL


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    drawn_so_far = []

    def draw_two_scenes(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        if len(drawn_so_far) == 2:
            raise error
        drawn_so_far.append(size)
        return draw_scene(rng, size)

    monkeypatch.setattr(synthetic, "draw_scene", draw_two_scenes)
    with pytest.raises(error):
        SyntheticScenes(**SMALL).prepare(tmp_path / "scenes")
    assert len(drawn_so_far) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    root = tmp_path / "locked" / "scenes"
    with pytest.raises(SettingError) as refusal:
        SyntheticScenes(**SMALL).prepare(root)
    assert f"dataset.root={str(root)!r}" in str(refusal.value)
    assert "Permission denied" in str(refusal.value)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for root in (tmp_path / "file", tmp_path / "file" / "scenes"):
        with pytest.raises(SettingError, match=r"dataset\.root="):
            SyntheticScenes(**SMALL).prepare(root)
    assert (tmp_path / "file").read_text() == "mine"


def test_two_processes_may_prepare_one_folder(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, slower = tmp_path / "scenes", SyntheticScenes.draw_share

    def overtaken(self: SyntheticScenes, *args: object) -> None:
        slower(self, *args)
        shutil.copytree(drawn, root)

    monkeypatch.setattr(SyntheticScenes, "draw_share", overtaken)
    SyntheticScenes(**SMALL).prepare(root)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]
    assert {k: v[0] for k, v in contents(root).items()} == {
        k: v[0] for k, v in contents(drawn).items()
    }


@pytest.mark.parametrize("helpers_work", [True, False])
def test_helper_processes_change_nothing(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers_work: bool
) -> None:
    shares, draw_share = [], SyntheticScenes.draw_share

    def counted(self: SyntheticScenes, folder: Path, share: int, of: int) -> None:
        shares.append((share, of))
        draw_share(self, folder, share, of)

    monkeypatch.setattr(SyntheticScenes, "draw_share", counted)
    monkeypatch.setattr(synthetic, "WORTH_A_PROCESS", 3)
    monkeypatch.setattr(synthetic.os, "cpu_count", lambda: 2)
    if not helpers_work:
        monkeypatch.setattr(synthetic, "__name__", "no_such_module")
    SyntheticScenes(**SMALL).prepare(tmp_path / "scenes")
    assert shares == ([(0, 2)] if helpers_work else [(0, 2), (1, 2)])
    assert {k: v[0] for k, v in contents(tmp_path / "scenes").items()} == {
        k: v[0] for k, v in contents(drawn).items()
    }


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("n_val", 0), ("size", 16), ("n_train", 1.5), ("size", True)]
)
def test_an_impossible_set_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"{name}={value!r}: found .*; expected a whole number"):
        SyntheticScenes(**{name: value})
