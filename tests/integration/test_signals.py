"""A signal ends a command with a shell's exit code wherever it comes; what is saved is said."""

import csv
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, TINY_UNET, Run

QUICK = ["trainer.max_epochs=2", "callbacks.samples=null", "baselines=false"]
MOMENTS = {  # a function that a command calls, and whether the run has saved something before
    "build": ("i2i.commands.train.build", False),
    "data": ("i2i.data.datamodule.PairedDataModule.check_content", False),
    "record": ("i2i.commands.train.write_record", False),
    "first step": ("i2i.systems.pix2pix.Pix2Pix.generate", False),
    "validation": ("i2i.callbacks.scoring.Scoring.on_validation_batch_end", False),
    "saving": ("i2i.training.checkpoint_io.save_whole", None),
    "test": ("i2i.callbacks.scoring.Scoring.on_test_batch_end", True),
}


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Sends this process a signal when a function is called for the first time."""

    def at(place: str, number: int) -> None:
        path, _, name = place.rpartition(".")
        owner = pkgutil.resolve_name(path)
        function = getattr(owner, name)

        def and_signal(*given: Any, **options: Any) -> Any:
            monkeypatch.undo()
            signal.raise_signal(number)
            return function(*given, **options)

        monkeypatch.setattr(owner, name, and_signal)

    return at


@pytest.mark.parametrize("moment", MOMENTS)
def test_training_ends_with_143_wherever_it_is(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, signalled: Any,
    capsys: pytest.CaptureFixture, moment: str,
) -> None:  # fmt: skip
    place, saved = MOMENTS[moment]
    signalled(place, signal.SIGTERM)
    run_dir = tmp_path / "run"
    assert command("train", *tiny, *TINY_UNET, *QUICK, f"hydra.run.dir={run_dir}") == 143
    there = (run_dir / "checkpoints" / "last.ckpt").is_file()
    assert saved in (None, there)
    told = capsys.readouterr()
    assert ("Stopped. To go on: python src/train.py resume=" in told.out) is there
    assert "Traceback" not in told.err and "Error" not in told.err
    assert not list(run_dir.glob("checkpoints/.i2i-*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_other_signals_have_codes_of_their_own_and_the_run_goes_on(
    command: Callable[..., int], train: Run, tiny: list[str], tmp_path: Path, signalled: Any,
    number: int, code: int,
) -> None:  # fmt: skip
    signalled("i2i.callbacks.scoring.Scoring.on_test_batch_end", number)
    run_dir = tmp_path / "run"
    assert command("train", *tiny, *TINY_UNET, *QUICK, f"hydra.run.dir={run_dir}") == code
    assert not (run_dir / "test_metrics.json").exists()
    assert command("train", f"resume={run_dir}") == 0
    assert (run_dir / "test_metrics.json").exists()


@pytest.fixture(scope="module")
def run_dir(train_once: Run) -> Path:
    return train_once(*QUICK)


def test_scoring_and_translating_end_so_too(
    command: Callable[..., int], run_dir: Path, pairs_root: Path, tmp_path: Path, signalled: Any,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    signalled("i2i.callbacks.scoring.Scoring.on_test_batch_end", signal.SIGTERM)
    options = [f"checkpoint={run_dir}", f"output={tmp_path / 'out'}"]
    assert command("evaluate", *options, "trainer=cpu", "metrics=pairwise") == 143
    signalled("i2i.commands.translate.translate_jobs", signal.SIGINT)
    assert command("translate", *options, f"input={pairs_root / 'test'}") == 130
    told = capsys.readouterr()
    assert "To go on" not in told.out and "Traceback" not in told.err


def test_a_stopped_sweep_lists_the_jobs_that_never_ran(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, signalled: Any,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    signalled("i2i.callbacks.scoring.Scoring.on_test_batch_end", signal.SIGTERM)
    options = [*tiny, *TINY_UNET, *QUICK, f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    assert command("train", "-m", "seed=0,1,2", *options) == 143
    told = capsys.readouterr().out
    assert "\n3 of the sweep's 3 jobs did not run to their end:\n" in told
    assert "  0: seed=0 (was cut off)\n  1: seed=1 (never ran)\n  2: seed=2 (never ran)\n" in told
    assert [f.name for f in (tmp_path / "sweep").iterdir() if f.name.isdigit()] == ["0"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["signal", pytest.param("loss", marks=pytest.mark.faults)])
def test_two_processes_end_together(tiny: list[str], tmp_path: Path, kind: str) -> None:
    """SIGTERM of the main one alone, and a loss of the second alone that is no number."""
    run_dir = tmp_path / "run"
    probe = ["+callbacks.probe._target_=probes.OnOneProcess", f"+callbacks.probe.kind={kind}"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "src" / "train.py"), *tiny, *TINY_UNET, *QUICK, *probe,
         "trainer=ddp", "trainer.accelerator=cpu", "trainer.log_every_n_steps=50",
         f"hydra.run.dir={run_dir}"],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    if kind == "signal":
        assert done.returncode == 143
        return
    assert done.returncode == 1
    assert done.stderr.count("train/g/l1: found NaN or infinity, first at step 2; expected") == 1
    assert not (run_dir / "checkpoints" / "last.ckpt").exists()
    with (run_dir / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1"]
