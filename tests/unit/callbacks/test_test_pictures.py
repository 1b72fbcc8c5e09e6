"""Pictures of the test split: the same ones in every run, however many processes share it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from i2i.callbacks.test_pictures import TestPictures
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.images.reading import COLOURS
from i2i.labels.palette import ClassPalette
from i2i.metrics.shown import Shown

N = 23  # images of the split


def shown_of(
    indices: list[int], height: int = 6, width: int = 5, true: bool = True, back: bool = False
) -> Shown:
    """Images whose levels say which they are: input 10 + i, output 100 + i, target 200 + i."""
    index = torch.tensor(indices)
    levels = index.view(-1, 1, 1, 1).expand(-1, 3, height, width)
    x, y_hat, y = ((base + levels) / 127.5 - 1 for base in (10, 100, 200))
    names, made = [str(i) for i in indices], {"y_hat": y_hat, "back": x if back else None}
    return Shown(index, names, x, y, Task(), true=true, **made)


def go_through(
    callback: TestPictures, processes: int = 1, routes: tuple[str, ...] = ("AtoB",),
    limit: float = 1.0, **shape: Any,
) -> None:  # fmt: skip
    """Goes through the split; each process has every n-th image, as a distributed sampler deals."""
    data = SimpleNamespace(eval_batch_size=4, set_size=lambda split: N)
    module = SimpleNamespace(evaluates=None, routes=routes)
    strategy = SimpleNamespace(barrier=lambda: None)
    for process in reversed(range(processes)):
        trainer = SimpleNamespace(
            datamodule=data, world_size=processes, limit_test_batches=limit, strategy=strategy,
            is_global_zero=process == processes - 1,
        )  # fmt: skip
        callback.on_test_epoch_start(trainer, module)
        own = [i for i in range(N) if i % processes == process]
        for start in range(0, len(own), 4):
            outputs = {route: shown_of(own[start : start + 4], **shape) for route in routes}
            callback.on_test_batch_end(trainer, module, outputs, None, 0)


def written(folder: Path) -> dict[str, int]:
    """The level of each picture."""
    files = sorted(folder.rglob("*.png"))
    return {p.relative_to(folder).as_posix(): int(COLOURS.read(p)[0, 0, 0]) for p in files}


def test_they_are_from_all_over_the_split_whatever_the_processes(tmp_path: Path) -> None:
    for processes in (1, 2, 3):
        go_through(TestPictures(str(tmp_path / str(processes)), n_images=5), processes)
    found = written(tmp_path / "1")
    assert found == {
        f"{i:06d}_{kind}.png": base + i
        for i in (0, 4, 9, 13, 18)
        for kind, base in (("input", 10), ("output", 100), ("target", 200))
    }
    assert written(tmp_path / "2") == written(tmp_path / "3") == found


def test_without_the_truth_there_is_no_target(tmp_path: Path) -> None:
    go_through(TestPictures(str(tmp_path), n_images=2), true=False)
    assert list(written(tmp_path)) == [
        f"{i:06d}_{kind}.png" for i in (0, 11) for kind in ("input", "output")
    ]


def test_what_comes_back_is_kept_too(tmp_path: Path) -> None:
    go_through(TestPictures(str(tmp_path), n_images=1), back=True)
    found = written(tmp_path)
    assert list(found) == [f"000000_{c}.png" for c in ("back", "input", "output", "target")]
    assert found["000000_back.png"] == 10


def test_label_maps_are_shrunk_without_new_colours_and_are_told(tmp_path: Path) -> None:
    palette = ClassPalette({"a": [10, 10, 10], "b": [250, 250, 250]})
    callback = TestPictures(str(tmp_path), n_images=1, side=3)
    checks = np.indices((6, 6)).sum(0) % 2 * 240 + 10
    picture = torch.tensor(checks[None, None]).expand(1, 3, 6, 6) / 127.5 - 1
    task = LabelTask(palette, "input")
    shown = Shown(torch.zeros(1, dtype=torch.long), ["0"], picture, picture, task, y_hat=picture)
    callback.places = {"AtoB": {0}}
    callback.keep({"AtoB": shown})
    files = {c: tmp_path / f"000000_{c}.png" for c in ("input", "output")}
    levels = {c: set(np.unique(COLOURS.read(file))) for c, file in files.items()}
    assert levels["input"] <= {10, 250} and not levels["output"] <= {10, 250}
    assert {c: m.truth for c, m in callback.label_maps[""].items()} == {
        "input": True,
        "back": False,
    }


def test_routes_share_the_number(tmp_path: Path) -> None:
    go_through(TestPictures(str(tmp_path), n_images=4), routes=("AtoB", "BtoA"))
    found = [name for name in written(tmp_path) if "output" in name]
    assert found == [f"{r}/{i:06d}_output.png" for r in ("AtoB", "BtoA") for i in (0, 11)]


def test_a_later_test_replaces_an_earlier_one(tmp_path: Path) -> None:
    go_through(TestPictures(str(tmp_path), n_images=N + 5))
    assert len(written(tmp_path)) == 3 * N
    go_through(TestPictures(str(tmp_path), n_images=3))
    assert len(written(tmp_path)) == 9
    go_through(TestPictures(str(tmp_path), n_images=0))
    assert written(tmp_path) == {}


def test_of_a_limited_test_they_are_from_what_is_gone_through(tmp_path: Path) -> None:
    go_through(TestPictures(str(tmp_path), n_images=4), limit=2)  # two batches of four
    outputs = [name for name in written(tmp_path) if "output" in name]
    assert outputs == [f"{i:06d}_output.png" for i in (0, 2, 4, 6)]


@pytest.mark.numeric
def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    go_through(TestPictures(str(tmp_path), n_images=1, side=16), height=20, width=40)
    picture = COLOURS.read(tmp_path / "000000_output.png")
    assert picture.shape == (8, 16, 3) and np.all(picture == 100)


@pytest.mark.parametrize("option", [{"n_images": -1}, {"n_images": 2.5}, {"side": 0}], ids=str)
def test_a_number_that_means_nothing_is_refused(tmp_path: Path, option: dict) -> None:
    (name,) = option
    with pytest.raises(SettingError, match=rf"callbacks\.test_pictures\.{name}=.*whole number"):
        TestPictures(str(tmp_path), **option)
