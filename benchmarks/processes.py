"""Measurements in processes of their own: peak memory, threads and settings are then their own."""

import multiprocessing
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20


def make_importable() -> None:
    """Lets this process and those it starts import ``benchmarks`` and this checkout's ``i2i``."""
    paths = [str(ROOT), str(ROOT / "src")]
    earlier = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *(p for p in earlier if p)])
    sys.path[:0] = paths


def guarded(measure: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What a measurement returns, or {"error": one line}, so that one failure loses no other."""
    try:
        return measure(*arguments)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}


def forget_the_server() -> None:
    """Lets data loaders start their workers as in training, and not from servers of their own."""
    multiprocessing.set_start_method(None, force=True)


def call(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Calls in a fresh process.

    The process is a fork of a server that has imported everything and computed nothing: importing
    takes longer than most cells, and is measured in ``startup.py``.

    Args:
        function: Of a module's top level.
        arguments: Plain values and dataclasses.

    Returns:
        What it returns, or {"error": one line} where it failed or was killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.training"])
    with ProcessPoolExecutor(1, context, initializer=forget_the_server) as pool:
        return guarded(lambda: pool.submit(function, *arguments).result())


def run_command(words: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """Runs a program from the repository's folder; after ``limit_s`` seconds it is an error."""
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=limit_s)


def peak_mib(device: str) -> float:
    """Peak memory of this process so far, in MiB: the card's, or the resident set on a CPU."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / MIB
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the process that this one was forked from
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024
