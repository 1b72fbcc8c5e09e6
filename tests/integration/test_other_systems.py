"""What macOS and Windows lack is not needed: to import, to train, and to pass the unit tests."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, TINY_UNET, Run

PATHS = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "src")])


def losses(run_dir: Path) -> list[dict[str, str]]:
    """The log without what depends on the clock."""
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "train/images_per_second"} for row in rows]


@pytest.mark.parametrize(
    "system",
    [
        pytest.param("windows", marks=pytest.mark.faults),
        pytest.param("macos", marks=pytest.mark.faults),
    ],
)
def test_training_with_spawned_workers(
    tiny: list[str], train: Run, tmp_path: Path, system: str
) -> None:
    """The same losses and scores as here, where images come from the main process."""
    options = ["trainer.max_steps=3", "baselines=false"]
    there = tmp_path / "there"
    command = [*tiny, *TINY_UNET, *options, "dataset.num_workers=1", f"hydra.run.dir={there}"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "on_another_system.py"), *command], cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": PATHS, "SYSTEM": system}, timeout=280,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert ("dataset.cache_gb: Windows shares no" in done.stdout) is (system == "windows")
    rows = losses(there)
    assert [row["step"] for row in rows if row["train/g/l1"]] == ["1", "2", "3"]
    assert rows == losses(train(*options))


@pytest.mark.faults
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("system", ["macos", "windows"])
def test_the_unit_tests_pass_without_what_a_system_lacks(system: str) -> None:
    command = [
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "lacking", f"--without={system}",
        "tests/unit",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | {"PYTHONPATH": PATHS}, timeout=1400,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
