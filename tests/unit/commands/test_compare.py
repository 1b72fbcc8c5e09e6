"""``python src/compare.py``: words without = are folders, and the others are options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from compared_runs import make_run
from i2i.commands.compare import with_folders
from i2i.commands.multirun import compare_runs
from wandb_file import read_run

WRITTEN = ("comparison.csv", "comparison.html", "comparison.md")


def test_folders_and_options_may_come_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "output=x").mkdir()
    (tmp_path / "gan_loss=lsgan").mkdir()
    argv = ["a b", "output=o", "it's,1", "--cfg", "job", "gan_loss=lsgan", "~/c"]
    assert with_folders(argv) == [
        "output=o", "--cfg", "job", "runs=['a b','it\\'s,1','gan_loss=lsgan','~/c']"
    ]  # fmt: skip
    assert with_folders(["--help"]) == ["--help"]


def test_a_sweep_is_compared_where_it_stands(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    sweep = tmp_path / "a sweep, with='signs'"
    make_run(sweep / "0", "x=1", per_image={"ssim": [0.5, 0.25]})
    assert command("compare", sweep.name) == 0
    assert sorted(p.name for p in sweep.iterdir()) == ["0", *WRITTEN]
    assert [p.name for p in tmp_path.iterdir()] == [sweep.name]  # no outputs/
    printed = capsys.readouterr().out
    assert "| 0.3750 |" in printed and f"Comparison: {sweep}/comparison.html" in printed


def test_runs_are_compared_where_it_is_asked_for(
    command: Callable[..., int], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        make_run(tmp_path / name, f"x={name}", per_image={"ssim": [0.5]})
    assert command("compare", "one", f"output={tmp_path}/new/out", "two/") == 0
    assert sorted(p.name for p in (tmp_path / "new" / "out").iterdir()) == list(WRITTEN)
    text = (tmp_path / "new" / "out" / "comparison.md").read_text()
    assert "| x=one | 0.5000 |" in text and "| x=two | 0.5000 |" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "python src/compare.py: found no folder; expected those of runs or sweeps."),
        (["no"], "no: found no folder there; expected the folder of a run or of a sweep."),
        (["empty"], "empty: found no run (a folder with .hydra/overrides.yaml) below it"),
        (["one", "two"], "output: found no value beside several folders; expected a folder."),
        (["one", "outptu=x"], "outptu: found an option that no part takes"),
    ],
    ids=["nothing", "missing", "empty", "nowhere to write", "misspelt"],
)
def test_a_command_line_that_cannot_be_meant_is_refused(
    command: Callable[..., int], tmp_path: Path, words: list[str], told: str,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    for name in ("one", "two"):
        make_run(tmp_path / name, "x=1", per_image={"ssim": [0.5]})
    (tmp_path / "empty").mkdir()
    assert command("compare", *words) == 1
    assert told in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "one", "two"]


def logged_run(folder: Path, **options: Any) -> Path:
    """A run that was logged to W&B."""
    run = make_run(folder, "x=1", per_image={"ssim": [0.5, 0.25]})
    config = OmegaConf.load(run / "config.yaml")
    node = {"project": "p", "group": None, "offline": True} | options
    config.update({"logger": {"wandb": node}, "record": {"group": "my sweep"}})
    OmegaConf.save(config, run / "config.yaml")
    return run


def test_a_comparison_goes_to_wandb_where_it_is_asked_for(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    sweep = tmp_path / "sweep"
    logged_run(sweep / "0", log_comparison=True)
    assert command("compare", str(sweep)) == 0
    assert not (sweep / "wandb_comparison").exists()
    assert command("compare", str(sweep), "wandb=true", f"output={tmp_path / 'out'}") == 0
    found = read_run(tmp_path / "out" / "wandb_comparison")
    assert found["run"]["group"] == "my sweep"
    assert sorted(found["artifacts"]["comparison"]["files"]) == sorted(WRITTEN)
    assert "is an artifact of the run 'compare my sweep'" in "".join(capsys.readouterr())


def test_runs_without_wandb_are_refused_before_anything_is_written(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    make_run(tmp_path / "sweep" / "0", "x=1", per_image={"ssim": [0.5, 0.25]})
    assert command("compare", str(tmp_path / "sweep"), "wandb=true") == 1
    assert "wandb=true: found no run that was logged to W&B" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "sweep").iterdir()] == ["0"]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_sweep_ends_with_its_comparison_on_wandb_unless_it_is_left_out(
    tmp_path: Path, wanted: bool
) -> None:
    logged_run(tmp_path / "0", log_comparison=wanted)
    compare_runs(tmp_path)
    assert (tmp_path / "comparison.html").is_file()
    assert (tmp_path / "wandb_comparison").exists() is wanted


def test_a_comparison_that_wandb_does_not_take_is_written_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no room")

    logged_run(tmp_path / "0")
    monkeypatch.setattr("i2i.loggers.wandb_comparison.send", fail)
    compare_runs(tmp_path)
    said = capsys.readouterr().out
    assert "| 0.3750 |" in said and "The comparison is not on W&B: no room" in said
