"""Freed memory stays with the process; counted in page faults, in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, resource, sys
if not hasattr(ctypes.CDLL(None), "mallopt"):
    print("no mallopt")
    raise SystemExit
import numpy as np
from i2i.host_memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**26, np.uint8)
before = faults()
for _ in range(20):
    np.ones(2**26, np.uint8)
print(faults() - before)
"""


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2] / "src",
    )  # fmt: skip
    if "no mallopt" in done.stdout:
        pytest.skip("host memory: this C library has no mallopt")
    return int(done.stdout)


def test_pages_are_not_asked_for_again() -> None:
    assert faults("keep") < faults("leave") / 5
