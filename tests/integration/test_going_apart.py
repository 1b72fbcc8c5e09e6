"""A sweep inside torchrun whose first job fails: in both processes, and in one of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, TINY_UNET

# The others are waited for a minute, which a job's failure in two idle processes does not take.
PROGRAM = """
from datetime import timedelta
from i2i.commands import going_apart, train
going_apart.PATIENCE = timedelta(seconds=8)
train.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("everywhere", [True, False])
def test_the_next_job_is_trained_only_where_both_processes_come_to_it(
    tiny: list[str], tmp_path: Path, everywhere: bool
) -> None:
    sweep, program = tmp_path / "sweep", tmp_path / "program.py"
    program.write_text(PROGRAM)
    norms = "bogus,batch"
    if not everywhere:  # the first process alone looks for an earlier run
        (sweep / "0").mkdir(parents=True)
        (sweep / "0" / "metrics.csv").touch()
        norms = "instance,batch"
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2",
         str(program), "-m", f"generator.norm={norms}", *tiny, *TINY_UNET, "trainer=ddp",
         "trainer.accelerator=cpu", "trainer.max_steps=2", f"hydra.sweep.dir={sweep}"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, cwd=tmp_path, capture_output=True,
        text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-3000:]
    assert "This job failed" in done.stderr
    assert not (sweep / "0" / "checkpoints").exists()
    assert (sweep / "1" / "test_metrics.json").exists() == everywhere
    assert (sweep / "1" / "checkpoints").exists() == everywhere
    assert ("The sweep ends here: job 0 failed in process 0" in done.stderr) != everywhere
    assert (sweep / "comparison.md").is_file()
