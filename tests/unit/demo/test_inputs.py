"""What the page asks for beside a picture, and what each task is shown of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from i2i.data.tasks.colorization import Colorization
from i2i.data.tasks.edges import Edges
from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.super_resolution import SuperResolution
from i2i.data.tasks.task import Task
from i2i.demo.canvas import as_png
from i2i.demo.desk import Desk
from i2i.demo.models import Asked, Entry
from i2i.inference.translations import Translations
from i2i.inference.translator import Translator
from i2i.labels.attributes import Attributes
from i2i.sharing.model import Model
from unit.demo.test_desk import LABELS, LIMITS, OPTIONS, Dims, desk, entry, label_entry, noise, save

PHOTOS = {**OPTIONS, "direction": "AtoB", "single": True, "task": {"_target_": "of a task"}}
HAIR = Attributes(["black", "blond", "young"], [["black", "blond"]])


class Grey(Dims):
    """Answers mid-grey in so many channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0 * self.weight * x[:, :1].expand(-1, self.channels, -1, -1)


def task_entry(run: Path, task: Task) -> Entry:
    translator = Translator(Grey(task.target_channels).eval(), task, "input", "eval", 0)
    translations = Translations("Pix2Pix", {"": translator}, PHOTOS)
    return Entry("a", run, Model(translations), translations)


TASKS = {
    "inpainting": Inpainting(input_channels=4, target_channels=3),
    "colorization": Colorization(input_channels=1, target_channels=2),
    "super_resolution": SuperResolution(input_channels=3, target_channels=3),
    "edges": Edges(input_channels=1, target_channels=3),
}


class Told(nn.Module):
    """Answers what it is told beside an image, as levels of its three channels."""

    divisor = 1

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight + x[:, 3:]


def hair_entry(run: Path) -> Entry:
    plain = Translator(Told().eval(), Task(), "input", "eval", 0)
    routes = {name: replace(plain, label=HAIR.one(name)) for name in HAIR.names}
    translations = Translations("StarGAN", routes, {**OPTIONS, "direction": "AtoB"}, HAIR)
    return Entry("hair", run, Model(translations), translations)


def levels(found: Desk, asked: Asked, file: Path) -> list[int]:
    taken, _ = found.take(file, asked.route)
    (answer,) = found.answers(taken, asked)
    assert answer.pictures, answer.words
    return np.array(answer.pictures[0])[0, 0].tolist()


def test_attributes_are_asked_for_where_they_are_not_those_of_the_route(tmp_path: Path) -> None:
    found, file = desk(hair_entry(tmp_path)), save(tmp_path / "a.png", noise(8, 8))
    assert found.attributes == HAIR.names
    assert [route.attributes for route in found.routes.values()] == [[n] for n in HAIR.names]
    assert found.asked("blond", ["blond"]) == Asked("blond")
    asked = found.asked("black", ["young", "blond"], 3, 2, "eval")
    assert asked == Asked("black", {"black": 0, "blond": 1, "young": 1}, 3, 2, "eval")
    for chosen in (["black"], ["young", "blond"], []):
        expected = [255 if name in chosen else 128 for name in HAIR.names]
        assert levels(found, found.asked("black", chosen), file) == expected


def test_an_attribute_takes_away_those_that_it_excludes(tmp_path: Path) -> None:
    found = desk(hair_entry(tmp_path))
    assert found.with_attribute(["black", "young", "blond"], "blond") == ["blond", "young"]
    assert found.with_attribute(["black"], "young") == ["black", "young"]


def test_a_model_without_attributes_says_so_beside_one_that_has_them(tmp_path: Path) -> None:
    found, file = desk(hair_entry(tmp_path), entry(tmp_path)), save(tmp_path / "a.png", noise(8, 8))
    taken, _ = found.take(file, "black")
    several, plain = found.answers(taken, found.asked("black", ["black", "young"]))
    assert several.pictures and plain.pictures == ()
    assert "that was trained without attributes" in plain.words
    assert desk(entry(tmp_path)).attributes == () and desk(entry(tmp_path)).asked("", []) == Asked(
        ""
    )


def test_a_hole_that_was_painted_is_filled_and_without_one_the_tasks_own(tmp_path: Path) -> None:
    found = desk(task_entry(tmp_path, TASKS["inpainting"]))
    taken, words = found.take(save(tmp_path / "a.png", noise(40, 60)), "")
    assert words == "" and taken.hole is None
    sheet = found.sheet("", taken)
    assert found.input_of(taken, sheet, "") is taken and found.input_of(None, sheet, "") is None
    painted = np.zeros((40, 60, 4), np.uint8)
    painted[5:9, 10:30] = (255, 0, 255, 255)
    hole = painted[:, :, 3] > 0
    holed = found.input_of(taken, {**sheet, "png": as_png(painted)}, "")
    assert holed.name == "a" and np.array_equal(holed.hole, hole)
    (answer,) = found.answers(holed, Asked(""))
    expected = np.where(hole[:, :, None], 128, taken.shown)
    assert np.array_equal(np.array(answer.pictures[0]), expected)
    assert np.array_equal(answer.given, np.where(hole[:, :, None], 255, taken.shown))
    model = found.entries[0].model
    assert np.array_equal(model.translate(taken.stored, mask=hole, name="a"), expected)
    (own,) = found.answers(taken, Asked(""))
    assert (own.given[10:30, 15:45] == 255).all() and (own.given[:10] == taken.shown[:10]).all()
    painted[:] = 255
    (full,) = found.answers(found.input_of(taken, {"png": as_png(painted)}, ""), Asked(""))
    assert full.pictures == () and "no picture to go by" in full.words


def test_what_the_network_is_shown_stands_beside_what_it_made(tmp_path: Path) -> None:
    picture = noise(20, 24)
    file = save(tmp_path / "a.png", picture)
    shown = {}
    for name, task in TASKS.items():
        found = desk(task_entry(tmp_path, task))
        taken, _ = found.take(file, "")
        (answer,) = found.answers(taken, Asked(""))
        assert np.array_equal(taken.shown, picture)
        assert answer.given.shape == (*answer.pictures[0].size[::-1], 3), name
        shown[name] = answer.given
    assert shown["super_resolution"].shape == (80, 96, 3)
    for name in ("colorization", "edges"):
        assert np.ptp(shown[name], 2).max() == 0 and np.ptp(shown[name]) > 100


@pytest.mark.parametrize("name", TASKS)
def test_examples_of_a_task_are_made_of_photographs_as_in_training(
    tmp_path: Path, name: str
) -> None:
    kept = tmp_path / "test_pictures"
    kept.mkdir()
    photo = np.kron(noise(8, 8), np.ones((4, 4, 1), np.uint8))
    save(kept / "000000_target.png", photo)
    save(kept / "000000_input.png", np.full((4, 4, 3), 255, np.uint8))
    found = desk(task_entry(tmp_path, TASKS[name]))
    taken, words = found.example("", 0)
    x = TASKS[name].encode_input(taken.stored, 5)
    assert words == "" and torch.equal(x, TASKS[name].encode(photo, 5).x)
    assert found.routes[""].thumbnails[0][1].shape == taken.shown.shape
    asked = desk(task_entry(tmp_path, TASKS[name]), examples=kept)  # these are inputs already
    assert asked.example("", 0)[0].shown.shape == (4, 4, 3)


def test_what_comes_out_is_bounded_where_a_task_enlarges(tmp_path: Path) -> None:
    found = desk(task_entry(tmp_path, TASKS["super_resolution"]))
    taken, words = found.take(save(tmp_path / "a.png", noise(50, 50)), "")
    assert taken.stored.shape == (25, 25, 3) and LIMITS.shrink_above == 16 * 25 * 25
    assert "shrunk to 25 x 25" in words


def test_label_maps_without_classes_keep_their_colours_when_they_are_shrunk(
    tmp_path: Path,
) -> None:
    found = desk(entry(tmp_path, {**LABELS, "classes": None}))
    assert found.routes[""].way.drawing is None and "no palette" in found.routes[""].way.hint
    picture = np.where(noise(180, 200)[:, :, :1] > 127, 255, 0).astype(np.uint8).repeat(3, 2)
    taken, words = found.take(save(tmp_path / "a.png", picture), "")
    assert "shrunk to 105 x 94" in words and set(np.unique(taken.shown)) == {0, 255}


def test_label_maps_snap_also_where_nothing_is_drawn(tmp_path: Path) -> None:
    found = desk(label_entry(tmp_path), draw="none")
    assert found.sheet("") is None
    _, words = found.take(save(tmp_path / "a.png", noise(30, 30)), "")
    assert words.startswith("100 % of its pixels")
