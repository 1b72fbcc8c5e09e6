"""What is drawn with, and that colours become those of the nearest class."""

import cv2
import numpy as np
import pytest
from torch import nn

from conftest import LABEL_COLOURS
from i2i.data.tasks.colorization import Colorization
from i2i.data.tasks.edges import Edges
from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.super_resolution import SuperResolution
from i2i.data.tasks.task import Task
from i2i.demo.drawing import NO_CLASSES, Drawing, drawing_of, hint_of, is_line_drawing
from i2i.errors import SettingError
from i2i.inference.translator import Translator
from i2i.labels.palette import ClassPalette

DATASET = {"image_size": [32, 48]}
CLASSES = ClassPalette({name: [*colour] for name, colour in LABEL_COLOURS.items()}, [0, 0, 0])


def drawing(task: Task, side: str = "input", kind: str = "auto", examples=()) -> Drawing | None:
    return drawing_of(Translator(nn.Identity(), task, side, "eval", 0), DATASET, kind, examples)


def lines(ink: int = 0, paper: int = 255) -> np.ndarray:
    picture = np.full((64, 64, 3), paper, np.uint8)
    cv2.circle(picture, (32, 32), 20, (ink, ink, ink), 2, cv2.LINE_AA)
    return picture


def test_classes_by_name_and_an_empty_sheet_of_unlabelled() -> None:
    found = drawing(LabelTask(CLASSES, "input"))
    assert found.colours == {**LABEL_COLOURS, "unlabelled": (0, 0, 0)}
    assert found.empty().shape == (32, 48, 3) and not found.empty().any()


def test_without_a_colour_for_unlabelled_the_sheet_is_of_the_first_class() -> None:
    classes = ClassPalette({"a": [9, 8, 7], "b": [255, 0, 0]})
    found = drawing(LabelTask(classes, "input"))
    assert found.colours == {"a": (9, 8, 7), "b": (255, 0, 0)} and found.paper == (9, 8, 7)


def test_labels_as_targets_are_not_drawn() -> None:
    assert drawing(LabelTask(CLASSES, "target")) is None
    assert drawing(Task()) is None


@pytest.mark.numeric
def test_colours_snap_to_the_nearest_class() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    found = drawing(LabelTask(CLASSES, "input")).snapped(picture)
    table = np.array([*LABEL_COLOURS.values(), (0, 0, 0)], np.int64)
    distances = ((picture[:, :, None].astype(np.int64) - table) ** 2).sum(3)
    assert np.array_equal(found, table[distances.argmin(2)].astype(np.uint8))
    assert np.array_equal(drawing(LabelTask(CLASSES, "input")).snapped(found), found)


def test_edges_get_a_pen_and_keep_their_greys() -> None:
    task = Edges(input_channels=1, target_channels=3)
    found = drawing(task)
    assert found.colours == {"pen": (0, 0, 0), "eraser": (255, 255, 255)}
    assert found.empty().min() == 255
    grey = np.full((2, 2, 3), 130, np.uint8)
    assert np.array_equal(found.snapped(grey), grey)
    assert drawing(task, side="target") is None


def test_line_drawings_get_a_pen_of_their_ink() -> None:
    assert drawing(Task(), examples=[lines(), lines()]).colours["pen"] == (0, 0, 0)
    assert drawing(Task(), examples=[lines(255, 0)]).colours["pen"] == (255, 255, 255)
    photograph = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert drawing(Task(), examples=[lines(), photograph]) is None
    assert not is_line_drawing(np.full((8, 8, 3), 255, np.uint8))  # an empty one says nothing
    half = lines()
    half[:32] = 0
    assert not is_line_drawing(half)


def test_the_hole_of_inpainting_is_painted_over_the_photograph() -> None:
    task = Inpainting(input_channels=4, target_channels=3)
    for kind in ("auto", "pen"):
        found = drawing(task, kind=kind)
        assert [*found.colours] == ["hole", "picture"] and found.over and found.classes is None
        assert found.empty().shape == (32, 48, 4) and not found.empty().any()
    assert drawing(task, kind="none") is None and not drawing(Task(), kind="pen").over


def test_what_is_to_be_known_about_inputs_is_told() -> None:
    def hint(task: Task, **dataset) -> str:
        translator = Translator(nn.Identity(), task, "input", "eval", 0)
        return hint_of(translator, {"direction": "AtoB", **dataset})

    assert hint(Task()) == ""
    assert "none of its colours" in hint(Colorization(input_channels=1, target_channels=2))
    assert "Paint the hole" in hint(Inpainting(input_channels=4, target_channels=3))
    assert "No edges are looked for" in hint(Edges(input_channels=1, target_channels=3))
    enlarging = SuperResolution(factor=8, input_channels=3, target_channels=3)
    assert "8 times as many pixels" in hint(enlarging)
    assert hint(Task(), label_side="A") == NO_CLASSES
    assert hint(Task(), label_side="B") == hint(LabelTask(CLASSES, "input"), label_side="A") == ""
    assert hint(enlarging, label_side="A") == hint(enlarging)  # of the photographs of such a set


def test_what_is_asked_for_is_what_there_is() -> None:
    assert drawing(LabelTask(CLASSES, "input"), kind="none") is None
    assert drawing(Task(), kind="pen").paper == (255, 255, 255)
    with pytest.raises(SettingError, match=r"draw=crayon.*auto, pen, none"):
        drawing(Task(), kind="crayon")
