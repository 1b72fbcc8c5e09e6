"""Values of label files become classes, and what is none is never taken for one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.data.index.pair_list import PairFiles
from i2i.data.reading.content_checks import check_labels, check_no_ids
from i2i.data.reading.pair_reader import PairReader
from i2i.data.tasks.label_map import task_of
from i2i.errors import SettingError
from i2i.images.image_io import write_png
from i2i.images.reading import Reading
from i2i.labels.id_map import IdMap, looks_like_mask, map_for
from i2i.labels.palette import ClassPalette

TWO = ClassPalette({"road": [1, 2, 3], "car": [4, 5, 6]})
WITH_VOID = ClassPalette({"road": [1, 2, 3], "car": [4, 5, 6]}, unlabelled=[9, 9, 9])


def test_values_become_classes() -> None:
    ids = np.array([[0, 255], [255, 0]], np.uint8)
    assert IdMap({0: 0, 255: 1}, TWO).apply(ids).tolist() == [[0, 1], [1, 0]]
    assert IdMap({7: 0, 8: 1}, WITH_VOID).apply(np.array([[7, 8, 0, 255]], np.uint8)).tolist() == [
        [0, 1, 255, 255]
    ]
    wide = IdMap({1000: 1, 0: 0}, WITH_VOID).apply(np.array([[1000, 0, 999, 65535]], np.uint16))
    assert wide.tolist() == [[1, 0, 255, 255]] and wide.dtype == np.uint8


def test_values_without_a_class_are_counted_unless_there_is_an_unlabelled_colour() -> None:
    ids = np.array([[7, 8, 3, 3, 255]], np.uint8)
    found = IdMap({7: 0, 8: 1}, TWO).strays(ids)
    assert (found.count, found.n_pixels, dict(found.values)) == (2, 5, {"3": 2})
    assert found.too_many and IdMap({7: 0, 8: 1}, WITH_VOID).strays(ids).count == 0
    assert TWO.strays(IdMap({7: 0, 8: 1}, TWO).apply(ids)).count == 2  # nobody can train on them


@pytest.mark.parametrize("ids", [{}, {0: 2}, {0: -1}, {"0": 1}, {0: 1.0}, {-1: 0}, {70000: 0}, [0]])
def test_maps_that_are_none_are_refused(ids: object) -> None:
    with pytest.raises(SettingError, match=r"dataset\.id_map=.*from 0 to 1, or 255"):
        IdMap(ids, TWO)


@pytest.mark.parametrize(
    ("seen", "n_classes", "found"),
    [
        ([0, 255], 2, "{0: 0, 255: 1}"),
        ([0, 255], 3, "{0: 0, 255: 1}"),
        ([1, 2], 2, "{1: 0, 2: 1}"),
        ([1, 3], 3, "{1: 0, 2: 1, 3: 2}"),
        ([0, 128, 255], 3, "{0: 0, 128: 1, 255: 2}"),
        ([7, 8, 255], 2, "{7: 0, 8: 1}"),
        ([0, 1, 255], 2, None),
        ([0, 1], 2, None),
        ([3, 9, 12, 40], 2, None),
    ],
)
def test_the_map_that_is_probably_meant(seen: list, n_classes: int, found: str | None) -> None:
    assert map_for(seen, n_classes) == (found and f'"dataset.id_map={found}"')


def test_two_values_of_which_one_is_white_are_a_mask() -> None:
    assert looks_like_mask([0, 255]) and looks_like_mask([1, 255])
    assert not looks_like_mask([0, 1]) and not looks_like_mask([0, 1, 255])


def pair(folder: Path, ids: np.ndarray, name: str = "one", mode: str = "L") -> PairFiles:
    """A bright photograph and a label file that holds ``ids``."""
    photo, label = folder / f"{name}_photo.png", folder / f"{name}_label.png"
    write_png(photo, np.full((*ids.shape, 3), 200, np.uint8))
    image = Image.fromarray(ids.astype(np.uint8))
    if mode == "P":
        image = image.convert("P")
        image.putpalette([level for i in range(256) for level in (i, i, i)])
    image.save(label)
    return PairFiles(name, photo, label)


def reader(classes: ClassPalette | None, **options: object) -> PairReader:
    defaults = {"label_side": "B", "classes": classes, "label_files": "ids"}
    return PairReader(**(defaults | options))


MASK = np.array([[0, 255], [0, 0]])


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (MASK, r"hold 0, 255 and nothing else.*type \"dataset\.id_map=\{0: 0, 255: 1\}\""),
        (MASK // 255 + 1, r"ids out of range.*type \"dataset\.id_map=\{1: 0, 2: 1\}\""),
        (np.array([[7, 8], [8, 8]]), r"ids out of range.*\"dataset\.id_map=\{7: 0, 8: 1\}\""),
        (np.array([[0, 9], [8, 5]]), r"ids out of range.*say with dataset\.id_map which class"),
    ],
)
def test_ids_that_do_not_count_classes_from_0_are_refused(
    ids: np.ndarray, found: str, tmp_path: Path
) -> None:
    files = [pair(tmp_path, ids)]
    with pytest.raises(SettingError, match=found):
        check_labels(reader(TWO), files, "dataset.root='x' (train)")


def test_what_a_message_names_is_taken(tmp_path: Path) -> None:
    files = [pair(tmp_path, MASK)]
    for mapped, right in (
        ({0: 0, 255: 1}, [[0, 1], [0, 0]]),
        ({0: 0, 255: 255}, [[0, 255], [0, 0]]),
    ):
        its = reader(TWO, id_map=IdMap(mapped, TWO), label_as="onehot", target=Reading(2))
        check_labels(its, files, "x")
        assert its.side(files[0], "target", True)[:, :, 0].tolist() == right


def test_a_value_that_a_map_does_not_name_is_named(tmp_path: Path) -> None:
    files = [pair(tmp_path, np.array([[7, 8], [3, 8]]))]
    its = reader(TWO, id_map=IdMap({7: 0, 8: 1}, TWO))
    with pytest.raises(SettingError, match=r"does not name in 1 of 1 .*: 3 \(1 times\).*7, 8 as"):
        check_labels(its, files, "x")
    with pytest.raises(SettingError, match=r"label map '.*one_label\.png'.*3 \(1 times\)"):
        its.side(files[0], "target", True)
    void = reader(WITH_VOID, id_map=IdMap({7: 0, 8: 1}, WITH_VOID))
    check_labels(void, files, "x")
    assert void.side(files[0], "target")[1, 0].tolist() == [9, 9, 9]


def test_ids_that_may_count_from_1_are_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    three = ClassPalette({"a": [0, 0, 0], "b": [1, 1, 1], "c": [2, 2, 2]})
    check_labels(reader(three), [pair(tmp_path, np.array([[1, 2], [1, 1]]))], "x")
    assert "no label file has class 0 (a)" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["L", "P"])
@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_class_ids_declared_as_pictures_are_refused(
    mode: str, direction: str, tmp_path: Path
) -> None:
    ids = np.arange(16).reshape(4, 4)
    files = [pair(tmp_path, ids, f"{n}", mode) for n in range(3)]
    plain = PairReader(direction=direction)
    with pytest.raises(
        SettingError, match=r"side B .*no value above 15.*label_files=ids"
    ) as caught:
        check_no_ids(task_of(plain, None), plain, [files], ("input", "target"), "x")
    role = "target" if direction == "AtoB" else "input"
    assert f"dataset.{role}_range=[0,15]" in str(caught.value)


def test_dark_pictures_are_not_taken_for_class_ids(tmp_path: Path) -> None:
    """One lighter picture, flat ones alone, colours, a declared range, or declared ids."""
    ids = np.arange(16).reshape(4, 4)
    plain = PairReader()

    def look(files: list, its: PairReader = plain) -> None:
        check_no_ids(task_of(its, None), its, [files], ("input", "target"), "x")

    look([pair(tmp_path, ids, "dark"), pair(tmp_path, ids + 30, "light")])
    look([pair(tmp_path, np.full((4, 4), 5), "flat")])
    coloured = pair(tmp_path, ids, "coloured")
    write_png(coloured.b, np.dstack([ids, ids, ids * 0]).astype(np.uint8))
    look([coloured])
    look([pair(tmp_path, ids, "ranged")], PairReader(target=Reading(values="data")))
    sixteen = ClassPalette({f"c{n}": [n, n, n] for n in range(16)})
    look([pair(tmp_path, ids, "declared")], reader(sixteen))
