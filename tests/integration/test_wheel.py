"""The wheel carries conf/ and experiments/, and its commands find them from anywhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from compared_runs import make_run
from conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, unpacked where no checkout is near."""
    folder = tmp_path_factory.mktemp("wheel")
    # hatchling is there already: nothing is fetched
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(installed: Path, command: str, *options: str, cwd: Path) -> subprocess.CompletedProcess:
    code = f"from i2i.commands.{command} import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *options], cwd=cwd, timeout=200, capture_output=True,
        text=True, env=os.environ | {"PYTHONPATH": str(installed)},
    )  # fmt: skip


def test_presets_and_experiments_are_in_it(installed: Path) -> None:
    for folder in ("conf", "experiments"):
        mine = {p.relative_to(ROOT / folder) for p in (ROOT / folder).rglob("*.yaml")}
        its = {
            p.relative_to(installed / "i2i" / folder)
            for p in (installed / "i2i" / folder).rglob("*.yaml")
        }
        assert mine == its and mine
    scripts = next(installed.glob("*.dist-info/entry_points.txt")).read_text()
    assert all(f"i2i-{name}" in scripts for name in ("train", "evaluate", "translate", "compare"))


def test_its_commands_find_conf_from_any_directory(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "train", "experiments=first_run", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "UNetGenerator" in done.stdout
    where = run(installed, "train", "--info", "searchpath", cwd=tmp_path)
    assert str(installed / "i2i" / "conf") in where.stdout
    assert str(ROOT / "conf") not in where.stdout


def test_its_compare_command_makes_a_page(installed: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "run", per_image={"ssim": [0.5]})
    done = run(installed, "compare", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "<h1" in (tmp_path / "run" / "comparison.html").read_text()


def test_its_train_command_trains(installed: Path, tiny: list[str], tmp_path: Path) -> None:
    options = [*tiny, "generator.n_downs=6", "trainer.max_steps=1", f"hydra.run.dir={tmp_path}/run"]
    done = run(installed, "train", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "test_metrics.json").is_file()
