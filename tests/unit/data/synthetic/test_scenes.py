import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from drawn_scenes import SMALL, contents
from i2i.data.synthetic.drawing import PALETTE, PARTS, Canvas, draw_scene
from i2i.data.synthetic.scenes import SyntheticScenes, scene_generator
from i2i.errors import SettingError

Dozen = tuple[np.ndarray, np.ndarray]  # photographs, label colours


@pytest.fixture(scope="module")
def dozen() -> Dozen:
    pairs = [draw_scene(scene_generator(0, "train", i), 128) for i in range(12)]
    photos, labels = zip(*pairs, strict=True)
    return np.stack(photos), np.stack(labels)


def class_mask(labels: np.ndarray, name: str) -> np.ndarray:
    return (labels == PALETTE[name]).all(axis=-1)


def test_the_pixels_are_the_same_everywhere() -> None:
    for seed, split, index, size, expected in (
        (0, "train", 0, 64, ["15835e1a34d7399f", "67616cf6938f2774"]),
        (7, "val", 3, 100, ["649782cf5149f4c0", "d14576b69bcf4304"]),
        (0, "test", 1, 256, ["d82dbb12ccda57d2", "79970380ddf54bb6"]),
    ):
        scene = draw_scene(scene_generator(seed, split, index), size)
        assert [hashlib.sha256(half.tobytes()).hexdigest()[:16] for half in scene] == expected


def test_a_longer_set_begins_with_the_shorter_one_and_no_two_scenes_agree(
    drawn: Path, tmp_path: Path
) -> None:
    SyntheticScenes(**SMALL | {"n_train": 4}).prepare(tmp_path / "longer")
    longer, shorter = contents(tmp_path / "longer"), contents(drawn)
    del shorter["built_in.json"]
    assert longer.items() > shorter.items()
    SyntheticScenes(**SMALL, seed=1).prepare(tmp_path / "other")
    pictures = [*longer.values(), *contents(tmp_path / "other").values()]
    assert len(set(pictures)) == len(pictures) == 8 + 7


def test_the_folder_is_an_ordinary_side_by_side_set(drawn: Path) -> None:
    names = {"train/0000.png", "train/0001.png", "train/0002.png", "val/0000.png"}
    assert set(contents(drawn)) == names | {"test/0000.png", "test/0001.png", "built_in.json"}
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
    canvas.thing(name, 60, 800)
    painted = (canvas.photo != 1).any(axis=-1)
    assert painted.sum() > 80
    assert np.array_equal(painted, class_mask(canvas.label, name))


def test_the_photograph_has_light_and_texture_that_the_label_has_not(dozen: Dozen) -> None:
    photos, labels = dozen
    grey, means = photos.mean(axis=-1), {}
    for name in ("sky", "building", "road", "pavement", "tree"):
        inside = class_mask(labels, name)
        means[name] = photos[inside].mean(axis=0)
        assert grey[inside].std() > 8, name
        across = inside[:, :, 1:] & inside[:, :, :-1]
        assert np.abs(np.diff(grey, axis=2))[across].mean() > 2.5, name  # grain and edges
    for one in means:
        nearest = min(np.linalg.norm(means[one] - means[other]) for other in means if other != one)
        assert nearest > 10, one


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("n_val", 0), ("size", 16), ("n_train", 1.5), ("size", True)]
)
def test_an_impossible_set_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"{name}={value!r}: found .*; expected a whole number"):
        SyntheticScenes(**{name: value})
