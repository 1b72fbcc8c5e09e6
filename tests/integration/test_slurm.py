"""Against a real scheduler: DDP by srun, a requeued job, a sweep by submitit."""

import csv
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conftest import ROOT, TINY_UNET

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(900)]
TRAIN = str(ROOT / "src" / "train.py")
# A requeued job may start after two minutes; `scontrol update` lets it start at once.
OVER = ("", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


@pytest.fixture
def options(tiny: list[str]) -> list[str]:
    left_out = ("trainer=", "logger=")
    return [
        *(o for o in tiny if not o.startswith(left_out)), *TINY_UNET, "trainer=slurm", "logger=csv",
        "baselines=false", "callbacks.samples=null",
    ]  # fmt: skip


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}


def squeue(*words: str) -> str:
    done = subprocess.run(["squeue", "-h", *words], capture_output=True, text=True)
    return done.stdout.strip()


def submit(
    folder: Path,
    n_tasks: int,
    words: list[str],
    program: Sequence[str] = (sys.executable, TRAIN),
    n_nodes: int = 1,
) -> Path:
    """Runs a job script with one srun in it to its end; returns its log."""
    script, log = folder / "job.sh", folder / "job.log"
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    script.write_text(
        f"#!/bin/bash\ntaskset -cp {cores} $$ > /dev/null\nexport OMP_NUM_THREADS=1\n"
        f"srun {shlex.join([*program, *words])}\n"
    )
    command = ["sbatch", "--parsable", "--requeue", "--open-mode=append", f"--ntasks={n_tasks}",
               f"--nodes={n_nodes}", "--oversubscribe", f"--output={log}", str(script)]  # fmt: skip
    done = subprocess.run(
        command, env=environment(), cwd=folder, capture_output=True, text=True, check=True
    )
    job = done.stdout.strip()
    try:
        while (state := squeue("-j", job, "-o", "%T")) not in OVER:
            if state == "PENDING":
                subprocess.run(
                    ["scontrol", "update", f"jobid={job}", "StartTime=now"], capture_output=True
                )
            time.sleep(1)
    finally:
        subprocess.run(["scancel", job], capture_output=True)
    return log


def same_cores() -> str:
    """The launcher's option that keeps its jobs on the cores of this process."""
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    return f'hydra.launcher.setup=["export OMP_NUM_THREADS=1","taskset -cp {cores} $$"]'


def n_machines() -> int:
    found = subprocess.run(["sinfo", "-h", "-o", "%D"], capture_output=True, text=True).stdout
    return sum(int(line) for line in found.split())


def losses(run_dir: Path) -> list[dict[str, str]]:
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    kept = ("step", "train/d/real", "train/d/fake", "train/g/gan", "train/g/l1", "train/lr_g")
    return [{k: row[k] for k in (*kept, "val/ssim", "val/l1")} for row in rows]


@pytest.mark.parametrize(
    ("n_tasks", "n_nodes", "signalled", "saved"),
    # two tasks: one step later, which ends the second epoch
    [(1, 1, 11, 11), (2, 1, 7, 8), (2, 2, 7, 8)],
    ids=["one-task", "two-tasks", "two-machines"],
)
def test_a_requeued_job_goes_on_at_the_same_step(
    options: list[str], tmp_path: Path, n_tasks: int, n_nodes: int, signalled: int, saved: int
) -> None:
    """With a time-stamped folder: every task and both stretches find the same one."""
    if n_nodes > n_machines():
        pytest.skip("slurm: the scheduler has one machine")
    options = [*options, "trainer.max_epochs=3", "model.ema_decay=0.9", "generator.norm=batch"]
    probe = ["+callbacks.signal._target_=probes.SignalAt", f"+callbacks.signal.batches={signalled}"]
    log = submit(tmp_path, n_tasks, [*options, *probe], n_nodes=n_nodes).read_text()
    assert f"stopped after step {saved}," in log and "is asked to requeue" in log, log
    (run_dir,) = tmp_path.glob("outputs/*/*")
    assert run_dir.parent.name == "slurm"
    assert [int(row["step"]) for row in losses(run_dir)] == list(range(1, 24 // n_tasks + 1))
    assert (run_dir / "test_metrics.json").is_file()

    straight = tmp_path / "straight"
    kind = "trainer=cpu" if n_tasks == 1 else "trainer=ddp"
    words = [kind if o == "trainer=slurm" else o for o in options]
    subprocess.run(
        [sys.executable, TRAIN, *words, "trainer.accelerator=cpu", f"hydra.run.dir={straight}"],
        env=environment(), cwd=tmp_path, check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    assert losses(run_dir) == losses(straight)


def test_a_job_that_saves_nothing_is_requeued_three_times(
    options: list[str], tmp_path: Path
) -> None:
    probe = "+callbacks.signal._target_=probes.SignalBeforeTraining"
    log = submit(tmp_path, 1, [*options, probe]).read_text()
    assert log.count("SLURM is asked to requeue job") == 3, log
    assert log.count("is not requeued again: it was 3 times at step 0, and") == 1, log
    (run_dir,) = tmp_path.glob("outputs/*/*")
    assert f"resume={run_dir}" in log


def test_a_sweep_in_two_tasks_of_one_step_is_refused(options: list[str], tmp_path: Path) -> None:
    log = submit(tmp_path, 2, ["-m", *options, "generator.norm=batch,instance"]).read_text()
    assert log.count("found a sweep in 2 processes of one srun or torchrun; expected one") == 1
    assert "hydra/launcher=submitit_slurm" in log and "Traceback" not in log, log
    assert not list(tmp_path.glob("multirun/slurm/*/*/checkpoints"))


def test_two_tasks_score_twice_in_one_step(
    options: list[str], train: Callable[..., Path], tmp_path: Path
) -> None:
    """Two folders named by step and command line, which both tasks know."""
    run_dir = train("trainer.max_steps=1")
    words = [sys.executable, str(ROOT / "src" / "evaluate.py"), f"checkpoint={run_dir}"]
    words += ["trainer=slurm", "trainer.accelerator=cpu"]
    script = tmp_path / "twice.sh"
    script.write_text(f"{shlex.join(words)} split=val && {shlex.join(words)}\n")
    log = submit(tmp_path, 2, ["bash", str(script)], program=[]).read_text()
    found = tmp_path.glob("outputs/evaluate/slurm/*.0-*/metrics.json")
    assert sorted(json.loads(f.read_text())["n_images"] for f in found) == [4, 5], log


def test_optuna_outlives_a_cancelled_job(options: list[str], tmp_path: Path) -> None:
    """The trials of label=three cancel themselves; the study goes on and names the best other."""
    sweep = tmp_path / "sweep"
    done = subprocess.run(
        [sys.executable, TRAIN, "-m", *options, "trainer.max_steps=8", "label=one,three",
         "hydra/sweeper=optuna", "hydra.sweeper.sampler.seed=1", "hydra.sweeper.n_trials=3",
         "hydra.sweeper.n_jobs=1", "hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=10",
         same_cores(), f"hydra.sweep.dir={sweep}",
         "+callbacks.odd._target_=probes.FailByLabel", "+callbacks.odd.label=${label}"],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    texts = [f.read_text() for f in sorted(sweep.glob("*/.hydra/overrides.yaml"))]
    assert len(texts) == 3 and 0 < sum("label=three" in text for text in texts) < 3
    assert "label: one" in (sweep / "optimization_results.yaml").read_text()


def test_a_sweep_outlives_a_failed_and_a_cancelled_job(options: list[str], tmp_path: Path) -> None:
    """The second job cannot be built; the third cancels itself: no result ever comes of it."""
    sweep = tmp_path / "sweep"
    done = subprocess.run(
        [sys.executable, TRAIN, "-m", *options, "trainer.max_steps=8", "label=one,two,three",
         "hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=10",
         "hydra.launcher.array_parallelism=1", same_cores(),
         f"hydra.sweep.dir={sweep}", "+callbacks.odd._target_=probes.FailByLabel",
         "+callbacks.odd.label=${label}"],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 1
    assert sorted(p.parent.name for p in sweep.glob("*/test_metrics.json")) == ["0"]
    table = (sweep / "comparison.md").read_text()
    assert table in done.stdout
    assert all(f"| {label} |" in table for label in ("one", "two", "three"))
    assert "- two (1): no test_metrics.json" in table and "- three (2): no test" in table
    assert "is not requeued" in next(sweep.glob(".submitit/*_2/*_log.out")).read_text()
