"""What comes back from a measurement's process, in one process and in another."""

import os
from multiprocessing import Pipe
from typing import Any

import pytest

from benchmarks.fresh_process import answer, peak_mib


def received(function: Any, *arguments: Any) -> Any:
    receiver, sender = Pipe(duplex=False)
    answer(sender, function, arguments)
    return receiver.recv()


def refuse(value: int) -> dict:
    raise ValueError(f"speed={value}: found that\nand a second line")


def test_a_result_or_one_line_of_an_error() -> None:
    assert received(dict, [("a", 1)]) == {"a": 1}
    assert received(refuse, 3) == {"error": "ValueError: speed=3: found that"}


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux only")
def test_peak_memory_rises_with_what_is_used() -> None:
    before = peak_mib("cpu")
    kept = bytearray(b"x" * (int(before) + 64) * 2**20)
    assert peak_mib("cpu") > before + 63
    del kept
