"""What is read of a run's folder for its page: curves, costs, single images, alarms."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from compared_runs import log, make_run, paint
from i2i.comparison.run_alarms import read_alarms
from i2i.comparison.run_curves import read_log, thinned
from i2i.comparison.run_records import read_run
from i2i.comparison.run_test import read_tests


def test_curves_have_the_steps_at_which_they_were_logged(tmp_path: Path) -> None:
    log(tmp_path, [{"step": 1, "train/g/gan": 0.5}, {"step": 5, "val/ssim": 0.25},
                   {"step": 6, "train/g/gan": "nan", "val/ssim": 0.75}])  # fmt: skip
    found = read_log(tmp_path)
    assert found.curves["val/ssim"] == ([5, 6], [0.25, 0.75])
    assert found.curves["train/g/gan"][0] == [1, 6]
    assert (found.step, found.notes, found.seconds, found.rate) == (6, [], None, None)


def test_time_is_that_of_the_training_steps(tmp_path: Path) -> None:
    """10 images at 2 a second, then 30 at 10 a second: 8 seconds, 5 images a second."""
    rows = [
        {"step": 10, "train/images_per_second": 2.0, "train/images_seen": 10},
        {"step": 20, "train/images_per_second": "", "train/images_seen": ""},
        {"step": 40, "train/images_per_second": 10.0, "train/images_seen": 40},
    ]
    log(tmp_path, rows)
    found = read_log(tmp_path)
    assert (found.seconds, found.rate) == (pytest.approx(8.0), pytest.approx(5.0))


def test_a_row_that_was_cut_off_and_damaged_ones_are_left_out(tmp_path: Path) -> None:
    text = "step,val/ssim,x\n1,0.5,\nrubbish,1,2\n2,word,3\n3,0.625,4\n4,0.9"
    (tmp_path / "metrics.csv").write_text(text)
    found = read_log(tmp_path)
    assert found.curves == {"val/ssim": ([1, 3], [0.5, 0.625]), "x": ([2, 3], [3.0, 4.0])}
    assert found.notes == ["2 damaged rows or values of metrics.csv are left out"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no metrics.csv: no learning curves"),
        (b"", "0 columns that do not begin with 'step'"),
        (b"a,b\n1,2\n", "2 columns that do not begin with 'step'"),
        (b"step,\xff\n1,2\n", "bytes that are no UTF-8"),
        (b"step," + b"x," * 600 + b"\n", "602 columns"),
    ],
    ids=["missing", "empty", "another file", "no text", "too many columns"],
)
def test_a_log_that_cannot_be_read_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    if content is not None:
        (tmp_path / "metrics.csv").write_bytes(content)
    found = read_log(tmp_path)
    assert found.curves == {} and told in found.notes[0]


def test_long_curves_are_thinned_evenly_and_keep_their_ends() -> None:
    steps, values = thinned((list(range(1001)), [i / 2 for i in range(1001)]), 101)
    assert (steps[0], steps[1], steps[-1], len(steps)) == (0, 11, 1000, 92)
    assert values == [step / 2 for step in steps]
    assert thinned(([1, 2], [3.0, 4.0]), 20) == ([1, 2], [3.0, 4.0])


def test_single_images_are_read_by_route_and_index(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", per_image={"ssim": [0.5, 0.25], "psnr": [20.0, float("inf")]})
    paint(run, 100, 2)
    (tested,) = read_tests(run).values()
    assert tested.names == {0: "place 0", 1: "place 1"}
    assert tested.scores == {"ssim": {0: 0.5, 1: 0.25}, "psnr": {0: 20.0, 1: float("inf")}}
    assert tested.pictures[1]["output"] == run / "test_pictures" / "000001_output.png"
    (run / "per_image.csv").rename(run / "per_image_AtoB.csv")
    (run / "test_pictures").rename(run / "AtoB")
    (run / "test_pictures").mkdir()
    (run / "AtoB").rename(run / "test_pictures" / "AtoB")
    (route, tested), *others = read_tests(run).items()
    assert (route, len(tested.pictures), tested.names[1], others) == ("AtoB", 2, "place 1", [])


@pytest.mark.parametrize(
    "text",
    ["", "index,name\n", "name,index,ssim\nx,word,0.5\n", "name,index,ssim\nx\n",
     "name,index,ssim\nx,1,word\n"],
    ids=["empty", "other columns", "no index", "short", "no number"],
)  # fmt: skip
def test_damaged_scores_of_images_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "per_image.csv").write_text(text)
    (tested,) = read_tests(tmp_path).values()
    assert tested.scores == {} and "per_image.csv cannot be read" in tested.notes[0]


def test_alarms_are_those_of_the_record(tmp_path: Path) -> None:
    assert read_alarms(tmp_path) == ([], [])
    alarms = [{"name": "d_has_won", "step": 40, "text": "D has won\x1b[31m", "value": 1.0}]
    (tmp_path / "health.json").write_text(json.dumps({"alarms": alarms}))
    assert read_alarms(tmp_path) == ([(40, "D has won\\x1b[31m")], [])
    (tmp_path / "health.json").write_text('{"alarms": 3}')
    found, notes = read_alarms(tmp_path)
    assert found == [] and "no list of alarms but int" in notes[0]


@pytest.mark.parametrize(
    ("version", "accelerator", "device"),
    [
        ('{"device": "NVIDIA H100"}', "auto", "NVIDIA H100"),
        ('{"device": "NVIDIA H100"}', "cpu", "CPU"),
        ('{"device": ""}', "auto", "CPU"),
        ('{"device": 3}', "auto", "3"),
        ("{}", "cpu", ""),
        ("[", "auto", ""),
        (None, "auto", ""),
    ],
)
def test_the_device_is_that_of_the_training(
    tmp_path: Path, version: str | None, accelerator: str, device: str
) -> None:
    run = make_run(tmp_path / "run")
    config = OmegaConf.load(run / "config.yaml")
    config.trainer = {"accelerator": accelerator}
    OmegaConf.save(config, run / "config.yaml")
    if version is not None:
        (run / "code_version.json").write_text(version)
    assert read_run(run).device == device
