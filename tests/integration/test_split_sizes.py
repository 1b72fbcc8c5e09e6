"""Splits of one to four images on one to three processes: trained, scored and ended, or refused."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from every_split_size import make_splits
from ports import free_port

SIZES = range(1, 5)
ALL = ["".join(map(str, sizes)) for sizes in itertools.product(SIZES, repeat=3)]
SOME = ["412", "211", "223", "434", "144"]  # the first one hung for ever on two processes
LIMITED = ["443,limit_val_batches=0.5,limit_test_batches=0.5"]  # rounded down: 1 of 2, 0 of 1


def tried(root: Path, processes: int, combinations: list[str], limit: float) -> list[dict]:
    """What each process said of each combination."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT / "src")]),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "NODE_RANK": "0",
        "WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    program = [sys.executable, str(ROOT / "tests" / "every_split_size.py"), str(root)]
    group = []
    for rank in range(processes):
        with (root / f"{rank}.log").open("w") as log:
            group.append(
                subprocess.Popen(
                    [*program, *combinations],
                    env=environment | {"LOCAL_RANK": str(rank)},
                    cwd=root,
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        codes = [process.wait(timeout=limit) for process in group]
    finally:
        for process in group:
            process.kill()
    logs = [(root / f"{rank}.log").read_text() for rank in range(processes)]
    assert codes == [0] * processes, "\n".join(log[-2000:] for log in logs)
    found = []
    for rank, log in enumerate(logs):
        lines = [line.split(" ", 2) for line in log.splitlines() if line.startswith(f"{rank} ")]
        found.append({combination: said for _, combination, said in lines})
    return found


def look_at(found: list[dict], alone: dict) -> None:
    """Every process says the same, and of the baseline what one process says."""
    processes = len(found)
    assert all(of_one == found[0] for of_one in found)
    for combination, said in found[0].items():
        sizes, _, limited = combination.partition(",")
        train, val, test = map(int, sizes)
        if train < processes:
            expected = f"at least one whole batch of 1 x {processes} = {processes} images"
            assert said.startswith("refused dataset.batch_size=1: found") and expected in said
            continue
        if limited and processes == 3:
            assert said.startswith("refused split=test: found no images; expected 1 or more. ")
            continue
        words = said.split()
        assert words[:4] == ["steps", str(2 * (train // processes)), "passes", "2"], combination
        if not limited:
            assert [word.split(":")[0] for word in words[5:]] == [str(val), str(test), str(test)]
            assert words[-1] == alone[combination].split()[-1]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("few")
    make_splits(root)
    return root


@pytest.fixture(scope="module")
def some_alone(few: Path) -> dict:
    """What one process says."""
    (alone,) = tried(few, 1, SOME, 200)
    look_at([alone], alone)
    return alone


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, pytest.param(3, marks=pytest.mark.faults)])
def test_some_splits_smaller_than_the_processes(
    few: Path, some_alone: dict, processes: int
) -> None:
    look_at(tried(few, processes, [*SOME, *LIMITED], 200), some_alone)


@pytest.mark.faults
@pytest.mark.timeout(1500)
def test_all_splits_on_all_numbers_of_processes(few: Path) -> None:
    (alone,) = tried(few, 1, ALL, 400)
    for processes in (1, 2, 3):
        found = tried(few, processes, [*ALL, *LIMITED], 500)
        assert len(found[0]) == len(ALL) + 1
        look_at(found, alone)
