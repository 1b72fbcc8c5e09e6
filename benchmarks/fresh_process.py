"""Each measurement in a process of its own: its peak memory, threads and settings are its own.

The processes are forks of a server that has imported everything and computed nothing, which saves
the seconds of importing; what importing costs is measured in ``startup.py``.
"""

import multiprocessing
import os
import resource
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20


def make_importable() -> None:
    """Lets this process and those it starts import ``benchmarks`` and this checkout's ``i2i``."""
    paths = [str(ROOT), str(ROOT / "src")]
    earlier = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    rest = [path for path in earlier if path and path not in paths]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths + rest)
    sys.path[:0] = [path for path in paths if path not in sys.path]


def call(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Calls in a fresh process.

    Args:
        function: Of a module's top level.
        arguments: Plain values and dataclasses.

    Returns:
        What it returns, or {"error": one line} where it failed or was killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.training", "benchmarks.bare_loop"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except Exception as error:  # one cell that cannot run must not lose the others
            if os.environ.get("I2I_TRACEBACK"):
                traceback.print_exc()
            text = f"{type(error).__name__}: {error}".strip().splitlines()
            return {"error": text[0][:200] if text else type(error).__name__}


def peak_mib(device: str) -> float:
    """Peak memory of this process so far, in MiB: the card's, or the resident set on a CPU."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / MIB
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024
