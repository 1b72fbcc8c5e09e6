"""Classes, ids and colours of label maps go into each other without loss and without invention."""

import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from conftest import CONF
from i2i.data.cityscapes import CLASSES
from i2i.data.synthetic.drawing import PALETTE as SCENE_COLOURS
from i2i.errors import SettingError
from i2i.labels.palette import UNLABELLED, ClassPalette, palette_of

CAMVID = {
    "sky": [128, 128, 128], "building": [128, 0, 0], "pole": [192, 192, 128],
    "road": [128, 64, 128], "pavement": [60, 40, 222], "tree": [128, 128, 0],
    "sign": [192, 128, 128], "fence": [64, 64, 128], "car": [64, 0, 128],
    "pedestrian": [64, 64, 0], "bicyclist": [0, 128, 192],
}  # fmt: skip
PALETTE = ClassPalette(CAMVID, unlabelled=[0, 0, 0])
SMALL = {"a": [10, 20, 30], "b": [200, 0, 0], "c": [0, 0, 250]}
SEVERAL = ClassPalette(SMALL, unlabelled=[[1, 1, 1], [90, 90, 90]])


def test_colours_ids_and_one_hot_go_into_each_other() -> None:
    ids = np.random.default_rng(0).choice([*range(11), UNLABELLED], (9, 7)).astype(np.uint8)
    colours = PALETTE.encode_colours(ids)
    assert colours.dtype == np.uint8
    for (row, column), c in np.ndenumerate(ids):
        expected = [0, 0, 0] if c == UNLABELLED else list(CAMVID.values())[c]
        assert colours[row, column].tolist() == expected
    one_hot = PALETTE.one_hot(ids)
    assert one_hot.shape == (11, 9, 7) and one_hot.dtype == torch.float32
    for c in range(11):
        assert np.array_equal(one_hot[c].numpy(), np.where(ids == c, 1.0, -1.0))
    assert np.array_equal(PALETTE.decode(colours), ids)
    assert np.array_equal(PALETTE.decode(colours.astype(np.float32)), ids)
    batch = torch.from_numpy(ids)[None]
    assert torch.equal(PALETTE.ids_of_one_hot(one_hot[None], truth=True), batch)
    picture = PALETTE.colours_of_ids(batch)
    assert picture.shape == (1, 3, 9, 7)
    assert np.array_equal(((picture[0] + 1) * 127.5).round().permute(1, 2, 0).numpy(), colours)
    assert torch.equal(PALETTE.ids_of_colours(picture, with_unlabelled=True), batch)


def test_several_colours_for_unlabelled() -> None:
    image = np.array([[[1, 1, 1], [90, 90, 90], [10, 20, 30]]], np.uint8)
    assert SEVERAL.decode(image).tolist() == [[255, 255, 0]]
    assert SEVERAL.encode_colours(np.array([[255, 2]], np.uint8)).tolist() == [
        [[1, 1, 1], [0, 0, 250]]
    ]
    noisy = np.full((24, 24, 3), 90, np.uint8)
    noisy[:, 12:] = 1
    assert (SEVERAL.decode(noisy, lossy=True) == UNLABELLED).all()


@pytest.mark.parametrize("colours", [SMALL, SMALL | {"black": [0, 0, 0]}])
def test_without_a_colour_for_unlabelled_it_still_survives(colours: dict[str, list[int]]) -> None:
    palette = ClassPalette(colours)
    ids = torch.tensor([[[0, 1, 2, len(colours) - 1, UNLABELLED]]], dtype=torch.uint8)
    picture = palette.colours_of_ids(ids)
    level = 1.0 if "black" in colours else -1.0
    assert picture[0, :, 0, -1].tolist() == [level] * 3
    assert torch.equal(palette.ids_of_colours(picture, with_unlabelled=True), ids)
    # a dark or bright pixel that is not quite the stand-in is a class
    nearby = (picture * 0.98)[:, :, :, -1:]
    assert (palette.ids_of_colours(nearby, with_unlabelled=True) != UNLABELLED).all()
    assert (palette.ids_of_colours(picture, with_unlabelled=False) != UNLABELLED).all()


def test_a_made_label_is_never_unlabelled() -> None:
    y = torch.tensor([-1.0, -1.0, -1.0])[None, :, None, None]
    palette = ClassPalette(SMALL)
    assert palette.ids_of_one_hot(y, truth=True).item() == UNLABELLED
    assert palette.ids_of_one_hot(y, truth=False).item() == 0
    y[0, 2] = -0.9
    assert palette.ids_of_one_hot(y, truth=True).item() == 2


@pytest.mark.parametrize(
    ("colours", "unlabelled", "options", "words"),
    [
        ({"a": [0, 0, 0]}, None, {}, "found 1 classes; expected 2 to 254"),
        ({f"{i}": [i, 0, 0] for i in range(255)}, None, {}, "found 255 classes"),
        ({"a": [0, 0, 0], "b": [0, 0, 0]}, None, {}, r"\[0, 0, 0\] for colours.a and colours.b"),
        ({"a": [0, 0, 1], "b": [0, 0, 0]}, [0, 0, 1], {}, "colours.a and unlabelled"),
        ({"a": [0, 0, 256], "b": [0, 0, 0]}, None, {}, r"colours.a: found \[0, 0, 256\]"),
        ({"a": [0, 0, -1], "b": [0, 0, 0]}, None, {}, r"found \[0, 0, -1\]"),
        ({"a": [0, 0, 1.5], "b": [0, 0, 0]}, None, {}, r"found \[0, 0, 1.5\]"),
        ({"a": [0, 0], "b": [0, 0, 0]}, None, {}, "three whole numbers"),
        ({"a": "red", "b": [0, 0, 0]}, None, {}, "found red"),
        (SMALL, [[1, 1, 1], [1, 1]], {}, "unlabelled: found"),
        (SMALL, None, {"tolerance": -1}, "tolerance=-1"),
        (SMALL, None, {"stray_share": 1.5}, "stray_share=1.5"),
    ],
)
def test_a_palette_that_cannot_be_is_refused(colours, unlabelled, options, words) -> None:
    with pytest.raises(SettingError, match=words):
        ClassPalette(colours, unlabelled, **options)


def test_the_largest_palette_works() -> None:
    colours = {str(i): [i, 255 - i, i // 2] for i in range(254)}
    palette = ClassPalette(colours, unlabelled=[255, 255, 255])
    ids = np.append(np.arange(254), UNLABELLED).astype(np.uint8)[None]
    assert np.array_equal(palette.decode(palette.encode_colours(ids)), ids)


def test_a_palette_comes_from_yaml_and_goes_to_a_worker() -> None:
    node = OmegaConf.create({"colours": SMALL, "unlabelled": [[1, 1, 1], [90, 90, 90]]})
    palette = pickle.loads(pickle.dumps(ClassPalette(node.colours, node.unlabelled)))
    assert np.array_equal(palette.table, SEVERAL.table) and palette.names == ("a", "b", "c")


def test_same_classes_are_same_names_in_the_same_order() -> None:
    assert SEVERAL.same_classes(ClassPalette(SMALL | {"a": [9, 9, 9]}))
    assert not SEVERAL.same_classes(ClassPalette(dict(reversed(SMALL.items()))))
    assert not SEVERAL.same_classes(ClassPalette(SMALL | {"d": [9, 9, 9]}))


def files_with_strays() -> Iterator[tuple[str, np.ndarray, bool]]:
    clean = PALETTE.encode_colours(np.full((10, 10), 3, np.uint8))
    for i in range(6):
        image = clean.copy()
        if i in (1, 4):
            image[0, :i] = (7, 8, 9)
            image[1, 0] = (128, 64, 133)
        yield f"file{i}", image, False


def test_stray_colours_are_counted_and_named() -> None:
    words = (
        "dataset.root: found colours that are no class in 2 of 6 label files (file1, file4): "
        "7 pixels, 3.5 % of theirs; the most frequent: [7, 8, 9] (5 times), [128, 64, 133] (2 times"
    )
    with pytest.raises(SettingError, match=re.escape(words)):
        PALETTE.check(files_with_strays(), "dataset.root")
    with pytest.raises(SettingError, match=r"in 2 of 6 .*\): 5 pixels"):
        ClassPalette(CAMVID, [0, 0, 0], tolerance=5).check(files_with_strays())
    with pytest.raises(SettingError, match=r"in 1 of 6 .*\(file4\)"):
        ClassPalette(CAMVID, [0, 0, 0], stray_share=0.02).check(files_with_strays())
    ClassPalette(CAMVID, [0, 0, 0], stray_share=0.05).check(files_with_strays())
    PALETTE.check(file for file in files_with_strays() if file[0] not in ("file1", "file4"))


def test_more_files_than_are_named() -> None:
    with pytest.raises(SettingError, match=r"in 4 of 4 label files \(a, b, c, \.\.\.\)"):
        PALETTE.check((name, np.full((2, 2, 3), 77, np.uint8), False) for name in "dbca")


def test_ids_out_of_range_are_counted_and_named() -> None:
    good = np.array([[0, 10, 255]], np.uint8)
    PALETTE.check([("good", good, False)])
    words = r"class ids out of range in 1 of 2 label files \(bad\): 2 pixels.*11 \(1 t.*0 to 10, or"
    with pytest.raises(SettingError, match=words):
        PALETTE.check([("good", good, False), ("bad", np.array([[11, 254, 3]], np.uint8), False)])
    for method in (PALETTE.one_hot, PALETTE.encode_colours):
        with pytest.raises(SettingError, match="class ids out of range"):
            method(np.array([[11]], np.uint8))


def preset(name: str) -> ClassPalette:
    node = OmegaConf.load(CONF / "dataset" / f"{name}.yaml").classes
    return ClassPalette(node.colours, node.get("unlabelled"))


@pytest.mark.parametrize(
    ("name", "colours", "unlabelled"),
    [
        ("synthetic", SCENE_COLOURS, []),
        ("cityscapes", {n: c for n, (_, c) in CLASSES.items()}, None),
    ],
)
def test_a_preset_has_the_colours_of_its_set(name: str, colours: dict, unlabelled: list) -> None:
    palette = preset(name)
    assert palette.names == tuple(colours)
    assert palette.table[: len(colours)].tolist() == [list(c) for c in colours.values()]
    if unlabelled is not None:
        assert palette.table[len(colours) :].tolist() == unlabelled


@pytest.mark.real_data
def test_camvids_own_palette_is_the_presets() -> None:
    palette, values = preset("camvid"), set()
    for file in sorted(Path(os.environ["I2I_CAMVID"]).glob("*/label/*.png")):
        with Image.open(file) as image:
            own = np.array(image.getpalette()[: 3 * 12]).reshape(12, 3)
            values |= set(np.unique(np.array(image)).tolist())
        assert np.array_equal(own, palette.table)
    assert values == set(range(12))


COLOURS = {"a": [0, 0, 0], "b": [255, 0, 0]}
FORMS = {
    "a list": (["a", "b"], "dataset.classes: found ['a', 'b'], without colours;"),
    "a word": ("foo", "dataset.classes: found foo, without colours;"),
    "a number": (5, "dataset.classes: found 5, without colours;"),
    "nothing in it": ({}, "dataset.classes: found {}, without colours;"),
    "names alone": (COLOURS, "dataset.classes: found the key a;"),
    "a wrong key": ({"colours": COLOURS, "tol": 3}, "dataset.classes: found the key tol;"),
    "a list of colours": ({"colours": [[0, 0, 0], [1, 1, 1]]}, "dataset.classes.colours: found [["),
    "no colours": ({"colours": None}, "dataset.classes.colours: found None;"),
    "a word for a number": ({"colours": COLOURS, "tolerance": "x"}, "dataset.classes.tolerance=x:"),
    "a word for a colour": ({"colours": COLOURS, "unlabelled": "x"}, "dataset.classes.unlabelled:"),
    "one class": ({"colours": {"a": [0, 0, 0]}}, "dataset.classes.colours: found 1 classes;"),
}


@pytest.mark.parametrize(("given", "message"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("wrap", [lambda node: node, OmegaConf.create], ids=["plain", "node"])
def test_classes_of_another_form_are_refused(given: Any, message: str, wrap: Any) -> None:
    given = wrap(given) if isinstance(given, dict | list) else given
    with pytest.raises(SettingError) as caught:
        palette_of(given)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_classes_may_be_options_without_a_class() -> None:
    made = palette_of(OmegaConf.create({"colours": COLOURS, "unlabelled": [9, 9, 9]}))
    assert made.names == ("a", "b") and made.table.tolist() == [[0, 0, 0], [255, 0, 0], [9, 9, 9]]
    assert palette_of(None) is None and palette_of(made) is made
