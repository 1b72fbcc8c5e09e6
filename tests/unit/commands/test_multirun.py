"""What a sweep is given before it starts."""

import signal
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import OmegaConf

from i2i.cluster import environment as cluster
from i2i.cluster.stopping import Stopped
from i2i.commands import multirun, slurm_sweep
from i2i.commands.multirun import (
    SWEEPS,
    CompareRuns,
    Sweep,
    comparing,
    countable,
    suit_optuna,
)
from i2i.config.resolvers import direction
from i2i.errors import SettingError

METRICS = {  # as composed: single images, distributions and classes
    "distribution": True,
    "segmentation": True,
    "ssim": {"_target_": "i2i.metrics.quality.SSIM"},
    "psnr": {"_target_": "i2i.metrics.quality.PSNR"},
    "l1": {"_target_": "i2i.metrics.quality.L1"},
    "lpips": {"_target_": "i2i.metrics.perceptual.LPIPS"},
}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("val/ssim", "maximize"), ("val/psnr", "maximize"), ("test/mean_iou", "maximize"),
     ("val/l1", "minimize"), ("val/fid", "minimize"), ("val/lpips", "minimize")],
)  # fmt: skip
def test_optuna_goes_where_the_score_is_better(metric: str, expected: str) -> None:
    sweeper = {"direction": "minimize", "max_failure_rate": 0.0}
    config: dict[str, Any] = {"sweep_metric": metric, "metrics": METRICS}
    config["hydra"] = {"sweeper": sweeper, "overrides": {"hydra": []}}
    cfg = OmegaConf.create(config)
    suit_optuna(cfg)
    assert cfg.hydra.sweeper == {"direction": expected, "max_failure_rate": 1.0}
    config["hydra"]["overrides"]["hydra"] = [
        "hydra.sweeper.direction=minimize", "hydra.sweeper.max_failure_rate=0.5"
    ]  # fmt: skip
    typed = OmegaConf.create(config)
    suit_optuna(typed)
    assert typed.hydra.sweeper == sweeper


@pytest.mark.parametrize("metric", ["ssim", "train/l1", "val/"])
def test_a_metric_that_is_no_score_is_refused(metric: str) -> None:
    with pytest.raises(SettingError, match=r"sweep_metric=.*no split and score"):
        direction(metric, _root_=OmegaConf.create({"metrics": METRICS}))


def optuna_sweep(**sweeper: Any) -> Any:
    """A configuration as Hydra hands it to its callbacks."""
    given = {"_target_": "x.OptunaSweeper", "storage": None, "sampler": {"seed": None}}
    hydra = {"sweeper": given | sweeper, "overrides": {"hydra": []}, "sweep": {"dir": "/sweep"}}
    hydra["launcher"] = {"_target_": "x.BasicLauncher"}
    return OmegaConf.create({"sweep_metric": "val/ssim", "metrics": METRICS, "hydra": hydra})


@pytest.fixture(autouse=True)
def no_sweeps() -> Any:
    SWEEPS.clear()
    yield
    SWEEPS.clear()


def test_a_sweep_in_several_processes_is_refused_with_the_way_to_do_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "launched", lambda: None)
    CompareRuns().on_multirun_start(optuna_sweep())
    assert len(SWEEPS) == 1
    monkeypatch.setattr(cluster, "launched", lambda: (2, 2))
    told = (
        r"(?s)^\n-m \(hydra.mode=MULTIRUN\): found a sweep in 4 processes of one srun or torchrun; "
        r"expected one process that.*hydra/launcher=submitit_slurm.*call sbatch or srun once"
    )
    with pytest.raises(SystemExit, match=told):  # Hydra hides an exception
        CompareRuns().on_multirun_start(optuna_sweep())
    monkeypatch.setattr(multirun, "let_the_first_speak", lambda: True)
    with pytest.raises(SystemExit) as stop:
        CompareRuns().on_multirun_start(optuna_sweep())
    assert stop.value.code == 1 and len(SWEEPS) == 1  # one of them speaks, and none begins


def test_nan_is_the_score_of_a_failed_job(capsys: pytest.CaptureFixture) -> None:
    assert countable(float("nan")) is None and "counts as failed" in capsys.readouterr().err
    assert [countable(value) for value in (0.5, float("inf"), None)] == [0.5, float("inf"), None]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    folders: list[Path] = []
    monkeypatch.setattr(multirun, "compare_runs", folders.append)
    return folders


def test_a_sweep_without_a_best_trial_ends_with_its_table(
    tmp_path: Path, compared: list[Path]
) -> None:
    with pytest.raises(SettingError, match=r"sweeper=optuna: found no job that ended.*expected"):
        with comparing():
            SWEEPS.append(Sweep(tmp_path, False))
            level = optuna.logging.get_verbosity()
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            study = optuna.create_study()
            optuna.logging.set_verbosity(level)
            study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
            _ = study.best_trial
    assert compared == [tmp_path]
    with pytest.raises(ValueError, match="another"), comparing():
        raise ValueError("another")


def test_a_failed_job_at_the_end_of_a_grid_is_told(tmp_path: Path, compared: list[Path]) -> None:
    """Optuna's grid stops a study that the sweeper does not know how to stop."""
    with pytest.raises(SettingError, match=r"sampler=grid: found a failed job.*were all run"):
        with comparing():
            SWEEPS.append(Sweep(tmp_path, False))
            sampler = optuna.samplers.GridSampler({"x": [1]})
            study = optuna.create_study(sampler=sampler)
            trial = study.ask()
            trial.suggest_categorical("x", [1])
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    assert compared == [tmp_path]


def submitted(folder: Path, *jobs: str) -> None:
    for job in jobs:
        (folder / ".submitit" / job).mkdir(parents=True)
        (folder / ".submitit" / job / f"{job}_submitted.pkl").touch()


@pytest.mark.parametrize("when", ["in-the-launcher", "at-the-end"])
def test_ctrl_c_waits_for_no_job_of_slurm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
    compared: list[Path], when: str,
) -> None:  # fmt: skip
    submitted(tmp_path, "12_0", "12_1")

    def interrupted(*_: Any) -> None:
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr(slurm_sweep, "wait_for_jobs", interrupted)
    with pytest.raises(SystemExit) as stop, comparing():
        SWEEPS.append(Sweep(tmp_path, True))
        raise Stopped(signal.SIGINT) if when == "in-the-launcher" else RuntimeError("a job failed")
    assert stop.value.code == 130 and compared == []
    told = capsys.readouterr().out
    assert told.count("scancel 12_0 12_1\n") == 1
    assert told.count(f"python src/compare.py {tmp_path}") == 1


def test_ctrl_c_of_a_sweep_in_this_process_makes_the_table(
    tmp_path: Path, compared: list[Path]
) -> None:
    with pytest.raises(Stopped), comparing():
        SWEEPS.append(Sweep(tmp_path, False))
        raise Stopped(signal.SIGINT)
    assert compared == [tmp_path]


def job(number: int) -> Any:
    return OmegaConf.create({"hydra": {"job": {"num": number}}})


def test_the_jobs_that_a_stopped_sweep_did_not_run_are_listed(
    tmp_path: Path, compared: list[Path], capsys: pytest.CaptureFixture
) -> None:
    sweeper = {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"}
    sweeper["params"] = {"gan_loss": "vanilla,lsgan"}
    config = OmegaConf.create(
        {"hydra": {
            "sweeper": sweeper, "launcher": {"_target_": "x.BasicLauncher"},
            "sweep": {"dir": str(tmp_path)}, "overrides": {"task": ["trainer=cpu", "seed=0,1"]},
        }}
    )  # fmt: skip
    calls = CompareRuns()
    with pytest.raises(Stopped), comparing():
        calls.on_multirun_start(config)
        calls.on_job_start(job(0))
        calls.on_job_end(job(0))
        calls.on_job_start(job(1))
        raise Stopped(signal.SIGTERM)
    assert capsys.readouterr().out == (
        "\n3 of the sweep's 4 jobs did not run to their end:\n"
        "  1: gan_loss=vanilla seed=1 (was cut off)\n"
        "  2: gan_loss=lsgan seed=0 (never ran)\n"
        "  3: gan_loss=lsgan seed=1 (never ran)\n"
    )


def test_jobs_in_other_processes_are_known_by_their_folders(
    tmp_path: Path, compared: list[Path], capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "0").mkdir()
    with pytest.raises(Stopped), comparing():
        SWEEPS.append(Sweep(tmp_path, False, ["", ""]))
        raise Stopped(signal.SIGTERM)
    assert "1 of the sweep's 2 jobs" in (told := capsys.readouterr().out)
    assert told.endswith("  1: (never ran)\n")
