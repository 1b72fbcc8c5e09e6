"""Two agents of torchrun, as on two machines, find one folder and train as one machine would."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, TINY_UNET
from ports import free_port

TRAIN = str(ROOT / "src" / "train.py")


def losses(run_dir: Path) -> list[dict[str, str]]:
    """The log without what depends on the clock."""
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "train/images_per_second"} for row in rows]


@pytest.mark.slow
def test_two_machines_train_as_one_with_two_processes(tiny: list[str], tmp_path: Path) -> None:
    options = [*tiny, *TINY_UNET, "trainer=ddp", "trainer.accelerator=cpu", "trainer.max_steps=3"]
    machine = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1",
        "--rdzv_backend=c10d", f"--rdzv_endpoint=127.0.0.1:{free_port()}", "--rdzv_id=two",
        TRAIN, *options,
    ]  # fmt: skip
    calm = os.environ | {"OMP_NUM_THREADS": "1"}
    machines = []
    for name in ("first", "second"):
        with (tmp_path / f"{name}.log").open("w") as log:
            machines.append(
                subprocess.Popen(machine, cwd=tmp_path, stdout=log, stderr=log, env=calm)
            )
    try:
        codes = [process.wait(timeout=250) for process in machines]
    finally:
        for process in machines:
            process.kill()
    logs = [(tmp_path / f"{name}.log").read_text() for name in ("first", "second")]
    assert codes == [0, 0], "\n".join(logs)[-3000:]
    (run_dir,) = tmp_path.glob("outputs/*/*")  # one, named by the time that process 0 told
    assert sum(log.count("Test split of folder") for log in logs) == 1

    alone = tmp_path / "alone"
    done = subprocess.run(
        [sys.executable, TRAIN, *options, "trainer.devices=2", f"hydra.run.dir={alone}"],
        cwd=tmp_path, env=calm, capture_output=True, text=True,
        timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert [row["step"] for row in losses(run_dir)] == ["1", "2", "3"]
    assert losses(run_dir) == losses(alone)
