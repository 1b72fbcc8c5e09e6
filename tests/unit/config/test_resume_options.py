"""``resume=``: which options a run goes on with."""

import os
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from conftest import CONF, ROOT
from i2i.config.resume import last_checkpoint, with_earlier_options
from i2i.errors import SettingError


def make_run(
    folder: Path, overrides: list[str] | None = None, root: str = "/data/pairs", name: str = "last"
) -> Path:
    """What a run leaves in its folder."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / f"{name}.ckpt").touch()
    (folder / ".hydra").mkdir()
    OmegaConf.save(OmegaConf.create(overrides or []), folder / ".hydra" / "overrides.yaml")
    OmegaConf.save(OmegaConf.create({"dataset": {"root": root}}), folder / "config.yaml")
    return folder


def values(argv: list[str]) -> dict[str, object]:
    """What Hydra reads; the last value of a key."""
    parsed = OverridesParser.create().parse_overrides(argv)
    return {override.key_or_group: override.value() for override in parsed}


def composed(monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> DictConfig:
    """What the main command makes of a command line."""
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", ["run_dir=x", *argv], return_hydra_config=True)


def test_the_checkpoint_of_a_run_is_its_last(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "checkpoints" / "best.ckpt").touch()
    assert last_checkpoint(run) == run / "checkpoints" / "last.ckpt"
    assert last_checkpoint(run / "checkpoints" / "best.ckpt").name == "best.ckpt"


def test_a_run_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"resume=.*nothing: found nothing there"):
        last_checkpoint(tmp_path / "nothing")
    with pytest.raises(SettingError, match=r"a folder without checkpoints/last\.ckpt"):
        last_checkpoint(tmp_path)
    with pytest.raises(SettingError, match="resume="):
        with_earlier_options([f"resume={tmp_path}"])


@pytest.mark.parametrize(
    "argv",
    [[], ["generator=unet"], ["resume=null"], ["resume="], ["-m", "seed=1,2"], ["seed=3"]],
    ids=str,
)
def test_nothing_changes_where_nothing_is_resumed(argv: list[str]) -> None:
    assert with_earlier_options(list(argv)) == argv


def test_a_run_goes_on_with_its_own_options_folder_and_data(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["generator=resnet9", "dataset=maps", "seed=3"])
    read = values(with_earlier_options([f"resume={run}"]))
    assert read == {
        "generator": "resnet9", "dataset": "maps", "seed": 3, "dataset.root": "/data/pairs",
        "hydra.run.dir": str(run), "resume": str(run), "hydra.mode": "RUN",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["table1_losses", "table2_generators", "table3_patch"])
def test_one_job_of_an_experiment_that_is_a_sweep_goes_on_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    options = [f"experiments={name}", "trainer.max_steps=3"]
    assert composed(monkeypatch, options).hydra.mode == RunMode.MULTIRUN
    run = make_run(tmp_path / "0", options)
    again = composed(monkeypatch, with_earlier_options([f"resume={run}"]))
    assert again.hydra.mode == RunMode.RUN
    assert (again.trainer.max_steps, again.hydra.run.dir) == (3, str(run))


def test_what_is_typed_comes_last(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["seed=3", "trainer.max_epochs=1"])
    typed = [f"resume={run}", "trainer.max_epochs=2", "dataset.root=/new", "hydra.run.dir=/else"]
    argv = with_earlier_options(typed)
    assert argv[-len(typed) :] == typed
    read = values(argv)
    assert (read["trainer.max_epochs"], read["seed"]) == (2, 3)
    assert (read["dataset.root"], read["hydra.run.dir"]) == ("/new", "/else")


def test_a_run_that_was_itself_resumed_goes_on_from_its_newest_checkpoint(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["seed=3", "resume=/old/run", "dataset.root=relative"])
    argv = with_earlier_options([f"resume={run}"])
    assert [o for o in argv if o.lstrip("+").startswith("resume=")] == [f"resume={run}"]
    assert "dataset.root=relative" not in argv  # relative to where it was typed then


@pytest.mark.parametrize("inside", ["", "checkpoints/last.ckpt"])
def test_a_checkpoint_means_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    run = make_run(tmp_path / "run", ["seed=3"])
    monkeypatch.chdir(tmp_path)
    for typed in (os.path.join("run", inside), str(run / inside), f"'{run / inside}'"):
        read = values(with_earlier_options([f"resume={typed}"]))
        assert (read["seed"], read["hydra.run.dir"]) == (3, str(run))


def test_a_checkpoint_outside_of_a_run_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "copy.ckpt").touch()
    argv = [f"resume={tmp_path / 'copy.ckpt'}", "seed=1"]
    assert with_earlier_options(argv) == argv
    moved = make_run(tmp_path / "run")
    (moved / ".hydra" / "overrides.yaml").unlink()
    assert with_earlier_options([f"resume={moved}"]) == [f"resume={moved}"]


@pytest.mark.parametrize("name", ["with space", "a=b,c", "{x}", "o'brien", "12-00-00", "ü"])
def test_paths_that_need_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They come from the working directory, not from what was typed."""
    run = make_run(tmp_path / name / "run", root=f"/data/{name}")
    monkeypatch.chdir(tmp_path / name)
    read = values(with_earlier_options(["resume=run"]))
    assert (read["hydra.run.dir"], read["dataset.root"]) == (str(run), f"/data/{name}")


@pytest.mark.parametrize(
    "options",
    [
        ["generator=resnet9", "generator.n_blocks=2", "gan_loss=wgan-gp"],
        ["experiments=first_run"],
        ["+trainer.profiler=simple"],
        ["++trainer.profiler=simple"],
        ["~callbacks.throughput"],
    ],
    ids=" ".join,
)
def test_the_whole_command_may_be_typed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """As a queue does that starts a stopped job again: the same line, and resume=."""
    run = make_run(tmp_path / "run", options)
    once = composed(monkeypatch, options)
    again = composed(monkeypatch, with_earlier_options([*options, f"resume={run}"]))
    for key in ("generator", "gan_loss", "trainer", "callbacks", "optimizer"):
        assert again[key] == once[key]
    assert again.hydra.run.dir == str(run)
