"""Sample pictures: what stands where, and who gets them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from i2i.callbacks.samples import SampleGrid
from i2i.data.tasks.task import Task
from i2i.images.grid import GAP
from i2i.metrics.shown import Shown


def make_batch(n: int, first: int = 0) -> tuple[dict[str, Any], dict[str, Shown]]:
    """Images whose levels say which they are: row i has input -1 + i/10, output 0, target i/10."""
    index = torch.arange(first, first + n)
    levels = index.view(-1, 1, 1, 1).expand(-1, 3, 6, 5) / 10
    batch = {"input": levels - 1, "target": levels, "index": index}
    names = [str(i) for i in index.tolist()]
    shown = Shown(index, names, levels - 1, levels, Task(), y_hat=torch.zeros(n, 3, 6, 5))
    return batch, {"AtoB": shown}


def make_trainer(*loggers: Any, step: int = 42, first: bool = True) -> Any:
    return SimpleNamespace(global_step=step, loggers=list(loggers), is_global_zero=first)


class Pictures:
    """A logger that takes pictures, as W&B's does."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list, int]] = []

    def log_image(self, key: str, images: list, step: int) -> None:
        self.calls.append((key, images, step))


class Board(TensorBoardLogger):
    """A TensorBoard without files."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    @property
    def experiment(self) -> Any:
        return SimpleNamespace(add_image=lambda *a, **k: self.calls.append((*a, k)))


def validate(callback: SampleGrid, trainer: Any, *sizes: int) -> None:
    callback.on_validation_epoch_start(trainer, None)
    first = 0
    for i, n in enumerate(sizes):
        batch, outputs = make_batch(n, first)
        callback.on_validation_batch_end(trainer, None, outputs, batch, i)
        first += n
    callback.on_validation_epoch_end(trainer, None)


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [((2,), (0, 1)), ((2, 2, 1), (0, 1, 3)), ((5, 5, 5, 4), (0, 4, 12))],
)
def test_picture_shows_images_from_all_over_a_split(
    tmp_path: Path, sizes: tuple[int, ...], shown: tuple[int, ...]
) -> None:
    """At most 3 rows of input | output | target."""
    callback = SampleGrid(str(tmp_path / "samples"), n_images=3)
    validate(callback, make_trainer(), *sizes)
    assert callback.last_picture == tmp_path / "samples" / "val_step_0000042.png"
    picture = cv2.imread(str(callback.last_picture))
    assert picture.shape == (len(shown) * (6 + GAP) + GAP, 3 * (5 + GAP) + GAP, 3)
    for row, image in enumerate(shown):
        y = GAP + row * (6 + GAP)
        levels = [picture[y, GAP + c * (5 + GAP), 0] / 127.5 - 1 for c in range(3)]
        assert levels == pytest.approx([image / 10 - 1, 0, min(image / 10, 1)], abs=1 / 127)


def test_each_epoch_begins_anew_and_gets_its_own_file(tmp_path: Path) -> None:
    callback = SampleGrid(str(tmp_path), n_images=4)
    validate(callback, make_trainer(step=1), 1)
    validate(callback, make_trainer(step=20), 2)
    heights = {p.name: cv2.imread(str(p)).shape[0] for p in tmp_path.iterdir()}
    one = 6 + 2 * GAP
    assert heights == {"val_step_0000001.png": one, "val_step_0000020.png": one + 6 + GAP}


def test_test_split_has_its_own_name_and_key(tmp_path: Path) -> None:
    callback, pictures = SampleGrid(str(tmp_path)), Pictures()
    trainer = make_trainer(pictures)
    callback.on_test_epoch_start(trainer, None)
    batch, outputs = make_batch(2)
    callback.on_test_batch_end(trainer, None, outputs, batch, 0)
    callback.on_test_epoch_end(trainer, None)
    assert callback.last_picture == tmp_path / "test.png"
    assert [call[0] for call in pictures.calls] == ["test/samples"]


class Inverse(Task):
    """Shows the first channel of what it is given upside down in brightness."""

    def input_picture(self, x: torch.Tensor) -> torch.Tensor:
        return -x[:, :1]

    def output_picture(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (y - x[:, :1]).expand(-1, 3, -1, -1)


def test_test_pictures_have_files_of_their_own(tmp_path: Path) -> None:
    callback = SampleGrid(str(tmp_path), n_images=2)
    callback.on_test_epoch_start(make_trainer(), None)
    batch, outputs = make_batch(5)
    callback.on_test_batch_end(make_trainer(), None, outputs, batch, 0)
    callback.on_test_epoch_end(make_trainer(), None)
    assert sorted(p.name for p in (tmp_path / "test").iterdir()) == sorted(
        f"{i:03d}_{kind}.png" for i in range(2) for kind in ("input", "output", "target")
    )
    grid = cv2.imread(str(tmp_path / "test.png"))
    for i in range(2):
        for c, kind in enumerate(("input", "output", "target")):
            top, left = GAP + i * (6 + GAP), GAP + c * (5 + GAP)
            single = cv2.imread(str(tmp_path / "test" / f"{i:03d}_{kind}.png"))
            assert np.array_equal(single, grid[top : top + 6, left : left + 5]), (i, kind)
    assert not np.array_equal(*(cv2.imread(str(tmp_path / "test" / f"00{i}_input.png"))
                                for i in range(2)))  # fmt: skip


def test_pictures_are_made_by_the_task_of_the_model(tmp_path: Path) -> None:
    """Two input channels, one output channel: nothing that could be shown as it is."""
    callback, index = SampleGrid(str(tmp_path)), torch.arange(1)
    callback.on_test_epoch_start(make_trainer(), None)
    x, y = torch.full((1, 2, 6, 5), -0.2), torch.full((1, 1, 6, 5), 0.6)
    outputs = {"AtoB": Shown(index, ["0"], x, y, Inverse(), y_hat=-y)}
    batch = {"input": x, "target": y, "index": index}
    callback.on_test_batch_end(make_trainer(), None, outputs, batch, 0)
    callback.on_test_epoch_end(make_trainer(), None)
    levels = {p.stem: cv2.imread(str(p))[0, 0, 0] for p in (tmp_path / "test").iterdir()}
    expected = {"000_input": 0.2, "000_output": -0.4, "000_target": 0.8}
    assert levels == {name: round(127.5 * (value + 1)) for name, value in expected.items()}


def test_validation_leaves_no_single_pictures(tmp_path: Path) -> None:
    validate(SampleGrid(str(tmp_path)), make_trainer(), 2)
    assert [p.name for p in tmp_path.iterdir()] == ["val_step_0000042.png"]


def test_loggers_that_take_pictures_get_the_one_on_disk(tmp_path: Path) -> None:
    callback, pictures, board = SampleGrid(str(tmp_path)), Pictures(), Board()
    validate(callback, make_trainer(pictures, object(), board), 2)
    on_disk = cv2.cvtColor(cv2.imread(str(callback.last_picture)), cv2.COLOR_BGR2RGB)
    ((key, images, step),) = pictures.calls
    assert (key, step, len(images)) == ("val/samples", 42, 1)
    assert np.array_equal(images[0], on_disk)
    ((key, image, step, options),) = board.calls
    assert (key, step, options) == ("val/samples", 42, {"dataformats": "HWC"})
    assert np.array_equal(image, on_disk)


def test_other_processes_and_empty_splits_write_nothing(tmp_path: Path) -> None:
    pictures = Pictures()
    callback = SampleGrid(str(tmp_path / "a"))
    validate(callback, make_trainer(pictures, first=False), 2)
    validate(callback, make_trainer(pictures))
    assert callback.last_picture is None
    assert pictures.calls == [] and not (tmp_path / "a").exists()


def test_at_test_the_files_of_process_0_outlive_the_other_processes(tmp_path: Path) -> None:
    """Those end their test after it, before the pictures of a sweep are put together."""
    batch, outputs = make_batch(2)
    for first in (True, False):
        callback, trainer = SampleGrid(str(tmp_path)), make_trainer(first=first)
        callback.on_test_epoch_start(trainer, None)
        callback.on_test_batch_end(trainer, None, outputs, batch, 0)
        callback.on_test_epoch_end(trainer, None)
    assert len(list((tmp_path / "test").glob("*.png"))) == 6


def made_of_nothing(labels: list[int] | None, levels: list[float]) -> dict[str, Shown]:
    n = len(levels)
    made = torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 1, 6, 5)
    label = None if labels is None else torch.tensor(labels)
    shown = Shown(torch.arange(n), [""] * n, None, made, Task(), true=False, label=label)
    return {"": replace(shown, y_hat=made)}


def grid_of(callback: SampleGrid, *outputs: dict[str, Shown]) -> np.ndarray:
    """The level of each place, (rows, columns); white is 255."""
    callback.on_test_epoch_start(make_trainer(), None)
    for shown in outputs:
        callback.on_test_batch_end(make_trainer(), None, shown, {}, 0)
    callback.on_test_epoch_end(make_trainer(), None)
    return cv2.imread(str(callback.last_picture))[GAP :: 6 + GAP, GAP :: 5 + GAP, 0]


def test_pictures_made_of_nothing_stand_by_class(tmp_path: Path) -> None:
    callback = SampleGrid(str(tmp_path), n_images=2)
    grid = grid_of(
        callback,
        made_of_nothing([1, 0, 1], [-1, -0.2, 0.2]), made_of_nothing([1, 0], [0.5, 0.6]),
    )  # fmt: skip
    assert grid.tolist() == [[102, 204], [0, 153]]
    assert callback.columns == "A row for each class"


def test_pictures_without_classes_stand_in_a_row(tmp_path: Path) -> None:
    grid = grid_of(SampleGrid(str(tmp_path), n_images=2), made_of_nothing(None, [-1, 1, 0]))
    assert grid.tolist() == [[0, 255]]


def test_routes_may_have_nothing_of_a_batch(tmp_path: Path) -> None:
    """As the picture of a domain has in those that make this domain."""
    _, some = make_batch(2)
    none = {"AtoB": replace(some["AtoB"], index=torch.arange(0), names=[])}
    callback = SampleGrid(str(tmp_path), n_images=2)
    assert grid_of(callback, none, some, none).shape == (2, 3)
