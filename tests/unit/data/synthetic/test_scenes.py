import hashlib
import shutil
import threading
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from i2i.data.synthetic import scenes as synthetic
from i2i.data.synthetic.drawing import PALETTE, PARTS, Canvas, Thing, draw_scene, paint
from i2i.data.synthetic.scenes import SyntheticScenes, scene_generator
from i2i.errors import SettingError

SMALL = {"n_train": 3, "n_val": 1, "n_test": 2, "size": 64}
Dozen = tuple[np.ndarray, np.ndarray]  # photographs, label colours


def contents(root: Path) -> dict[str, bytes]:
    return {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets") / "deep" / "scenes"
    SyntheticScenes(**SMALL).prepare(root)
    return root


@pytest.fixture(scope="module")
def dozen() -> Dozen:
    pairs = [draw_scene(scene_generator(0, "train", i), 128) for i in range(12)]
    photos, labels = zip(*pairs, strict=True)
    return np.stack(photos), np.stack(labels)


def class_mask(labels: np.ndarray, name: str) -> np.ndarray:
    return (labels == PALETTE[name]).all(axis=-1)


def test_the_pixels_are_the_same_everywhere() -> None:
    for seed, split, index, size, expected in (
        (0, "train", 0, 64, ["0f097254eadcf885", "615b67a865b6e833"]),
        (7, "val", 3, 100, ["7a45d6f315fbb93e", "15d4133ae0ee5f7b"]),
        (0, "test", 1, 256, ["3db96c5cc832ecf7", "80b3cf721affc7ad"]),
    ):
        scene = draw_scene(scene_generator(seed, split, index), size)
        assert [hashlib.sha256(half.tobytes()).hexdigest()[:16] for half in scene] == expected


def test_a_longer_set_begins_with_the_shorter_one_and_no_two_scenes_agree(
    drawn: Path, tmp_path: Path
) -> None:
    SyntheticScenes(**SMALL | {"n_train": 4}).prepare(tmp_path / "longer")
    longer, shorter = contents(tmp_path / "longer"), contents(drawn)
    del shorter["synthetic.json"]
    assert longer.items() > shorter.items()
    SyntheticScenes(**SMALL, seed=1).prepare(tmp_path / "other")
    pictures = [*longer.values(), *contents(tmp_path / "other").values()]
    assert len(set(pictures)) == len(pictures) == 8 + 7


def test_the_folder_is_an_ordinary_side_by_side_set(drawn: Path) -> None:
    names = {"train/0000.png", "train/0001.png", "train/0002.png", "val/0000.png"}
    assert set(contents(drawn)) == names | {"test/0000.png", "test/0001.png", "synthetic.json"}
    pair = cv2.imread(str(drawn / "val" / "0000.png"), cv2.IMREAD_UNCHANGED)
    scene = draw_scene(scene_generator(0, "val", 0), 64)
    assert np.array_equal(pair[..., ::-1], np.concatenate(scene, axis=1))


def test_each_label_pixel_has_a_class_and_a_handful_of_scenes_shows_all(dozen: Dozen) -> None:
    _, small = draw_scene(scene_generator(0, "train", 1), 32)
    for labels in (dozen[1], small):
        assert sum(class_mask(labels, name).astype(int) for name in PALETTE).min() == 1
    shares = {name: class_mask(dozen[1], name).mean(axis=(1, 2)) for name in PALETTE}
    assert all(share.any() for share in shares.values())
    assert shares["sky"].min() > 0.05 and shares["road"].min() > 0.15


@pytest.mark.parametrize("name", ["building", *PARTS])
def test_photograph_and_label_agree_to_the_pixel(name: str) -> None:
    canvas = Canvas(192, 96, 96, np.random.default_rng(0))
    canvas.photo[:], canvas.label[:] = 1, 1
    paint(canvas, Thing(name, 60, 800, 2 if name == "building" else 100))
    painted = (canvas.photo != 1).any(axis=-1)
    assert painted.sum() > 80
    assert np.array_equal(painted, class_mask(canvas.label, name))


def test_the_photograph_has_light_and_texture_that_the_label_has_not(dozen: Dozen) -> None:
    photos, labels = dozen
    grey, means = photos.mean(axis=-1), {}
    for name in ("sky", "building", "road", "pavement", "tree"):
        inside = class_mask(labels, name)
        means[name] = photos[inside].mean(axis=0)
        assert grey[inside].std() > 15, name
        across = inside[:, :, 1:] & inside[:, :, :-1]
        assert np.abs(np.diff(grey, axis=2))[across].mean() > 2.5, name  # grain and edges
    for one in means:
        nearest = min(np.linalg.norm(means[one] - means[other]) for other in means if other != one)
        assert nearest > 15, one


def test_a_finished_set_is_left_alone_and_another_one_refused(drawn: Path) -> None:
    before, times = contents(drawn), [path.stat().st_mtime_ns for path in drawn.rglob("*")]
    SyntheticScenes(**SMALL).prepare(drawn)
    for change in ({"seed": 1}, {"n_test": 3}, {"size": 32}):
        ((name, value),) = change.items()
        with pytest.raises(SettingError, match=f'"{name}": {value}') as refusal:
            SyntheticScenes(**SMALL | change).prepare(drawn)
        assert f"dataset.root={str(drawn)!r}" in str(refusal.value)
    assert contents(drawn) == before
    assert [path.stat().st_mtime_ns for path in drawn.rglob("*")] == times


def test_what_else_stands_in_the_way_is_refused_and_kept(drawn: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn, tmp_path / "lost")
    (tmp_path / "lost" / "train" / "0001.png").unlink()
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    for root, found in (
        (tmp_path, r"found other files and no synthetic\.json"),
        (tmp_path / "lost", "'train': 2"),
        (tmp_path / "file", "found a file"),
        (tmp_path / "file" / "below", r"cannot be written \((Not a directory|File exists)\)"),
    ):
        with pytest.raises(SettingError, match=found):
            SyntheticScenes(**SMALL).prepare(root)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    scene, folder = draw_scene(scene_generator(0, "train", 0), 64), tmp_path / "scenes"
    monkeypatch.setattr(synthetic, "draw_scene", Mock(side_effect=[scene, scene, error]))
    with pytest.raises(SettingError if isinstance(error, OSError) else KeyboardInterrupt):
        SyntheticScenes(**SMALL).prepare(folder)
    assert synthetic.draw_scene.call_count == 3 and list(tmp_path.iterdir()) == []


def test_two_processes_may_prepare_one_empty_folder(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, slower = tmp_path / "scenes", SyntheticScenes._draw_into
    root.mkdir()

    def overtaken(self: SyntheticScenes, folder: Path) -> None:
        slower(self, folder)
        shutil.copytree(drawn, root, dirs_exist_ok=True)

    monkeypatch.setattr(SyntheticScenes, "_draw_into", overtaken)
    SyntheticScenes(**SMALL).prepare(root)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]
    assert contents(root) == contents(drawn)


def test_what_a_killed_drawing_left_is_taken_away(drawn: Path, tmp_path: Path) -> None:
    """Of this version and of earlier ones; what others have left is not touched."""
    for name in (".scenes.drawing", ".scenes.0a1b2c3d.part", ".scenes.mine.part", ".other.drawing"):
        (tmp_path / name / "train").mkdir(parents=True)
        (tmp_path / name / "train" / "0000.png").write_bytes(b"half")
    SyntheticScenes(**SMALL).prepare(tmp_path / "scenes")
    assert contents(tmp_path / "scenes") == contents(drawn)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".other.drawing", ".scenes.mine.part", "scenes"]


def test_a_second_process_waits_and_finds_the_set(tmp_path: Path) -> None:
    root = tmp_path / "scenes"
    prepare = SyntheticScenes(**SMALL).prepare
    threads = [threading.Thread(target=prepare, args=(root,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    SyntheticScenes(**SMALL).prepare(root)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]


def test_a_link_in_the_place_of_the_drawing_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    (tmp_path / ".scenes.drawing").symlink_to(tmp_path / "mine")
    SyntheticScenes(**SMALL).prepare(tmp_path / "scenes")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "scenes"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127])
def test_the_longest_names_can_be_drawn_into(name: str, tmp_path: Path) -> None:
    SyntheticScenes(**SMALL).prepare(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("n_val", 0), ("size", 16), ("n_train", 1.5), ("size", True)]
)
def test_an_impossible_set_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"{name}={value!r}: found .*; expected a whole number"):
        SyntheticScenes(**{name: value})
